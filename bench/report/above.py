"""Which positions lie above every baseline on their images: said of each, not of the best alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from bench.report.best import tested_on
from bench.report.choose import TEST_F1, Records, done_of
from bench.report.measures import NOTHING, percent
from bench.report.rows import seeds_interval
from bench.report.shape import Entry, Section, Standing, Table, entries_of, title_text
from bench.suite.cells import Cell
from bench.types import JsonValue

TITLE = "Above the baselines"
MEANING = (
    "Above: the interval of F1_T begins higher than those of all baselines of its data set end ({ends}). With several "
    "seeds it is over seeds and groups, with one over groups only. A position that is not above is not shown to be "
    "better than a model with nothing to fit."
)
OF_THE_REST = "Intervals are of trainings that have not collapsed; a dash where only one stands."


def above_section(
    tables: Sequence[Table],
    standings: Sequence[Standing],
    cells: Sequence[Cell],
    records: Records,
    rows_axis: str,
    gone: Collection[str] = (),
) -> Section | None:
    """The low end of every position beside the highest end of all baselines; None where no position lies above.

    Trainings that are ``gone`` have collapsed and take no part.
    """
    ends = highest_ends(standings)
    place = {cell.id: tested_on(cell.labels) for cell in cells}
    lows = {}
    values: list[dict[str, JsonValue]] = []
    for table in tables:
        for entry in entries_of([table]):
            low = _low(entry, records, gone)
            high = ends.get(place[entry.cells[0]]) if entry.cells else None
            if low is None or high is None:
                continue
            lows[entry.cells] = (low, low > high)
            values.append({**table.place(entry.column), "row": entry.row, "low": low, "above": low > high})
    if not any(above for _, above in lows.values()):
        return None
    text = partial(_text, lows=lows)
    grids = tuple(table.grid(title_text(table.title, "Low end of F1_T [%]"), rows_axis, text) for table in tables)
    said = "; ".join(f"{name} {percent(end)}" for name, end in ends.items())
    sentences = (MEANING.format(ends=said), OF_THE_REST) if gone else (MEANING.format(ends=said),)
    return Section(TITLE, grids, sentences, tuple(values), "real")


def highest_ends(standings: Sequence[Standing]) -> dict[str, float]:
    """Data set, with its split, to the highest end of the intervals of its baselines; none where none has one."""
    ends = {}
    for standing in standings:
        own = [line.interval[1] for line in standing.baselines if line.interval]
        if own:
            ends[standing.dataset] = max(own)
    return ends


def _low(entry: Entry, records: Records, gone: Collection[str]) -> float | None:
    """Low end of the interval of the mean test F1 over the finished seeds that stand."""
    done = done_of(entry.cells, records)
    if len(done) == 1:
        interval = done[0].of_split("test").interval
    else:
        stand = [record.id for record in done if record.id not in gone]
        interval = seeds_interval(stand, records, TEST_F1) if len(stand) > 1 else None
    return interval[0] if interval else None


def _text(entry: Entry, lows: Mapping[tuple[str, ...], tuple[float, bool]]) -> str:
    low, above = lows.get(entry.cells, (None, False))
    return f"{percent(low)} above" if above else percent(low) if low is not None else NOTHING
