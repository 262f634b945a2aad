"""The order of the rows of a column: intervals over seeds and groups, tie groups, differences to a reference.

Rows are compared inside one column of one table, over the test groups they share, and never where they are data sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from bench.errors import DataError
from bench.report.choose import Records, done_cells, seed_of
from bench.report.claims import NO_CLAIM, Claim, claims, of_the_rest
from bench.report.counts import pooled_metric
from bench.report.flags import Flags, Row, flags_of, standing
from bench.report.measures import heading
from bench.report.power import Power, power_of
from bench.report.retuned import other_trials, retuned
from bench.report.shape import Entry, Labels, Measure, Table, is_comparable
from bench.report.spread import Spread, block_of, interval_of, mean_of, mean_rechosen, spread_of
from bench.statistics.comparisons import FEWEST_SEEDS
from bench.suite.cells import Cell
from bench.words import plural


@dataclass(frozen=True, slots=True)
class Ordering:
    """By which value rows are ordered, and the row that differences are taken to; None is the first.

    ``untested`` are values that came first, but of whose error the records tell nothing.
    """

    index: int
    measure: Measure
    reference: str | None
    untested: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """One row of a column, in the score's own unit. ``p`` is adjusted; what is not claimed is None or empty.

    What is ``rechosen`` includes the choice of the threshold, which so many ``choosing_groups`` with a defect make;
    None where nothing is known of it.
    """

    row: str
    seeds: int
    value: float
    interval: tuple[float, float] | None
    defective_groups: int
    tie: str = ""
    difference: float | None = None
    difference_interval: tuple[float, float] | None = None
    p: float | None = None
    difference_rechosen: tuple[float, float] | None = None
    rechosen: tuple[float, float] | None = None
    choosing_groups: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """The places of one column of a table, and what must be said of its order.

    ``some_seeds``: rows are compared over fewer seeds than their figures in the table are means of. ``power`` says what
    could have been found; None where no order is claimed. ``tuned``: what is rechosen are settings too; None where none
    are tuned. ``flags`` are of the rows with enough seeds for an order.
    """

    table: Labels
    name: str
    places: tuple[Place, ...]
    remarks: tuple[str, ...] = ()
    some_seeds: bool = False
    power: Power | None = None
    tuned: bool | None = None
    reference: str = ""
    flags: Mapping[str, Flags] = field(default_factory=dict)


def ordering(measures: Sequence[Measure], reference: str | None, records: Records) -> Ordering | None:
    """Order by the first value on test that can be tested, else by the first on validation that pixels tell."""
    found = None
    untested = []
    for index, measure in enumerate(measures):
        if not measure.better:
            continue
        better = found is None or (found.measure.split != "test" and measure.split == "test")
        if better and is_tested(measure, records):
            found = Ordering(index, measure, reference)
        elif measure.split == "test" and better:
            untested.append(heading(measure, ""))
    return replace(found, untested=tuple(untested)) if found else None


def is_tested(measure: Measure, records: Records) -> bool:
    """Whether the error of a value is known: from counts of pixels, or from replicates of some record."""
    if pooled_metric(measure):
        return True
    return any(spread_of(record, measure) for record in records.values())


def seeds_interval(ids: Sequence[str], records: Records, measure: Measure) -> tuple[float, float] | None:
    """Interval of the mean over the seeds of one position; None where its error is not known or images differ."""
    row = row_of(ids, {id: id for id in ids}, records, measure)
    return _interval(row, measure) if row else None


def row_of(ids: Sequence[str], seeds: Mapping[str, str], records: Records, measure: Measure) -> Row:
    """The score by seed of these cells; empty unless its error is known of all, over the same images."""
    row: dict[str, Spread] = {}
    for id in ids:
        spread = spread_of(records[id], measure)
        if spread is None:
            return {}
        row[seeds[id]] = spread
    return row if _same_images([row]) else {}


def _trial(trial: Sequence[Cell], done: Mapping[str, str], records: Records, measure: Measure) -> Row:
    return row_of([cell.id for cell in trial if cell.id in done], done, records, measure)


def _same_images(rows: Iterable[Row]) -> bool:
    images = {spread.counts.same_images for spread in chain.from_iterable(row.values() for row in rows)}
    return len(images) == 1


def _interval(row: Row, measure: Measure) -> tuple[float, float]:
    return interval_of(mean_of(list(row.values())), measure)


def _rechosen(row: Row, measure: Measure) -> tuple[float, float] | None:
    found = mean_rechosen(list(row.values()))
    return interval_of(found, measure) if found else None


def ordered(
    tables: Sequence[Table], how: Ordering | None, cells: Sequence[Cell], records: Records, rows_axis: str
) -> tuple[tuple[Table, ...], list[Column]]:
    """Tables whose figures carry their tie groups, and their columns, in reading order; without ``how`` none."""
    if how is None:
        return tuple(tables), []
    done = {cell.id: seed_of(cell) for cell in done_cells(cells, records)}
    trials = other_trials(cells)
    columns: list[Column] = []
    marked = []
    for table in tables:
        own = []
        for name, entries in table.by_column:
            rows = {}
            tuned = []
            for entry in entries:
                ids = [id for id in entry.cells if id in done]
                rows[entry.row] = row = row_of(ids, done, records, how.measure)
                if row and ids[0] in trials:
                    rivals = [_trial(trial, done, records, how.measure) for trial in trials[ids[0]]]
                    again = retuned(row, rivals)
                    tuned.append(again is not None)
                    rows[entry.row] = again or row
            column = _column(table, name, rows, how, comparable=is_comparable(rows_axis))
            own.append(replace(column, tuned=all(tuned) if tuned else None))
        columns += own
        marked.append(lettered(table, own, how))
    return tuple(marked), columns


def _column(table: Table, name: str, rows: Mapping[str, Row], how: Ordering, *, comparable: bool) -> Column:
    flags = flags_of(rows, together=comparable)
    places = {row: _place(row, spreads, how.measure, flags) for row, spreads in rows.items() if spreads}
    reference = (how.reference or next(iter(rows))) if comparable else ""
    remarks: tuple[str, ...] = ()
    some = False
    power = None
    if comparable and len(rows) > 1 and any(len(row) > 1 for row in rows.values()):
        try:
            names, shared = _family(rows)
            some = any(len(rows[name]) > len(shared) for name in names)
            family = {}
            for row in names:
                family[row] = {seed: rows[row][seed] for seed in shared}
            places |= _compared(family, how.measure, reference, flags)
            unflagged = {row: family[row] for row in names if not flags[row].why}
            power = power_of(unflagged, len(family))
            remarks = _remarks(rows, names, shared, reference, some=some)
        except DataError as reason:
            remarks = (str(reason),)
    return Column(table.title, name, tuple(places.values()), remarks, some, power, reference=reference, flags=flags)


def _place(name: str, row: Row, measure: Measure, flags: Mapping[str, Flags], claim: Claim = NO_CLAIM) -> Place:
    stands = standing(name, row, flags)
    cells = list(stands.values())
    value = float(np.mean([cell.value for cell in cells]))
    measured = name not in flags or flags[name].measured
    interval = _interval(stands, measure) if measured else None
    rechosen = _rechosen(stands, measure) if measured else None
    choosing = cells[0].choice.defective if rechosen and cells[0].choice else None
    return Place(name, len(stands), value, interval, cells[0].counts.defective, *claim, rechosen, choosing)


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
    shared = [seed for seed in rows[enough[0]] if all(seed in rows[name] for name in enough)]
    if len(shared) < FEWEST_SEEDS:
        raise DataError(f"no order claimed: all rows share {plural(len(shared), 'seed')}, fewer than {FEWEST_SEEDS}")
    return enough, shared


def _compared(
    rows: Mapping[str, Row], measure: Measure, reference: str, flags: Mapping[str, Flags]
) -> dict[str, Place]:
    """Places of rows of the same seeds, with tie groups, and with differences to the reference if it is among them.

    Of a flagged row nothing is claimed: its difference is that of the trainings that have not collapsed.
    """
    cells = list(chain.from_iterable(row.values() for row in rows.values()))
    scores = [block_of(cells, levels=len(rows))]
    means = scores[0].values.mean(axis=-1)[:, 0]
    ranked = (-means if measure.better == "lower" else means).tolist()
    flagged = {name for name in rows if flags[name].why}
    found = dict(zip(rows, claims(scores, ranked, list(rows), reference, unclaimed=flagged), strict=True))
    rest = {name: standing(name, row, flags) for name, row in rows.items()}
    for name in rows if reference in rows else ():
        if name != reference and flagged.intersection((name, reference)):
            sides = [list(rest[side].values()) for side in (name, reference)]
            measured = flags[name].measured and flags[reference].measured
            found[name] = of_the_rest(*sides, measured=measured)._replace(tie=found[name].tie)
    return {name: _place(name, rows[name], measure, flags, claim) for name, claim in found.items()}


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
    ties: dict[tuple[str, str], str] = {}
    for column in columns:
        if not column.some_seeds:
            ties |= {(place.row, column.name): place.tie for place in column.places}

    def tied(entry: Entry) -> Entry:
        if not entry.figures:
            return entry
        tie = ties.get((entry.row, entry.column), "")
        return entry.with_figure(how.index, replace(entry.figures[how.index], tie=tie))

    return table.changed(tied)
