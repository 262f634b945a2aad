"""The order of the rows of a column: intervals over seeds and groups, tie groups, differences to a reference.

Rows are compared inside one column of one table, over the test groups they share, and never where they are data sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.errors import DataError
from bench.report.choose import Records, done_cells, seed_of
from bench.report.counts import Counts, counts_of, pooled_metric, stacked
from bench.report.measures import read
from bench.report.shape import CellLike, Entry, Measure, Table
from bench.statistics.comparisons import FEWEST_SEEDS, against_reference
from bench.statistics.estimates import block
from bench.statistics.intervals import mean_estimate
from bench.statistics.letters import tie_letters
from bench.types import PixelMetric
from bench.words import plural

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
    found = None
    for index, measure in enumerate(measures):
        metric = pooled_metric(measure)
        if metric and (found is None or (found.measure.split != "test" and measure.split == "test")):
            found = Ordering(index, measure, metric, reference)
    return found


def seeds_interval(ids: Sequence[str], records: Records, measure: Measure) -> tuple[float, float] | None:
    """Interval of the mean over the seeds of one position; None where counts are missing or images differ."""
    metric = pooled_metric(measure)
    row = _row(ids, {id: id for id in ids}, records, measure)
    return _interval(row, metric) if metric and row else None


def _row(ids: Sequence[str], seeds: Mapping[str, str], records: Records, measure: Measure) -> Row:
    """Counts by seed of these cells; empty unless all have the score, from counts of the same images."""
    row: dict[str, Counts] = {}
    for id in ids:
        counts = counts_of(records[id], measure.split or "")
        if counts is None or read(records[id], measure).value is None:
            return {}
        row[seeds[id]] = counts
    return row if _same_images([row]) else {}


def _same_images(rows: Iterable[Row]) -> bool:
    images = set()
    for row in rows:
        images |= {counts.same_images for counts in row.values()}
    return len(images) == 1


def _interval(row: Row, metric: PixelMetric) -> tuple[float, float]:
    low, high = mean_estimate(stacked(list(row.values())), metric).share_interval().tolist()
    return low, high


def ordered(
    tables: Sequence[Table], how: Ordering | None, cells: Sequence[CellLike], records: Records, rows_axis: str
) -> tuple[tuple[Table, ...], list[Column]]:
    """Tables whose figures carry their tie groups, and their columns, in reading order; without ``how`` none."""
    if how is None:
        return tuple(tables), []
    done = {cell.id: seed_of(cell) for cell in done_cells(cells, records)}
    comparable = "dataset" not in rows_axis.split(", ")
    columns: list[Column] = []
    marked = []
    for table in tables:
        own = [_column(table, index, how, done, records, comparable=comparable) for index in range(len(table.columns))]
        columns += own
        marked.append(lettered(table, own, how))
    return tuple(marked), columns


def _column(
    table: Table, index: int, how: Ordering, seeds: Mapping[str, str], records: Records, *, comparable: bool
) -> Column:
    entries = [row[index] for row in table.entries]
    rows: dict[str, Row] = {}
    places: dict[str, Place] = {}
    for entry in entries:
        done = [id for id in entry.cells if id in seeds]
        row = rows[entry.row] = _row(done, seeds, records, how.measure)
        if row:
            places[entry.row] = _place(entry.row, row, how)
    remarks: tuple[str, ...] = ()
    some = False
    if comparable and len(entries) > 1 and any(len(row) > 1 for row in rows.values()):
        try:
            names, shared = _family(rows)
            reference = how.reference or entries[0].row
            family: dict[str, Row] = {}
            for name in names:
                some = some or len(rows[name]) > len(shared)
                family[name] = {seed: rows[name][seed] for seed in shared}
            places |= _compared(family, how, reference)
            remarks = _remarks(rows, names, shared, reference, some=some)
        except DataError as reason:
            remarks = (str(reason),)
    return Column(table.title, table.columns[index], tuple(places.values()), remarks, some)


def _place(name: str, row: Row, how: Ordering) -> Place:
    cells = list(row.values())
    value = float(how.metric.value(stacked(cells).sum(axis=1)).mean())
    return Place(name, len(row), value, _interval(row, how.metric), cells[0].defective)


def _family(rows: Mapping[str, Row]) -> tuple[list[str], list[str]]:
    """The rows that can be compared, and the seeds that all of them have.

    Raises:
        DataError: why no order is claimed.
    """
    enough = [name for name, row in rows.items() if len(row) >= FEWEST_SEEDS]
    if len(enough) < 2:
        raise DataError(f"no order claimed: fewer than two rows have {FEWEST_SEEDS} seeds")
    if not _same_images(rows[name] for name in enough):
        raise DataError("no order claimed: the rows were not scored on the same images")
    shared = list(rows[enough[0]])
    for name in enough:
        shared = [seed for seed in shared if seed in rows[name]]
    if len(shared) < FEWEST_SEEDS:
        raise DataError(f"no order claimed: all rows share {plural(len(shared), 'seed')}, fewer than {FEWEST_SEEDS}")
    return enough, shared


def _compared(rows: Mapping[str, Row], how: Ordering, reference: str) -> dict[str, Place]:
    """Places of rows of the same seeds, with tie groups, and with differences to the reference if it is among them."""
    counts = np.stack([stacked(list(row.values())) for row in rows.values()])
    scores = [block(counts[:, None], how.metric)]
    ties = tie_letters(scores, scores[0].values.mean(axis=-1)[:, 0].tolist())
    names = list(rows)
    places = {}
    for name, tie in zip(names, ties, strict=True):
        places[name] = replace(_place(name, rows[name], how), tie=tie)
    if reference in places:
        for one in against_reference(scores, names.index(reference)):
            name = names[one.first]
            low, high = one.estimate.interval().tolist()
            places[name] = replace(
                places[name],
                difference=float(one.estimate.value),
                difference_interval=(low, high),
                p=float(one.p),
            )
    return places


def _remarks(
    rows: Iterable[str], names: Sequence[str], seeds: Sequence[str], reference: str, *, some: bool
) -> tuple[str, ...]:
    """What is left out of the comparison."""
    remarks = []
    out = [name for name in rows if name not in names]
    if out:
        remarks.append(f"not compared: {', '.join(out)}")
    if some:
        remarks.append(f"compared over the {plural(len(seeds), 'seed')} {', '.join(seeds)}, so are the means here")
    if reference not in names:
        remarks.append(f"no difference to {reference}: it is not among the rows compared")
    return tuple(remarks)


def lettered(table: Table, columns: Sequence[Column], how: Ordering) -> Table:
    """The table with the ties of these columns at the figures that decide the order; without columns none.

    Where rows were compared over other seeds than the figures are means of, the letters stand in the section only.
    """
    ties = {}
    for column in columns:
        if not column.some_seeds:
            ties[column.name] = {place.row: place.tie for place in column.places}
    rows = []
    for row in table.entries:
        entries = []
        for entry in row:
            tie = ties.get(entry.column, {}).get(entry.row, "")
            entries.append(_tied(entry, how.index, tie))
        rows.append(tuple(entries))
    return replace(table, entries=tuple(rows))


def _tied(entry: Entry, index: int, tie: str) -> Entry:
    figures = list(entry.figures)
    if figures:
        figures[index] = replace(figures[index], tie=tie)
    return replace(entry, figures=tuple(figures))
