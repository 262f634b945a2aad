"""Plain tables of text, and which of their columns hold numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bench.document import Cell, Column, Group, Row, Table, Text
from bench.report.measures import NOTHING
from bench.report.shape import BoardState, Grid

MARKS: dict[BoardState, str] = {
    "failed": "failed",
    "diverged": "diverged",
    "blocked": "blocked",
    "skipped": "skipped",
    "excluded": "excluded",
    "pending": "pending",
    "absent": "·",
}
"""What stands in a position without figures; the reason is in the note beside it."""
MARK_NOT_HERE = "not here"

WITHOUT_VALUE = frozenset({"", NOTHING, MARK_NOT_HERE, *MARKS.values()})
NUMBER = re.compile(r"[^A-Za-z]*\d[^A-Za-z]*")
WORDS_OF_NUMBERS = re.compile(r"\b(?:of|to|x|n)\b|(?<=\d)[eE](?=[-+]?\d)|(?<=\d)x(?=\d)")
"""Letters that a number may have: ``3 of 5``, ``n = 2``, ``1e-3``, ``64x64``."""


def plain_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", below: Sequence[Text] = ()
) -> Table:
    """A table of text; the first column names the rows."""
    rows = list(rows)
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    corner, *heads = header
    groups = [Group((Column(head, is_numeric(texts)),)) for head, texts in zip(heads, columns[1:], strict=True)]
    return Table(corner, groups, [_row(*texts) for texts in rows], title, below)


def _row(name: str, *texts: str) -> Row:
    return Row(name, [(Cell(text),) for text in texts])


def table_of(grid: Grid) -> Table:
    """A grid of a leaderboard as a table."""
    return plain_table(grid.header, grid.rows, title=grid.title)


def is_numeric(column: Sequence[str]) -> bool:
    """Whether a column is one of numbers and intervals for the most part, and is set right."""
    said = [text for text in column if text not in WITHOUT_VALUE]
    numbers = sum(NUMBER.fullmatch(WORDS_OF_NUMBERS.sub("", text)) is not None for text in said)
    return 2 * numbers >= len(said)
