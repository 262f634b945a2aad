"""The order of the rows of a column: intervals over seeds and groups, tie groups, differences to a reference.

Rows are compared inside one column of one table, over the test groups they share, and never where they are data sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from bench.errors import DataError
from bench.report.choose import Records, seed_of, state_of
from bench.report.counts import Counts, counts_of, pooled_metric, reliability, stacked
from bench.report.measures import NOTHING, heading, interval_text, percent, read
from bench.report.shape import CellLike, Entry, Grid, Measure, Section, Table
from bench.statistics.comparisons import ALPHA, FEWEST_SEEDS, against_reference
from bench.statistics.estimates import block
from bench.statistics.intervals import mean_estimate
from bench.statistics.letters import tie_letters
from bench.types import PixelMetric
from bench.words import plural

TITLE = "Order of the rows"
INTERVALS = (
    "Intervals of 95 % over seeds and groups, which are crossed. Models, thresholds and the split are held fixed: the "
    "intervals do not cover another split."
)
LETTERS = (
    "Rows of a column that share a letter cannot be told apart: compared in pairs over the same groups, all pairs of "
    f"the column, family-wise error {100 * ALPHA:.0f} % (Holm). Letter a holds the best row."
)
REFERENCE = (
    "Differences are to {}, in points and paired over the same groups. Their p is adjusted over the rows of the column "
    "(Holm), their intervals are not."
)
POLICY = (
    f"Compared are rows with at least {FEWEST_SEEDS} finished seeds, over the seeds that all of them have; a missing "
    "or failed cell is never counted as zero."
)

Row = Mapping[str, Counts]
"""Seed to counts."""


@dataclass(frozen=True, slots=True)
class Ordering:
    """By which value rows are ordered, and the row that differences are taken to; None is the first."""

    index: int
    measure: Measure
    metric: PixelMetric
    reference: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """One row of a column; scores in 0..1. ``p`` is adjusted; what is not claimed is None or empty."""

    row: str
    seeds: int
    value: float
    interval: tuple[float, float]
    defective_groups: int
    tie: str = ""
    difference: float | None = None
    difference_interval: tuple[float, float] | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """The places of one column of a table, and what must be said of its order.

    ``some_seeds``: rows are compared over fewer seeds than their figures in the table are means of.
    """

    table: tuple[tuple[str, str], ...]
    name: str
    places: tuple[Place, ...]
    remarks: tuple[str, ...] = ()
    some_seeds: bool = False


def ordering(measures: Sequence[Measure], reference: str | None) -> Ordering | None:
    """Order by the first value on test that follows from pixel counts, else by the first on validation."""
    known = [
        Ordering(index, measure, metric, reference)
        for index, measure in enumerate(measures)
        if (metric := pooled_metric(measure))
    ]
    return min(known, key=lambda how: how.measure.split != "test", default=None)


def seeds_interval(ids: Sequence[str], records: Records, measure: Measure) -> tuple[float, float] | None:
    """Interval of the mean over the seeds of one position; None where counts are missing or images differ."""
    metric, row = pooled_metric(measure), _row(ids, {id: id for id in ids}, records, measure)
    return _interval(row, metric) if metric and row else None


def _row(ids: Sequence[str], seeds: Mapping[str, str], records: Records, measure: Measure) -> Row:
    """Counts by seed of these cells; empty unless all have the score, from counts of the same images."""
    if any(read(records[id], measure).value is None for id in ids):
        return {}
    found = {seeds[id]: counts_of(records[id], measure.split or "") for id in ids}
    row = {seed: counts for seed, counts in found.items() if counts}
    return row if len(row) == len(found) and len({counts.same_images for counts in row.values()}) == 1 else {}


def _interval(row: Row, metric: PixelMetric) -> tuple[float, float]:
    low, high = mean_estimate(stacked(list(row.values())), metric).share_interval().tolist()
    return low, high


def ordered(
    tables: Sequence[Table], how: Ordering | None, cells: Sequence[CellLike], records: Records, rows_axis: str
) -> tuple[tuple[Table, ...], Section | None]:
    """Tables whose figures carry their tie groups, and the section that tells the order; None with one seed each."""
    if how is None:
        return tuple(tables), None
    done = {cell.id: seed_of(cell) for cell in cells if state_of(cell, records)[0] == "done"}
    comparable = "dataset" not in rows_axis.split(", ")
    columns = [
        [_column(table, index, how, done, records, comparable=comparable) for index in range(len(table.columns))]
        for table in tables
    ]
    marked = tuple(lettered(table, found, how) for table, found in zip(tables, columns, strict=True))
    return marked, _section([column for found in columns for column in found], how, rows_axis)


def _column(
    table: Table, index: int, how: Ordering, seeds: Mapping[str, str], records: Records, *, comparable: bool
) -> Column:
    entries = [row[index] for row in table.entries]
    rows = {
        entry.row: _row([id for id in entry.cells if id in seeds], seeds, records, how.measure) for entry in entries
    }
    scored = {name: row for name, row in rows.items() if row}
    places = {name: _place(name, row, how) for name, row in scored.items()}
    remarks: tuple[str, ...] = ()
    some = False
    if comparable and len(entries) > 1 and any(place.seeds > 1 for place in places.values()):
        try:
            names, shared = _family(scored)
            reference = how.reference or entries[0].row
            some = any(len(scored[name]) > len(shared) for name in names)
            rows = rows | {name: {seed: scored[name][seed] for seed in shared} for name in names}
            places |= _compared([_place(name, rows[name], how) for name in names], rows, shared, how, reference)
            remarks = _remarks(rows, names, shared, reference, some=some)
        except DataError as reason:
            remarks = (str(reason),)
    return Column(table.title, table.columns[index], tuple(places.values()), remarks, some)


def _place(name: str, row: Row, how: Ordering) -> Place:
    counts = stacked(list(row.values()))
    value = float(how.metric.value(counts.sum(axis=1)).mean())
    return Place(name, len(row), value, _interval(row, how.metric), next(iter(row.values())).defective)


def _family(rows: Mapping[str, Row]) -> tuple[list[str], list[str]]:
    """The rows that can be compared, and the seeds that all of them have.

    Raises:
        DataError: why no order is claimed.
    """
    enough = [name for name, row in rows.items() if len(row) >= FEWEST_SEEDS]
    if len(enough) < 2:
        raise DataError(f"no order claimed: fewer than two rows have {FEWEST_SEEDS} seeds")
    if len({counts.same_images for name in enough for counts in rows[name].values()}) > 1:
        raise DataError("no order claimed: the rows were not scored on the same images")
    shared = [seed for seed in rows[enough[0]] if all(seed in rows[name] for name in enough)]
    if len(shared) < FEWEST_SEEDS:
        raise DataError(f"no order claimed: all rows share {plural(len(shared), 'seed')}, fewer than {FEWEST_SEEDS}")
    return enough, shared


def _compared(
    places: Sequence[Place], rows: Mapping[str, Row], seeds: Sequence[str], how: Ordering, reference: str
) -> dict[str, Place]:
    """The places with tie groups, and with differences to the reference where that is one of them."""
    counts = np.stack([stacked([rows[place.row][seed] for seed in seeds]) for place in places])
    scores = [block(counts[:, None], how.metric)]
    ties = tie_letters(scores, scores[0].values.mean(axis=-1)[:, 0].tolist())
    found = {place.row: replace(place, tie=tie) for place, tie in zip(places, ties, strict=True)}
    names = list(found)
    if reference in found:
        for one in against_reference(scores, names.index(reference)):
            low, high = one.estimate.interval().tolist()
            found[names[one.first]] = replace(
                found[names[one.first]],
                difference=float(one.estimate.value),
                difference_interval=(low, high),
                p=float(one.p),
            )
    return found


def _remarks(
    rows: Mapping[str, Row], names: Sequence[str], seeds: Sequence[str], reference: str, *, some: bool
) -> tuple[str, ...]:
    """What is left out of the comparison."""
    out = [name for name in rows if name not in names]
    return (
        *([f"not compared: {', '.join(out)}"] if out else ()),
        *(
            [f"compared over the {plural(len(seeds), 'seed')} {', '.join(seeds)}, so are the means here"]
            if some
            else ()
        ),
        *([f"no difference to {reference}: it is not among the rows compared"] if reference not in names else ()),
    )


def lettered(table: Table, columns: Sequence[Column], how: Ordering) -> Table:
    """The table with the ties of these columns at the figures that decide the order; without columns none.

    Where rows were compared over other seeds than the figures are means of, the letters stand in the section only.
    """
    whole = [column for column in columns if not column.some_seeds]
    ties = {(place.row, column.name): place.tie for column in whole for place in column.places}
    return replace(
        table,
        entries=tuple(
            tuple(_tied(entry, how.index, ties.get((entry.row, entry.column), "")) for entry in row)
            for row in table.entries
        ),
    )


def _tied(entry: Entry, index: int, tie: str) -> Entry:
    figures = [replace(figure, tie=tie) if k == index else figure for k, figure in enumerate(entry.figures)]
    return replace(entry, figures=tuple(figures))


def _section(columns: Sequence[Column], how: Ordering, rows_axis: str) -> Section | None:
    """Intervals, ties and differences of all columns with several seeds."""
    shown = [column for column in columns if any(place.seeds > 1 for place in column.places)]
    if not shown:
        return None
    places = [place for column in shown for place in column.places]
    said = {
        INTERVALS: True,
        LETTERS: any(place.tie for place in places),
        REFERENCE.format(how.reference or "the first row"): any(place.p is not None for place in places),
        POLICY: any(place.tie for place in places),
    }
    alarms = sorted({text for place in places if (text := reliability(place.defective_groups))})
    return Section(
        title=f"{TITLE} by {heading(how.measure, '')}",
        grids=tuple(_grid(column, how, rows_axis) for column in shown),
        sentences=(
            *(f"{_name(column)}: {'; '.join(column.remarks)}." for column in shown if column.remarks),
            *(f"{alarm[0].upper()}{alarm[1:]}." for alarm in alarms),
            *(text for text, holds in said.items() if holds),
        ),
        values=tuple(
            {"table": dict(column.table), "column": column.name, "measure": how.measure.name, **asdict(place)}
            for column in shown
            for place in column.places
        ),
    )


def _name(column: Column) -> str:
    return ", ".join([column.name, *(f"{axis} {label}" for axis, label in column.table)])


def _grid(column: Column, how: Ordering, rows_axis: str) -> Grid:
    compared = any(place.tie for place in column.places)
    header = (rows_axis, "seeds", heading(how.measure), "interval")
    return Grid(
        title=_name(column),
        header=(*header, "ties", "difference", "interval", "p") if compared else header,
        rows=tuple(_line(place)[: None if compared else len(header)] for place in column.places),
    )


def _line(place: Place) -> tuple[str, ...]:
    mean = (place.row, str(place.seeds), percent(place.value), interval_text(place.interval))
    return (*mean, place.tie or NOTHING, *difference_texts(place.difference, place.difference_interval, place.p))


def difference_texts(
    value: float | None, interval: tuple[float, float] | None, p: float | None
) -> tuple[str, str, str]:
    """``+4.1``, ``[+2.0, +6.3]``, ``0.012``; dashes where nothing is claimed."""
    ends = f"[{100 * interval[0]:+.1f}, {100 * interval[1]:+.1f}]" if interval else NOTHING
    chance = NOTHING if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"
    return (NOTHING if value is None else f"{100 * value:+.1f}"), ends, chance
