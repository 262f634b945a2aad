"""Two runs cell by cell: differences of scores with paired intervals, changed states, and what was made otherwise.

Intervals are over the groups of the split, which both sides score; both models are held fixed, so an interval says
what other specimens would have shown of these two models, not what other trainings would have given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.canonical import canonical
from bench.errors import BenchError, StoreError
from bench.record import Record, Scores, pair
from bench.report.changes import origin_changes
from bench.report.counts import pooled_metric
from bench.report.gates import Gate
from bench.report.measures import read
from bench.report.shape import Measure
from bench.report.undefined import shown, why_undefined
from bench.scores import rows_of
from bench.types import Float64, JsonValue

SUPPORT = tuple(row.name for row in rows_of("split") if row.of == "the data")
"""Score fields that describe the images of a split; where they differ, other pixels were scored."""


@dataclass(frozen=True, slots=True)
class SideCell:
    """One cell of a run, run or not: its axes with their labels, the board's word for its state, and its record."""

    id: str
    axes: Mapping[str, str]
    tuned: Mapping[str, JsonValue]
    state: str
    record: Record | None = None

    @property
    def labels(self) -> dict[str, str]:
        """Every axis with its label, tuned settings among them."""
        return {**self.axes, **{name: str(value) for name, value in self.tuned.items()}}

    @property
    def reason(self) -> str | None:
        """Why it ended so."""
        return self.record.reason if self.record else None


def side_cell(record: Record) -> SideCell:
    """A cell as its record describes it."""
    return SideCell(record.id, record.axes, record.tuned, record.state.word, record)


@dataclass(frozen=True, slots=True)
class Side:
    """One run: its name, and every cell by id."""

    name: str
    cells: Mapping[str, SideCell]


@dataclass(frozen=True, slots=True)
class Difference:
    """Second less first of one measure; ``interval`` is None where the groups of both sides are not at hand."""

    measure: Measure
    first: float | None
    second: float | None
    interval: tuple[float, float] | None = None

    @property
    def value(self) -> float | None:
        """The difference, or None where a side has no value."""
        return None if self.first is None or self.second is None else self.second - self.first


@dataclass(frozen=True, slots=True)
class Matched:
    """One cell on both sides; ``apart`` says why its scores cannot be compared, and then there are no differences."""

    id: str
    labels: Mapping[str, str]
    first: SideCell
    second: SideCell
    by_label: bool
    differences: tuple[Difference, ...]
    apart: str | None
    changed: tuple[str, ...]

    @property
    def states(self) -> tuple[str, str]:
        """How the cell ended on either side."""
        return self.first.state, self.second.state


