"""A leaderboard as a document: its tables, what they follow, and how to make the same numbers again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from bench.document import (
    Block,
    Cell,
    Code,
    Column,
    Document,
    Group,
    Heading,
    Listing,
    Notes,
    Paragraph,
    Part,
    Points,
    Row,
    Symbol,
    Table,
)
from bench.report.baselines import shared_badges
from bench.report.measures import NOTHING, OLD, interval_text, percent, plain, setting_text, settings_text
from bench.report.naming import slug
from bench.report.shape import (
    Baseline,
    Entry,
    Leaderboard,
    Measure,
    Standing,
    TypeLine,
    entries_of,
    title_text,
)
from bench.report.shape import Table as Positions
from bench.report.tables import MARK_NOT_HERE, MARKS, plain_table, table_of
from bench.scores import named
from bench.words import plural

AXES = {
    "crop": "Cropping mechanism",
    "crop_size": "Crop size (square)",
    "dataset": "Data set",
    "pretrain": "Pretrained on",
    "preprocess": "Preprocessing",
    "model": "Model",
}
"""Axes in words, as the supplement's tables head their rows."""
TYPES_HEADER = ("type", "pixels", "groups", "objects", "recall [%]", "object recall [%]")


def board_document(board: Leaderboard) -> Document:
    """Everything that a leaderboard says; the figures of its sections and cells are exported as data."""
    blocks: list[Block] = [_table(board, table) for table in board.tables]
    blocks += _settings_tables(board)
    blocks += [Notes(board.notes), Points(board.remarks)]
    for section in board.sections:
        blocks += [Heading(section.title), *map(table_of, section.grids), Paragraph(section.sentences)]
    for standing in board.standings:
        blocks += standing_blocks(standing, several=len(board.standings) > 1)
    blocks.append(Listing([(name, Code(value)) for name, value in board.footer]))
    return Document(_title(board), blocks)


def _title(board: Leaderboard) -> str:
    """``cropping: dataset metalpart, crop_size 128``."""
    fixed = title_text(board.fixed)
    return f"{board.suite}: {fixed}" if fixed else board.suite


def _table(board: Leaderboard, table: Positions) -> Table:
    words = ", ".join(AXES.get(axis, axis) for axis in board.rows_axis.split(", "))
    columns = [Column(_symbol(measure, unit="%")) for measure in board.measures]
    rows = zip(table.rows, table.entries, strict=True)
    return Table(
        corner=Symbol(board.rows_axis, words=words),
        groups=[Group(columns, column) for column in table.columns],
        rows=[Row(name, [_cells(entry) for entry in entries]) for name, entries in rows],
        title=_table_title(table),
        caption=_caption(board, table),
        label=slug("-".join([board.suite, *(name for _, name in table.title)])),
    )


def _table_title(table: Positions) -> str:
    """``dataset mtd, crop_size 128 [leaky]``; empty for an only table without badges."""
    return " ".join(filter(None, [title_text(table.title), *(f"[{badge}]" for badge in table.badges)]))


def _symbol(measure: Measure, unit: str = "") -> Symbol:
    return Symbol(measure.symbol, measure.subscript, unit if measure.percent else "")


def _caption(board: Leaderboard, table: Positions) -> tuple[Part, ...]:
    """What the suite says of itself, what the columns are, and what holds for the whole table."""
    caption: list[Part] = []
    if board.description.strip():
        caption.append(f"{board.description.rstrip('.')}. ")
    for number, measure in enumerate(board.measures):
        score = named(measure.name.partition("@")[0])
        name = (score and score.words) or str(_symbol(measure))
        words = f"{measure.split} {name}" if measure.split else name
        first = f"{words[:1].upper()}{words[1:]}" if number == 0 else f"), {words}"
        caption += [f"{first} (", _symbol(measure)]
    place = "; ".join(filter(None, (_title(board), _table_title(table))))
    return (*caption, f"). {place}.")


def _cells(entry: Entry) -> list[Cell]:
    """The figures of a position, or the mark that stands instead."""
    if not entry.figures:
        mark = MARK_NOT_HERE if entry.data_absent else MARKS.get(entry.state, NOTHING)
        urgent = entry.state in ("failed", "diverged", "blocked")
        return [Cell(mark, dagger=entry.chose_nothing, note=entry.note, instead="alarm" if urgent else "quiet")]
    cells = [Cell(figure.text, figure.spread_text, figure.best, figure.tie) for figure in entry.figures]
    return [replace(cells[0], dagger=entry.chose_nothing, note=entry.note), *cells[1:]]


def _settings_tables(board: Leaderboard) -> Iterator[Table]:
    """Settings of the shown trials, one table for each that was tuned."""
    for table in board.tables:
        trials = [entry.trial for entry in entries_of([table]) if entry.trial]
        keys = set(chain.from_iterable(trial.settings for trial in trials))
        if trials:
            only = keys.pop() if len(keys) == 1 else None
            title = f"{only.rpartition('.')[2] if only else 'Settings'} chosen by validation"
            whole = f"{title}, {_table_title(table)}" if table.title else title
            yield table_of(table.grid(whole, board.rows_axis, partial(_settings, only=only)))


def _settings(entry: Entry, *, only: str | None) -> str:
    """The chosen settings; in brackets how many trials are finished where that is not all."""
    if entry.trial is None or entry.state != "done":
        return NOTHING
    trial = entry.trial
    text = setting_text(trial.settings.get(only)) if only else settings_text(trial.settings)
    return text if trial.finished == trial.trials else f"{text} ({trial.finished} of {plural(trial.trials, 'trial')})"


def standing_blocks(standing: Standing, *, several: bool) -> Iterator[Block]:
    """Sentences and small tables of one data set, under its name where there are several."""
    if several and (standing.sentences or standing.baselines or standing.types):
        yield Heading(standing.dataset)
    yield Paragraph(standing.sentences)
    if standing.baselines:
        yield _baselines(standing.baselines)
    if standing.types:
        yield _types(standing.types)


def _baselines(baselines: Sequence[Baseline]) -> Table:
    """Models with nothing to fit, under the badges that all of them carry; scores that are not today's are marked."""
    badges = "".join(f" [{badge}]" for badge in shared_badges(baselines))
    rows = []
    for one in baselines:
        if one.state == "done":
            name = one.name + (OLD if one.outdated else "")
            scores = (percent(one.f1_validation), percent(one.f1_test), interval_text(one.interval))
            rows.append((name, *scores))
        else:
            rows.append((one.name, MARKS.get(one.state, NOTHING), NOTHING, NOTHING))
    header = ("model", "F1_V [%]", "F1_T [%]", "interval [%]")
    return plain_table(header, rows, title=f"Baselines (nothing to fit){badges}")


def _types(types: Sequence[TypeLine]) -> Table:
    """Positives per defect type of the test split with the recalls of the best cell."""
    total = sum(one.pixels or 0 for one in types)
    rows = []
    for one in types:
        share = one.pixels / total if one.pixels is not None and total else None
        row = type_row(one)
        rows.append((*row[:2], percent(share), *row[2:]))
    header = (*TYPES_HEADER[:2], "share [%]", *TYPES_HEADER[2:])
    return plain_table(header, rows, title="Defect types of the test split; recall of the cell of best F1_V")


def type_row(one: TypeLine) -> tuple[str, ...]:
    """A defect type below ``TYPES_HEADER``."""
    counts = (plain(one.pixels), plain(one.groups), plain(one.objects))
    return (one.name, *counts, percent(one.recall), percent(one.object_recall))
