"""Tables of fixed-width text with headings over several columns, cut into blocks that fit the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def lay_out(corner: str, labels: Sequence[str], groups: Sequence[Group], width: int) -> list[Line]:
    """Set a table in at most ``width`` columns; the row labels are repeated for every block.

    A label wider than 40 % of the width is wrapped; a group that is too wide alone is set column by column.
    """
    parts = [part for label in labels for part in wrap(label, max(int(0.4 * width), 8))]
    first = max(map(cells, [corner, *parts]), default=0)
    inner, outer = next((gaps for gaps in GAPS if first + _total(groups, *gaps) <= width), GAPS[-1])
    room = width - first
    atoms = [part for group in groups for part in _parted(group, inner, outer, room)]
    blocks = list(_blocks(atoms, inner, outer, room))
    lines: list[Line] = []
    for block in blocks:
        lines += [[]] if lines else []
        lines += _block(corner, labels, block, first, (inner, outer))
    return lines


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


def _parted(group: Group, inner: int, outer: int, room: int) -> Iterator[Group]:
    if _width(group, inner) + outer <= room:
        yield group
        return
    for index, heading in enumerate(group.headings):
        rows = tuple(row if len(row) < len(group.headings) else row[index : index + 1] for row in group.rows)
        yield Group(group.title, (heading,), rows)


def _blocks(groups: Sequence[Group], inner: int, outer: int, room: int) -> Iterator[list[Group]]:
    block: list[Group] = []
    for group in groups:
        if block and _total([*block, group], inner, outer) > room:
            yield block
            block = []
        block.append(group)
    if block:
        yield block


def _total(groups: Sequence[Group], inner: int, outer: int) -> int:
    return sum(outer + _width(group, inner) for group in groups)


def _columns(group: Group) -> list[tuple[int, int]]:
    """Width of text and of suffix of every column."""
    full = [row for row in group.rows if len(row) == len(group.headings)]
    return [
        (
            max([cells(row[index].text) for row in full], default=0),
            max([cells(row[index].suffix) for row in full], default=0),
        )
        for index in range(len(group.headings))
    ]


def _widths(group: Group, inner: int) -> list[int]:
    """Column widths; the last one is widened where a title or a centred piece needs it."""
    pairs = zip(_columns(group), group.headings, strict=True)
    widths = [max(text + suffix, cells(heading)) for (text, suffix), heading in pairs]
    spans = [cells(row[0].text + row[0].suffix) for row in group.rows if len(row) < len(group.headings)]
    missing = max([cells(group.title), *spans]) - (sum(widths) + inner * (len(widths) - 1))
    widths[-1] += max(missing, 0)
    return widths


def _width(group: Group, inner: int) -> int:
    return sum(_widths(group, inner)) + inner * (len(group.headings) - 1)


def _block(corner: str, labels: Sequence[str], groups: list[Group], first: int, gaps: tuple[int, int]) -> list[Line]:
    inner, outer = gaps
    lines = _titles(groups, first, gaps) if any(group.title for group in groups) else []
    heads = "".join(" " * outer + _heading(group, inner) for group in groups)
    lines.append([(left(corner, first) + heads, "bold")])
    lines.append([("─" * (first + _total(groups, *gaps)), "dim")])
    for index, label in enumerate(labels):
        start, *more = wrap(label, first)
        body: Line = [(left(start, first), "")]
        for group in groups:
            body += [(" " * outer, ""), *_row(group, index, inner)]
        lines.append(body)
        lines.extend([(part, "")] for part in more)
    return lines


def _titles(groups: Sequence[Group], first: int, gaps: tuple[int, int]) -> list[Line]:
    """Group titles, each over a rule of its own; columns parted from one group share one title."""
    inner, outer = gaps
    titles, rules = " " * first, " " * first
    for title, members in groupby(groups, key=lambda group: group.title):
        width = _total(list(members), inner, outer) - outer
        titles += " " * outer + _middle(title, width)
        rules += " " * outer + ("─" if title else " ") * width
    return [[(titles.rstrip(), "bold")], [(rules.rstrip(), "dim")]]


def _heading(group: Group, inner: int) -> str:
    """Headings stand over the text, not over the suffixes, unless they need the room."""
    set_right = []
    for width, heading, (_, suffix) in zip(_widths(group, inner), group.headings, _columns(group), strict=True):
        hang = min(suffix, width - cells(heading))
        set_right.append(right(heading, width - hang) + " " * hang)
    return (" " * inner).join(set_right)


def _row(group: Group, index: int, inner: int) -> list[Segment]:
    row = group.rows[index]
    if len(row) < len(group.headings):
        return [(_middle(row[0].text + row[0].suffix, _width(group, inner)), row[0].style)]
    segments: list[Segment] = []
    for piece, width, (_, suffix) in zip(row, _widths(group, inner), _columns(group), strict=True):
        room = width - suffix
        padding = room - cells(piece.text) + (inner if segments else 0)
        segments += [(" " * padding, ""), (piece.text, piece.style), (left(piece.suffix, suffix), "")]
    return segments


def to_string(lines: Sequence[Line], *, colour: bool) -> str:
    """Join lines; with ``colour`` the styles become terminal codes, without it they are dropped."""
    if not colour:
        return "\n".join("".join(text for text, _ in line).rstrip() for line in lines) + "\n"
    return "\n".join("".join(_styled(*segment) for segment in line) for line in lines) + "\n"


def _styled(text: str, style: Style) -> str:
    from rich.color import ColorSystem
    from rich.style import Style as RichStyle

    return RichStyle.parse(style).render(text, color_system=ColorSystem.STANDARD) if style else text
