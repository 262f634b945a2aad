"""Two runs cell by cell: differences of scores with paired intervals, changed states, and what was made otherwise.

Intervals are over the groups of the split, which both sides score; both models are held fixed, so an interval says
what other specimens would have shown of these two models, not what other trainings would have given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np

from bench.canonical import canonical
from bench.errors import StoreError
from bench.record import Record, Scores, pair
from bench.report.changes import origin_changes
from bench.report.flagged_levels import SPLIT
from bench.report.gates import Gate
from bench.report.measures import read
from bench.report.shape import Measure
from bench.report.sides import Side, SideCell, pairs_of
from bench.report.spread import Spread, block_of, spread_of
from bench.report.undefined import shown, why_undefined
from bench.scores import rows_of
from bench.statistics.comparisons import even_shares, weighted

Sides = tuple[Spread, Spread]
"""A score of both sides of a pair of cells."""

SUPPORT = tuple(row.name for row in rows_of("split") if row.of == "the data")
"""Score fields that describe the images of a split; where they differ, other pixels were scored."""


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

    first: SideCell
    second: SideCell
    differences: tuple[Difference, ...] = ()
    apart: str | None = None
    changed: tuple[str, ...] = ()

    @property
    def by_label(self) -> bool:
        """Whether equal labels tell that the two are one cell, and not its id."""
        return self.first.id != self.second.id

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
    pairs, ignored = pairs_of(first.cells, second.cells)
    if not pairs:
        raise StoreError(
            f"{first.name} and {second.name} share no cell, neither by id nor by labels; nothing can be compared"
        )
    first, second = _shown(first), _shown(second)
    _check_measures(measures, [*first.cells.values(), *second.cells.values()])
    cells = tuple(_matched(first.cells[one], second.cells[two], measures) for one, two in pairs)
    aparts = [cell.apart for cell in cells if cell.states == ("done", "done")]
    if aparts and all(aparts):
        raise StoreError(f"{first.name} and {second.name} cannot be compared: {aparts[0]}")
    here, there = map(set, zip(*pairs, strict=True))
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
    cells = {}
    for id, cell in side.cells.items():
        cells[id] = replace(cell, record=shown(cell.record)) if cell.record else cell
    return Side(side.name, cells)


def gates_met(comparison: Comparison, gates: Sequence[Gate]) -> list[Met]:
    """Cells that meet a gate; one that the second run no longer has or scores, or scores otherwise, meets each."""
    lost = [cell.id for cell in comparison.only_first if cell.state == "done"]
    met = []
    for gate in gates:
        for cell in comparison.cells:
            how = _met(gate, cell)
            if how:
                met.append(Met(gate, cell.first.id, how))
        met += [Met(gate, id, "not in B") for id in lost]
    return met


def _met(gate: Gate, cell: Matched) -> str | None:
    if cell.states[0] != "done":
        return None
    if cell.states[1] != "done":
        return f"done -> {cell.states[1]}"
    if cell.apart:
        return "not comparable"
    one, two = (read(side.record, gate.measure).value if side.record else None for side in (cell.first, cell.second))
    if one is None:
        return None
    if two is None:
        return "no value any more"
    scale = 100 if gate.measure.percent else 1
    return f"{scale * one:.4g} -> {scale * two:.4g}" if gate.holds(one, two) else None


def _matched(first: SideCell, second: SideCell, measures: Sequence[Measure]) -> Matched:
    one, two = first.record, second.record
    if one is None or two is None:
        return Matched(first, second)
    done = first.state == second.state == "done"
    apart = _apart(one, two) if done else None
    differences = tuple(_difference(one, two, measure) for measure in measures) if done and not apart else ()
    return Matched(first, second, differences, apart, tuple(origin_changes(one, two)))


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
    spreads = _spreads(first, second, measure)
    interval = None if spreads is None else _interval([[spreads]])
    return Difference(measure, read(first, measure).value, read(second, measure).value, interval)


def _mean(cells: Sequence[Matched], measure: Measure, number: int) -> tuple[Difference, int]:
    """Mean of one measure over the cells in which both sides have it, and how many those are."""
    scored = []
    values = []
    for cell in cells:
        difference = cell.differences[number] if cell.differences else Difference(measure, None, None)
        if difference.first is not None and difference.second is not None:
            scored.append(cell)
            values.append((difference.first, difference.second))
    if not scored:
        return Difference(measure, None, None), 0
    first, second = (float(np.mean(side)) for side in zip(*values, strict=True))
    return Difference(measure, first, second, _mean_interval(scored, measure)), len(scored)


def _mean_interval(cells: Sequence[Matched], measure: Measure) -> tuple[float, float] | None:
    """Interval of the mean over cells; cells that score the same images share their groups, others are independent.

    None over several splits of a data set, whose training sets overlap.
    """
    if folds(cells):
        return None
    blocks: dict[bytes, list[Sides]] = {}
    for cell in cells:
        assert cell.first.record is not None
        assert cell.second.record is not None
        spreads = _spreads(cell.first.record, cell.second.record, measure)
        if spreads is None:
            return None
        blocks.setdefault(canonical(_truth(cell.first.record.of_split(measure.split))), []).append(spreads)
    return _interval(list(blocks.values()))


def folds(cells: Iterable[Matched]) -> bool:
    """Whether a data set is among them in several splits."""
    splits: dict[str, set[str]] = {}
    for cell in cells:
        labels = cell.first.labels
        splits.setdefault(labels.get("dataset", ""), set()).add(labels.get(SPLIT, ""))
    return any(len(found) > 1 for found in splits.values())


def _spreads(first: Record, second: Record, measure: Measure) -> Sides | None:
    """Both sides in the same order of groups; None where the error of one is not known."""
    sides = []
    for record in (first, second):
        spread = spread_of(record, measure)
        if spread is None:
            return None
        names = list(dict.fromkeys(spread.counts.groups))
        order = np.argsort(np.array(names, np.str_), kind="stable")
        sides.append(replace(spread, without=spread.without[order]))
    return sides[0], sides[1]


def _interval(pairs: Sequence[Sequence[Sides]]) -> tuple[float, float] | None:
    """Interval of the mean difference of pairs of cells; those of one item were scored on the same images."""
    blocks = []
    for same in pairs:
        first, second = zip(*same, strict=True)
        blocks.append(block_of([*first, *second], levels=2, contexts=len(same)))
    found = weighted(blocks, np.array([-1.0, 1.0]), even_shares(blocks))
    return pair(found.interval().tolist())


def _check_measures(measures: Sequence[Measure], cells: Sequence[SideCell]) -> None:
    done = [cell.record for cell in cells if cell.state == "done" and cell.record is not None]
    for measure in measures:
        without = all(read(record, measure).value is None for record in done)
        if done and without and not any(why_undefined(record, measure.split or "") for record in done):
            close = get_close_matches(measure.name, list(_names(done[0])), 1)
            hint = f"; did you mean {close[0]!r}?" if close else "; write it as f1@test or cost.train_s"
            raise StoreError(f"no record of either run has a value of {measure.name!r}{hint}")


def _names(record: Record) -> Iterator[str]:
    for split, scores in record.scores.items():
        yield from (f"{name}@{split}" for name in scores.root)
    yield from (f"cost.{name}" for name in (record.cost.plain() if record.cost else ()))
