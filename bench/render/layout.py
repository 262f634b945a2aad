"""Tables of fixed-width text with headings over several columns, cut into blocks that fit the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias

Style = Literal["", "bold", "dim", "red"]
Segment: TypeAlias = tuple[str, Style]
Line: TypeAlias = list[Segment]

GAPS = ((2, 3), (1, 2))
"""Spaces between sub-columns and between groups: the first pair that makes the table fit in one block."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of one table cell; ``suffix`` hangs right of the column so that digits stay aligned."""

    text: str
    suffix: str = ""
    style: Style = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Columns under one title; a row of a single piece is centred across all of them."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A group set in ``width`` terminal columns: its headings, and a line for every row."""

    title: str
    headings: str
    rows: list[Line]
    width: int


def lay_out(corner: str, labels: Sequence[str], groups: Sequence[Group], width: int) -> list[Line]:
    """Set a table in at most ``width`` columns; the row labels are repeated for every block.

    A label wider than 40 % of the width is wrapped; a group that is too wide alone is set column by column.
    """
    parts = [corner]
    for label in labels:
        parts += wrap(label, max(int(0.4 * width), 8))
    first = max(map(cells, parts))
    room = width - first
    for inner, outer in GAPS:
        fitted = [_fitted(group, inner) for group in groups]
        if _total(fitted, outer) <= room:
            break
    else:
        parted: list[Fitted] = []
        for group, whole in zip(groups, fitted, strict=True):
            narrow = whole.width <= room - outer
            parted += [whole] if narrow else [_fitted(column, inner) for column in _columns(group)]
        fitted = parted
    lines: list[Line] = []
    for block in _blocks(fitted, outer, room):
        lines += [[]] if lines else []
        lines += _block(corner, labels, block, first, outer)
    return lines


def _fitted(group: Group, gap: int) -> Fitted:
    """Headings stand over the text, not over the suffixes, unless they need the room.

    The last column is widened where a title or a centred piece needs it.
    """
    full = [row for row in group.rows if len(row) == len(group.headings)]
    widths, suffixes = [], []
    for heading, *pieces in zip(group.headings, *full, strict=True):
        suffixes.append(max((cells(piece.suffix) for piece in pieces), default=0))
        text = max((cells(piece.text) for piece in pieces), default=0)
        widths.append(max(text + suffixes[-1], cells(heading)))
    spans = [cells(row[0].text + row[0].suffix) for row in group.rows if len(row) < len(group.headings)]
    gaps = gap * (len(widths) - 1)
    widths[-1] += max(0, max([cells(group.title), *spans]) - sum(widths) - gaps)
    width = sum(widths) + gaps
    headings = []
    for heading, room, suffix in zip(group.headings, widths, suffixes, strict=True):
        hang = min(suffix, room - cells(heading))
        headings.append(right(heading, room - hang) + " " * hang)
    rows = []
    for row in group.rows:
        line: Line = []
        if len(row) < len(widths):
            (piece,) = row
            line.append((_middle(piece.text + piece.suffix, width), piece.style))
        else:
            for piece, room, suffix in zip(row, widths, suffixes, strict=True):
                padding = " " * (room - suffix - cells(piece.text) + (gap if line else 0))
                line += [(padding, ""), (piece.text, piece.style), (left(piece.suffix, suffix), "")]
        rows.append(line)
    return Fitted(group.title, (" " * gap).join(headings), rows, width)


def _columns(group: Group) -> Iterator[Group]:
    """Every column as a group of its own under the same title."""
    for index, heading in enumerate(group.headings):
        rows = tuple(row if len(row) < len(group.headings) else row[index : index + 1] for row in group.rows)
        yield Group(group.title, (heading,), rows)


def cells(text: str) -> int:
    """Terminal columns that a text takes; wide letters take two, combining marks none."""
    from rich.cells import cell_len

    return cell_len(text)


def wrap(text: str, width: int) -> list[str]:
    """Break at spaces into lines of at most ``width`` terminal columns, longer words anywhere; never no line."""
    from rich.cells import chop_cells

    lines = [""]
    for word in text.split():
        for part in chop_cells(word, max(width, 2)):
            fits = cells(lines[-1]) + 1 + cells(part) <= width
            if lines[-1] and fits:
                lines[-1] += f" {part}"
            elif lines[-1]:
                lines.append(part)
            else:
                lines[-1] = part
    return lines


def left(text: str, width: int) -> str:
    """Pad on the right to ``width`` terminal columns."""
    return text + " " * (width - cells(text))


def right(text: str, width: int) -> str:
    """Pad on the left to ``width`` terminal columns."""
    return " " * (width - cells(text)) + text


def _middle(text: str, width: int) -> str:
    space = width - cells(text)
    return " " * (space // 2) + text + " " * (space - space // 2)


def _blocks(groups: Sequence[Fitted], outer: int, room: int) -> Iterator[list[Fitted]]:
    block: list[Fitted] = []
    for group in groups:
        if block and _total([*block, group], outer) > room:
            yield block
            block = []
        block.append(group)
    if block:
        yield block


def _total(groups: Iterable[Fitted], outer: int) -> int:
    return sum(outer + group.width for group in groups)


def _block(corner: str, labels: Sequence[str], groups: list[Fitted], first: int, outer: int) -> list[Line]:
    gap = " " * outer
    lines = _titles(groups, first, outer)
    heads = "".join(gap + one.headings for one in groups)
    lines.append([(left(corner, first) + heads, "bold")])
    lines.append([("─" * (first + _total(groups, outer)), "dim")])
    for index, label in enumerate(labels):
        start, *more = wrap(label, first)
        body: Line = [(left(start, first), "")]
        for one in groups:
            body += [(gap, ""), *one.rows[index]]
        lines.append(body)
        lines += [[(part, "")] for part in more]
    return lines


def _titles(groups: Sequence[Fitted], first: int, outer: int) -> list[Line]:
    """Group titles, each over a rule of its own; columns parted from one group share one title."""
    titles = rules = " " * first
    for title, members in groupby(groups, key=lambda one: one.title):
        width = _total(members, outer) - outer
        titles += " " * outer + _middle(title, width)
        rules += " " * outer + ("─" if title else " ") * width
    return [[(titles.rstrip(), "bold")], [(rules.rstrip(), "dim")]] if titles.strip() else []


def to_string(lines: Sequence[Line], *, colour: bool) -> str:
    """Join lines; with ``colour`` the styles become terminal codes, without it they are dropped."""
    from rich.color import ColorSystem
    from rich.style import Style as RichStyle

    texts = []
    for line in lines:
        if not colour:
            texts.append("".join(text for text, _ in line).rstrip())
            continue
        styled = [RichStyle.parse(style).render(text, color_system=ColorSystem.STANDARD) for text, style in line]
        texts.append("".join(styled))
    return "\n".join(texts) + "\n"
