"""The leaderboard as Markdown: for a README, a pull request, a wiki."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.render.parts import (
    DAGGER,
    board_title,
    figure_text,
    is_numeric,
    mark,
    settings_grids,
    standing_grids,
    standing_title,
    table_title,
)
from bench.report.measures import NOTHING, heading, line
from bench.report.shape import Entry, Grid, Leaderboard, Section, Standing, Table

SPECIAL = str.maketrans({**{c: f"\\{c}" for c in "\\`*_{}[]#|~"}, "&": "&amp;", "<": "&lt;", ">": "&gt;"})


def to_markdown(board: Leaderboard) -> str:
    """Render every part of the leaderboard; tables have one heading line, as Markdown knows no spans."""
    blocks = [f"## {escaped(board_title(board))}"]
    blocks += [block for table in board.tables for block in _table(board, table)]
    blocks += [grid_markdown(grid) for grid in settings_grids(board)]
    blocks.append("\n".join(f"{k}. {escaped(note)}" for k, note in enumerate(board.notes, 1)))
    blocks.append("\n".join(f"- {escaped(remark)}" for remark in board.remarks))
    blocks += [block for section in board.sections for block in _section(section)]
    blocks += [block for standing in board.standings for block in _standing(board, standing)]
    blocks.append("\n".join(f"- {escaped(name)}: {_code(value)}" for name, value in board.footer))
    return "\n\n".join(block for block in blocks if block) + "\n"


def grid_markdown(grid: Grid) -> str:
    """Render a plain table with its title in bold above it."""
    columns = list(zip(*grid.rows, strict=True)) or [()] * len(grid.header)
    rows = [list(map(escaped, row)) for row in grid.rows]
    table = _rows(map(escaped, grid.header), rows, [is_numeric(column) for column in columns])
    return f"**{escaped(grid.title)}**\n\n{table}" if grid.title else table


def escaped(text: str) -> str:
    """One line in which nothing is read as Markdown or HTML."""
    return line(text).translate(SPECIAL)


def _code(text: str) -> str:
    """A value as code, whatever backticks it holds."""
    fence = "`" * (1 + max((len(run) for run in _backticks(text)), default=0))
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{line(text)}{padding}{fence}"


def _backticks(text: str) -> list[str]:
    return "".join(c if c == "`" else " " for c in text).split()


def _table(board: Leaderboard, table: Table) -> list[str]:
    title = table_title(table)
    header = [
        escaped(board.rows_axis),
        *(escaped(f"{column} {heading(measure)}") for column in table.columns for measure in board.measures),
    ]
    rows = [
        [escaped(name), *(text for entry in row for text in _entry(entry, len(board.measures)))]
        for name, row in zip(table.rows, table.entries, strict=True)
    ]
    return ([f"### {escaped(title)}"] if title else []) + [_rows(header, rows, [True] * len(header))]


def _entry(entry: Entry, width: int) -> list[str]:
    suffix = (DAGGER if entry.inert else "") + (f"<sup>{entry.note}</sup>" if entry.note else "")
    texts = [figure_text(f) if not f.best else f"**{figure_text(f)}**" for f in entry.figures]
    texts = [text.replace(">", "&gt;") for text in texts] or [mark(entry)] + [NOTHING] * (width - 1)
    ties = [f"<sup>{figure.tie}</sup>" if figure.tie else "" for figure in entry.figures] or [""] * width
    texts = [text + tie for text, tie in zip(texts, ties, strict=True)]
    return [texts[0] + suffix, *texts[1:]] if texts else []


def _rows(header: Iterable[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> str:
    """The first column names the rows and is set left, as every other column of text."""
    head = list(header)
    rule = ["---", *("---:" if number else "---" for number in numeric[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def _section(section: Section) -> list[str]:
    grids = [grid_markdown(grid) for grid in section.grids]
    return [f"### {escaped(section.title)}", *grids, "\n".join(escaped(sentence) for sentence in section.sentences)]


def _standing(board: Leaderboard, standing: Standing) -> list[str]:
    title = standing_title(standing, board)
    sentences = "\n".join(escaped(sentence) for sentence in standing.sentences)
    grids = [grid_markdown(grid) for grid in standing_grids(standing)]
    if not sentences and not grids:
        return []
    return [f"### {escaped(title)}" if title else "", sentences, *grids]