@dataclass(frozen=True, slots=True)
class Comparison:
    """All of it; ``mean`` has the mean difference over the cells that have one, ``ignored`` axes only one side has."""

    first: str
    second: str
    cells: tuple[Matched, ...]
    only_first: tuple[SideCell, ...]
    only_second: tuple[SideCell, ...]
    mean: tuple[tuple[Difference, int], ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Met:
    """A gate that a cell meets, by the cell's id in the first run, with how."""

    gate: Gate
    cell: str
    how: str


def compare(first: Side, second: Side, measures: Sequence[Measure]) -> Comparison:
    """Match the cells of two runs, by id and then by equal labels, and take second less first.

    Raises:
        StoreError: no cell is on both sides, no score of any can be compared, or no record has one of the measures.
    """
    pairs, ignored = _pairs(first.cells, second.cells)
    if not pairs:
        raise StoreError(
            f"{first.name} and {second.name} share no cell, neither by id nor by labels; nothing can be compared"
        )
    first, second = _shown(first), _shown(second)
    _check_measures(measures, [*first.cells.values(), *second.cells.values()])
    cells = tuple(_matched(first.cells[one], second.cells[two], measures, by_label=one != two) for one, two in pairs)
    aparts = [cell.apart for cell in cells if cell.states == ("done", "done")]
    if aparts and all(aparts):
        raise StoreError(f"{first.name} and {second.name} cannot be compared: {aparts[0]}")
    here, there = {one for one, _ in pairs}, {two for _, two in pairs}
    return Comparison(
        first.name,
        second.name,
        cells,
        tuple(cell for id, cell in first.cells.items() if id not in here),
        tuple(cell for id, cell in second.cells.items() if id not in there),
        tuple(_mean(cells, measure, number) for number, measure in enumerate(measures)),
        ignored,
    )


def _shown(side: Side) -> Side:
    """The side with scores that have no value taken out."""
    return Side(
        side.name,
        {id: replace(cell, record=shown(cell.record)) if cell.record else cell for id, cell in side.cells.items()},
    )


def gates_met(comparison: Comparison, gates: Sequence[Gate]) -> list[Met]:
    """Cells that meet a gate; one that the second run no longer has or scores, or scores otherwise, meets each."""
    lost = [cell.id for cell in comparison.only_first if cell.state == "done"]
    return [met for gate in gates for met in (*_matched_met(gate, comparison.cells), *_lost_met(gate, lost))]


def _matched_met(gate: Gate, cells: Sequence[Matched]) -> Iterator[Met]:
    yield from (Met(gate, cell.id, how) for cell in cells if (how := _met(gate, cell)))


def _lost_met(gate: Gate, lost: Sequence[str]) -> Iterator[Met]:
    yield from (Met(gate, id, "not in B") for id in lost)


def _met(gate: Gate, cell: Matched) -> str | None:
    if cell.states[0] != "done":
        return None
    if cell.states[1] != "done":
        return f"done -> {cell.states[1]}"
    if cell.apart:
        return "not comparable"
    one, two = (_value(side, gate.measure) for side in (cell.first, cell.second))
    if one is None:
        return None
    if two is None:
        return "no value any more"
    scale = 100 if gate.measure.percent else 1
    return f"{scale * one:.4g} -> {scale * two:.4g}" if gate.holds(one, two) else None


def _value(cell: SideCell, measure: Measure) -> float | None:
    return read(cell.record, measure).value if cell.record else None


def _pairs(
    first: Mapping[str, SideCell], second: Mapping[str, SideCell]
) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Ids on the first side with their partner's, and axes that only one side has."""
    axes = [{axis for cell in side.values() for axis in cell.labels} for side in (first, second)]
    shared, ignored = axes[0] & axes[1], tuple(sorted(axes[0] ^ axes[1]))
    partners = {id: id for id in first if id in second}
    left, right = (_by_label(side, partners, shared) for side in (first, second))
    partners |= {id: right[labels] for labels, id in left.items() if labels in right}
    return [(id, partners[id]) for id in first if id in partners], ignored


def _by_label(cells: Mapping[str, SideCell], but: Collection[str], axes: set[str]) -> dict[bytes, str]:
    """Ids by labels; labels that several cells share name none of them."""
    names = {
        id: canonical({a: v for a, v in cell.labels.items() if a in axes})
        for id, cell in cells.items()
        if id not in but
    }
    counts = Counter(names.values())
    return {name: id for id, name in names.items() if counts[name] == 1}


def _matched(first: SideCell, second: SideCell, measures: Sequence[Measure], *, by_label: bool) -> Matched:
    one, two = first.record, second.record
    if one is None or two is None:
        return Matched(first.id, first.labels, first, second, by_label, (), None, ())
    done = first.state == second.state == "done"
    apart = _apart(one, two) if done else None
    found = tuple(_difference(one, two, measure) for measure in measures) if done and not apart else ()
    return Matched(first.id, first.labels, first, second, by_label, found, apart, tuple(origin_changes(one, two)))


def _apart(first: Record, second: Record) -> str | None:
    """Why two cells were not scored on the same pixels, or None."""
    for split in ("test", "validation"):
        one, two = first.of_split(split), second.of_split(split)
        other = [name for name in SUPPORT if name in one.root and name in two.root and one[name] != two[name]]
        truth = [_truth(scores) for scores in (one, two)]
        if other or (None not in truth and truth[0] != truth[1]):
            return f"other images, groups or masks in {split}: scores are NOT comparable"
    return None


def _truth(scores: Scores) -> dict[str, tuple[str, int, int]] | None:
    """Group, positive and negative pixels of every image; None where the record keeps no counts."""
    counts = scores.image_counts
    if counts is None:
        return None
    rows = zip(counts.ids, counts.groups, counts.counts, strict=True)
    return {id: (group, tp + fn, fp + tn) for id, group, (tp, fp, fn, tn) in rows}


def _difference(first: Record, second: Record, measure: Measure) -> Difference:
    counts = _counts(first, second, measure)
    interval = None if counts is None else _interval([counts[:, None, None]], measure)
    return Difference(measure, read(first, measure).value, read(second, measure).value, interval)


def _mean(cells: Sequence[Matched], measure: Measure, number: int) -> tuple[Difference, int]:
    """Mean of one measure over the cells in which both sides have it, and how many those are."""
    scored = [cell for cell in cells if cell.differences and cell.differences[number].value is not None]
    if not scored:
        return Difference(measure, None, None), 0
    found = [cell.differences[number] for cell in scored]
    first, second = (float(np.mean([getattr(one, side) for one in found])) for side in ("first", "second"))
    return Difference(measure, first, second, _mean_interval(scored, measure)), len(scored)


def _mean_interval(cells: Sequence[Matched], measure: Measure) -> tuple[float, float] | None:
    """Interval of the mean over cells; cells that score the same images share their groups, others are independent."""
    blocks: dict[bytes, list[Float64]] = {}
    for cell in cells:
        assert cell.first.record is not None
        assert cell.second.record is not None
        counts = _counts(cell.first.record, cell.second.record, measure)
        if counts is None:
            return None
        blocks.setdefault(canonical(_truth(cell.first.record.of_split(measure.split))), []).append(counts)
    return _interval([np.stack(found, axis=1)[:, :, None] for found in blocks.values()], measure)


def _counts(first: Record, second: Record, measure: Measure) -> Float64 | None:
    """Counts ``float64[2, groups, 4]`` of both sides in the same order of groups; None where a side has no score."""
    if pooled_metric(measure) is None:
        return None
    if any(read(record, measure).value is None for record in (first, second)):
        return None
    from bench.statistics.intervals import group_counts

    sides = []
    for record in (first, second):
        counts = record.of_split(measure.split).image_counts
        if counts is None:
            return None
        names, total = group_counts(counts.groups, np.array(counts.counts, np.int64))
        sides.append(total[np.argsort(np.array(names, np.str_), kind="stable")])
    return np.stack(sides)


def _interval(counts: Sequence[Float64], measure: Measure) -> tuple[float, float] | None:
    """Interval of the mean difference from blocks ``float64[2, cells, 1, groups, 4]``; None with a single group."""
    from bench.statistics.comparisons import even_shares, weighted
    from bench.statistics.estimates import block

    metric = pooled_metric(measure)
    assert metric is not None
    try:
        blocks = [block(one, metric) for one in counts]
    except BenchError:
        return None
    found = weighted(blocks, np.array([-1.0, 1.0]), even_shares(blocks)).interval()
    return pair([float(end) for end in found])


def _check_measures(measures: Sequence[Measure], cells: Sequence[SideCell]) -> None:
    done = [cell.record for cell in cells if cell.state == "done" and cell.record is not None]
    for measure in measures:
        lacking = [record for record in done if read(record, measure).value is None]
        if done and len(lacking) == len(done) and not any(why_undefined(one, measure.split or "") for one in done):
            hint = _hint(measure, done[0])
            raise StoreError(f"no record of either run has a value of {measure.name!r}{hint}")


def _hint(measure: Measure, record: Record) -> str:
    from difflib import get_close_matches

    close = get_close_matches(measure.name, list(_names(record)), 1)
    return f"; did you mean {close[0]!r}?" if close else "; write it as f1@test or cost.train_s"


def _names(record: Record) -> Iterator[str]:
    for split, scores in record.scores.items():
        yield from (f"{name}@{split}" for name in scores.root)
    yield from (f"cost.{name}" for name in (record.cost.plain() if record.cost else ()))
