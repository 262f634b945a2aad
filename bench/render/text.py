"""The leaderboard for a terminal, or for a log file."""

from __future__ import annotations

from collections.abc import Iterable

from bench.render.layout import Group, Line, Piece, Style, lay_out, to_string, wrap
from bench.render.parts import (
    DAGGER,
    board_title,
    figure_text,
    mark,
    settings_grids,
    standing_grids,
    standing_title,
    table_title,
)
from bench.report.measures import heading, line
from bench.report.shape import Entry, Grid, Leaderboard, Section, Standing, Table

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
LETTERS = str.maketrans("abcdefghijklmnop", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖ")


def to_text(board: Leaderboard, width: int = 100, colour: bool = False) -> str:
    """Set the leaderboard in ``width`` columns; without colour the best figures carry a star."""
    width = max(width, 40)
    blocks: list[list[Line]] = [_prose(board_title(board), width, "bold")]
    blocks += [_table(board, table, width, colour) for table in board.tables]
    blocks += [_grid(grid, width) for grid in settings_grids(board)]
    blocks.append([found for k, note in enumerate(board.notes, 1) for found in _hanging(f"{_small(k)} ", note, width)])
    blocks.append([found for remark in board.remarks for found in _prose(_remark(remark, colour), width)])
    blocks += [block for section in board.sections for block in _section(section, width)]
    blocks += [block for standing in board.standings for block in _standing(board, standing, width)]
    blocks.append([found for name, value in board.footer for found in _hanging(f"{name}: ", value, width, "dim")])
    return to_string(_spaced(blocks), colour=colour)


def grid_text(grid: Grid, width: int = 100, colour: bool = False) -> str:
    """Set a plain table in ``width`` columns."""
    return to_string(_grid(grid, width), colour=colour)


def _spaced(blocks: Iterable[list[Line]]) -> list[Line]:
    """All blocks that are not empty, one free line between them."""
    lines: list[Line] = []
    for block in blocks:
        if block:
            lines += [[], *block] if lines else block
    return lines


def _table(board: Leaderboard, table: Table, width: int, colour: bool) -> list[Line]:
    headings = tuple(heading(measure, " %") for measure in board.measures)
    groups = [
        Group(line(column), headings, tuple(_pieces(row[index], colour) for row in table.entries))
        for index, column in enumerate(table.columns)
    ]
    title = _prose(table_title(table), width, "bold") if table_title(table) else []
    return title + lay_out(board.rows_axis, [line(row) for row in table.rows], groups, width)


def _pieces(entry: Entry, colour: bool) -> tuple[Piece, ...]:
    """The figures of a position, or one piece that is centred across their columns."""
    suffix = (DAGGER if entry.inert else "") + (_small(entry.note) if entry.note else "")
    if not entry.figures:
        style: Style = "red" if entry.state in ("failed", "diverged", "blocked") else "dim"
        return (Piece(mark(entry), suffix, style),)
    return tuple(
        Piece(
            figure_text(figure),
            ("*" if figure.best and not colour else "") + _letters(figure.tie) + (suffix if index == 0 else ""),
            "bold" if figure.best else "",
        )
        for index, figure in enumerate(entry.figures)
    )


def _small(number: int) -> str:
    return str(number).translate(SUPERSCRIPTS)


def _letters(tie: str) -> str:
    return tie.translate(LETTERS)


def _grid(grid: Grid, width: int) -> list[Line]:
    groups = [
        Group("", (name,), tuple((Piece(row[index]),) for row in grid.rows))
        for index, name in enumerate(grid.header[1:], start=1)
    ]
    title = _prose(grid.title, width, "bold") if grid.title else []
    return title + lay_out(grid.header[0], [row[0] for row in grid.rows], groups, width)


def _section(section: Section, width: int) -> list[list[Line]]:
    """Title, grids, sentences; the title stays with what follows it."""
    sentences = [found for sentence in section.sentences for found in _prose(line(sentence), width)]
    first, *others = [*(_grid(grid, width) for grid in section.grids), sentences]
    return [_prose(line(section.title), width, "bold") + first, *others]


def _standing(board: Leaderboard, standing: Standing, width: int) -> list[list[Line]]:
    title = standing_title(standing, board)
    sentences = [found for sentence in standing.sentences for found in _prose(line(sentence), width)]
    grids = standing_grids(standing)
    if not sentences and not grids:
        return []
    head = _prose(title, width, "bold") if title else []
    return [head + sentences, *(_grid(grid, width) for grid in grids)]


def _remark(text: str, colour: bool) -> str:
    return text if colour else text.replace("Bold:", "*:", 1)


def _prose(text: str, width: int, style: Style = "") -> list[Line]:
    return [[(found, style)] for found in wrap(text, width)]


def _hanging(start: str, text: str, width: int, style: Style = "") -> list[Line]:
    """Text after ``start``; its further lines are set in."""
    indent = " " * min(len(start), 12)
    first, *more = wrap(start + text, width - len(indent))
    return [[(first, style)], *([(indent + part, style)] for part in more)]
