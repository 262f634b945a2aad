"""What a report says of the order of rows: intervals, ties and differences to a reference, column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain

from bench.report.counts import reliability
from bench.report.flags_section import (
    COLLAPSE,
    any_collapsed,
    flag_remarks,
    flag_values,
    share_grid,
    standing_sentence,
)
from bench.report.measures import NOTHING, heading, interval_in, p_text, printed, signed
from bench.report.order import Column
from bench.report.ordering import Ordering
from bench.report.places import Place
from bench.report.shape import Grid, Measure, Section, title_text
from bench.statistics.choices import FEWEST_CHOOSING
from bench.statistics.comparisons import ALPHA, FEWEST_SEEDS
from bench.types import JsonValue
from bench.words import plural

TITLE = "Order of the rows"
OPTIONAL = ("difference_rechosen", "rechosen", "choosing_groups")
INTERVALS = (
    "Intervals of 95 % over seeds and groups, which are crossed. Models, thresholds and the split are held fixed: the "
    "intervals do not cover another split."
)
RECHOSEN = (
    "Threshold chosen anew: the interval also covers the thresholds{} that other validation groups would have had "
    "chosen, by bootstrap draws of these groups that are the same for all rows. Letters, differences and p hold them "
    "fixed."
)
FEW = "Threshold chosen anew: unreliable ({} with defects)."
TUNED = "It does not cover the choice of the trial: some lacks replicates of a seed."
UNTESTED = "Not ordered by {}: the records come without its replicates; 'bench score RUN --write' makes them."
LETTERS = (
    "Rows of a column that share a letter cannot be told apart: compared in pairs over the same groups, all pairs of "
    f"the column, family-wise error {100 * ALPHA:.0f} % (Holm). Letter a holds the best row."
)
REFERENCE = (
    "Differences are to {}, {}paired over the same groups. Where an order is claimed they have a p, adjusted over the "
    "same pairs; their intervals are not adjusted."
)
POLICY = (
    f"Compared are rows with at least {FEWEST_SEEDS} finished seeds, over the seeds that all of them have; a missing "
    "or failed cell is never counted as zero."
)


def order_section(columns: Sequence[Column], how: Ordering | None, rows_axis: str) -> Section | None:
    """Intervals, ties and differences of all columns with several seeds; None where there are none."""
    several = [column for column in columns if any(place.seeds > 1 for place in column.places)]
    if how is None or not several:
        return None
    grids = []
    sentences = []
    values: list[Mapping[str, JsonValue]] = []
    for column in several:
        name = title_text(column.table, column.name)
        grids.append(_grid(name, column, how, rows_axis))
        if any_collapsed(column.flags):
            grids.append(share_grid(name, column.flags, column.reference, rows_axis))
        remarks = [*column.remarks, *flag_remarks(column.flags)]
        if remarks:
            sentences.append(f"{name}: {'; '.join(remarks)}.")
        values += _values(column, how)
    sentences += _meaning(several, how)
    title = f"{TITLE} by {heading(how.measure, '')}"
    return Section(title, tuple(grids), tuple(sentences), tuple(values), "real")


def _values(column: Column, how: Ordering) -> Iterator[Mapping[str, JsonValue]]:
    """A column for programs."""
    for place in column.places:
        flagged = flag_values(place.row, column.flags, column.reference)
        yield {
            "table": dict(column.table),
            "column": column.name,
            "measure": how.measure.name,
            **_plain(place),
            **flagged,
        }


def _meaning(columns: Sequence[Column], how: Ordering) -> Iterator[str]:
    """How the grids are to be read, of which only what they show."""
    places = list(chain.from_iterable(column.places for column in columns))
    alarms = {reliability(place.defective_groups) for place in places}
    for alarm in sorted(alarms - {""}):
        yield f"{alarm[0].upper()}{alarm[1:]}."
    if how.untested:
        yield UNTESTED.format(", ".join(how.untested))
    yield INTERVALS
    yield from _of_choices(columns, places)
    tied = [place for place in places if place.tie]
    reference = how.reference or "the first row"
    if tied:
        yield LETTERS
        yield standing_sentence(min(place.seeds for place in tied))
    if any(place.difference is not None for place in places):
        yield REFERENCE.format(reference, "in points and " if how.measure.percent else "")
    if tied:
        yield POLICY
    if any(any_collapsed(column.flags) for column in columns):
        yield COLLAPSE.format(reference)


def _of_choices(columns: Sequence[Column], places: Sequence[Place]) -> Iterator[str]:
    """What the interval with the choice of the threshold covers; nothing where there is none."""
    choosing = [place.choosing_groups for place in places if place.choosing_groups is not None]
    if not any(place.rechosen for place in places):
        return
    tuned = [column.tuned for column in columns if column.tuned is not None]
    yield RECHOSEN.format(" and the trials" if tuned and all(tuned) else "")
    if not all(tuned):
        yield TUNED
    if min(choosing) < FEWEST_CHOOSING:
        yield FEW.format(plural(min(choosing), "validation group"))


def _grid(name: str, column: Column, how: Ordering, rows_axis: str) -> Grid:
    measure = how.measure
    header: tuple[str, ...] = (rows_axis, "seeds", heading(measure), "interval")
    grid = Grid(name, header, tuple(_line(place, measure) for place in column.places))
    if any(place.rechosen for place in column.places):
        rechosen = [interval_in(place.rechosen, measure) for place in column.places]
        grid = grid.beside(("threshold chosen anew",), [(text,) for text in rechosen])
    if any(place.tie or place.difference is not None for place in column.places):
        claimed = [_claimed(place, measure) for place in column.places]
        grid = grid.beside(("ties", "difference", "interval", "p"), claimed)
    return grid


def _line(place: Place, measure: Measure) -> tuple[str, ...]:
    return (place.row, str(place.seeds), printed(place.value, measure), interval_in(place.interval, measure))


def _claimed(place: Place, measure: Measure) -> tuple[str, ...]:
    difference = difference_texts(place.difference, place.difference_interval, place.p, measure)
    return (place.tie or NOTHING, *difference)


def _plain(place: Place) -> dict[str, JsonValue]:
    """A place for programs; where nothing is known of the choice of the threshold, nothing is said of it."""
    return {name: value for name, value in asdict(place).items() if value is not None or name not in OPTIONAL}


def difference_texts(
    value: float | None, interval: tuple[float, float] | None, p: float | None, measure: Measure
) -> tuple[str, str, str]:
    """``+4.1``, ``[+2.0, +6.3]``, ``0.012``; dashes where nothing is claimed."""
    points = NOTHING if value is None else signed(value, measure)
    ends = f"[{signed(interval[0], measure)}, {signed(interval[1], measure)}]" if interval else NOTHING
    return points, ends, p_text(p)
