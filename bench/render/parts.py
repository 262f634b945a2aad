"""The parts of a report that all formats share: marks, titles, and the small tables as text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.report.board import settings_text
from bench.report.measures import NOTHING, OLD, interval_text, line, percent, plain, setting_text
from bench.report.shape import NOT_HERE, Entry, Figure, Grid, Leaderboard, Standing, State, Table
from bench.report.standing import common_badges
from bench.words import plural

MARKS: dict[State, str] = {
    "failed": "failed",
    "diverged": "diverged",
    "blocked": "blocked",
    "skipped": "skipped",
    "excluded": "excluded",
    "pending": "pending",
    "absent": "·",
}
"""What stands in a position without figures; the reason is in the note beside it."""

WITHOUT_VALUE = frozenset({"", NOTHING, "not here", *MARKS.values()})
NUMBER = re.compile(r"[^A-Za-z]*\d[^A-Za-z]*")
WORDS_OF_NUMBERS = re.compile(r"\b(?:of|to|x|n)\b|(?<=\d)[eE](?=[-+]?\d)|(?<=\d)x(?=\d)")
"""Letters that a number may have: ``3 of 5``, ``n = 2``, ``1e-3``, ``64x64``."""

DAGGER = "†"


def is_numeric(column: Sequence[str]) -> bool:
    """Whether a column is one of numbers and intervals for the most part, and is set right."""
    said = [text for text in column if text not in WITHOUT_VALUE]
    numbers = sum(NUMBER.fullmatch(WORDS_OF_NUMBERS.sub("", text)) is not None for text in said)
    return 2 * numbers >= len(said)


def board_title(board: Leaderboard) -> str:
    """``cropping: dataset metalpart, crop_size 128``."""
    fixed = ", ".join(f"{axis} {label}" for axis, label in board.fixed)
    return line(f"{board.suite}: {fixed}" if fixed else board.suite)


def table_title(table: Table) -> str:
    """``dataset mtd, crop_size 128 [leaky]``; empty for an only table without badges."""
    names = ", ".join(f"{axis} {label}" for axis, label in table.title)
    badges = " ".join(f"[{badge}]" for badge in table.badges)
    return line(f"{names} {badges}")


def figure_text(figure: Figure) -> str:
    """``54.5`` or ``54.5±1.2`` or ``> 400``."""
    return figure.text + (f"±{figure.spread_text}" if figure.spread_text else "")


def mark(entry: Entry) -> str:
    """What stands in place of figures; a dash where the cells ended well without any."""
    if entry.state == "blocked" and NOT_HERE in (entry.reason or ""):
        return "not here"
    return MARKS.get(entry.state, NOTHING)


def settings_grids(board: Leaderboard) -> list[Grid]:
    """Settings of the shown trials, one grid per table that was tuned."""
    return [
        _settings_grid(board, table) for table in board.tables if any(e.trial for row in table.entries for e in row)
    ]


def _settings_grid(board: Leaderboard, table: Table) -> Grid:
    keys = {key for row in table.entries for entry in row if entry.trial for key in entry.trial.settings}
    only = keys.pop() if len(keys) == 1 else None
    title = f"{only.rpartition('.')[2] if only else 'Settings'} chosen by validation"
    return Grid(
        title=f"{title}, {table_title(table)}" if table.title else title,
        header=(board.rows_axis, *map(line, table.columns)),
        rows=tuple(
            (line(name), *(_settings(entry, only) for entry in row))
            for name, row in zip(table.rows, table.entries, strict=True)
        ),
    )


def _settings(entry: Entry, only: str | None) -> str:
    """The chosen settings; in brackets how many trials are finished where that is not all."""
    if entry.trial is None or entry.state != "done":
        return NOTHING
    trial = entry.trial
    text = setting_text(trial.settings.get(only)) if only else settings_text(trial.settings)
    return text if trial.finished == trial.trials else f"{text} ({trial.finished} of {plural(trial.trials, 'trial')})"


def standing_title(standing: Standing, board: Leaderboard) -> str:
    """Name of the data set where there are several."""
    return line(standing.dataset) if len(board.standings) > 1 else ""


def baseline_grid(standing: Standing) -> Grid | None:
    """Models with nothing to fit, under the badges that all of them carry; scores that are not today's are marked."""
    if not standing.baselines:
        return None
    badges = "".join(f" [{badge}]" for badge in common_badges(standing.baselines))
    return Grid(
        title=line(f"Baselines (nothing to fit){badges}"),
        header=("model", "F1_V [%]", "F1_T [%]", "interval [%]"),
        rows=tuple(
            (
                line(b.name) + (OLD if b.outdated else ""),
                percent(b.f1_validation),
                percent(b.f1_test),
                interval_text(b.interval),
            )
            if b.state == "done"
            else (line(b.name), MARKS.get(b.state, NOTHING), NOTHING, NOTHING)
            for b in standing.baselines
        ),
    )


def types_grid(standing: Standing) -> Grid | None:
    """Positives per defect type of the test split with the recalls of the best cell."""
    if not standing.types:
        return None
    total = sum(t.pixels or 0 for t in standing.types)
    return Grid(
        title="Defect types of the test split; recall of the cell of best F1_V",
        header=("type", "pixels", "share [%]", "groups", "objects", "recall [%]", "object recall [%]"),
        rows=tuple(
            (
                line(t.name),
                plain(t.pixels),
                percent(t.pixels / total if t.pixels is not None and total else None),
                plain(t.groups),
                plain(t.objects),
                percent(t.recall),
                percent(t.object_recall),
            )
            for t in standing.types
        ),
    )


def standing_grids(standing: Standing) -> Sequence[Grid]:
    """The small tables of one data set."""
    return [grid for grid in (baseline_grid(standing), types_grid(standing)) if grid]
