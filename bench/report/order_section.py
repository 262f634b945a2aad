"""What a report says of the order of rows: intervals, ties and differences to a reference, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from bench.report.counts import reliability
from bench.report.measures import NOTHING, heading, interval_text, percent
from bench.report.order import Column, Ordering, Place
from bench.report.shape import Grid, Section, title_text
from bench.statistics.comparisons import ALPHA, FEWEST_SEEDS

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


def order_section(columns: Sequence[Column], how: Ordering | None, rows_axis: str) -> Section | None:
    """Intervals, ties and differences of all columns with several seeds; None where there are none."""
    if how is None:
        return None
    grids = []
    sentences = []
    values = []
    places: list[Place] = []
    for column in columns:
        if all(place.seeds < 2 for place in column.places):
            continue
        name = title_text(column.table, column.name)
        grids.append(_grid(name, column, how, rows_axis))
        if column.remarks:
            sentences.append(f"{name}: {'; '.join(column.remarks)}.")
        named = {"table": dict(column.table), "column": column.name, "measure": how.measure.name}
        values += [{**named, **asdict(place)} for place in column.places]
        places += column.places
    if not grids:
        return None
    alarms = {reliability(place.defective_groups) for place in places}
    sentences += [f"{alarm[0].upper()}{alarm[1:]}." for alarm in sorted(alarms) if alarm]
    sentences.append(INTERVALS)
    tied = any(place.tie for place in places)
    if tied:
        sentences.append(LETTERS)
    if any(place.p is not None for place in places):
        sentences.append(REFERENCE.format(how.reference or "the first row"))
    if tied:
        sentences.append(POLICY)
    title = f"{TITLE} by {heading(how.measure, '')}"
    return Section(title, tuple(grids), tuple(sentences), tuple(values))


def _grid(name: str, column: Column, how: Ordering, rows_axis: str) -> Grid:
    header: tuple[str, ...] = (rows_axis, "seeds", heading(how.measure), "interval")
    if any(place.tie for place in column.places):
        header = (*header, "ties", "difference", "interval", "p")
    return Grid(name, header, tuple(_line(place)[: len(header)] for place in column.places))


def _line(place: Place) -> tuple[str, ...]:
    return (
        place.row,
        str(place.seeds),
        percent(place.value),
        interval_text(place.interval),
        place.tie or NOTHING,
        *difference_texts(place.difference, place.difference_interval, place.p),
    )


def difference_texts(
    value: float | None, interval: tuple[float, float] | None, p: float | None
) -> tuple[str, str, str]:
    """``+4.1``, ``[+2.0, +6.3]``, ``0.012``; dashes where nothing is claimed."""
    points = NOTHING if value is None else f"{100 * value:+.1f}"
    ends = f"[{100 * interval[0]:+.1f}, {100 * interval[1]:+.1f}]" if interval else NOTHING
    if p is None:
        return points, ends, NOTHING
    return points, ends, "<0.001" if p < 0.001 else f"{p:.3f}"
