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
    """A group with the room of each column, of its text with the suffix and of the suffix alone."""

    group: Group
    widths: list[int]
    suffixes: list[int]
    gap: int

    @property
    def width(self) -> int:
        """Terminal columns of the whole group."""
        return sum(self.widths) + self.gap * (len(self.widths) - 1)


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
        for one in fitted:
            parted += _parted(one, room - outer)
        fitted = parted
    lines: list[Line] = []
    for block in _blocks(fitted, outer, room):
        lines += [[]] if lines else []
        lines += _block(corner, labels, block, first, outer)
    return lines


def _fitted(group: Group, gap: int) -> Fitted:
    """The last column is widened where a title or a centred piece needs it."""
    full = [row for row in group.rows if len(row) == len(group.headings)]
    widths, suffixes = [], []
    for index, heading in enumerate(group.headings):
        suffix = max((cells(row[index].suffix) for row in full), default=0)
        text = max((cells(row[index].text) for row in full), default=0)
        widths.append(max(text + suffix, cells(heading)))
        suffixes.append(suffix)
    fitted = Fitted(group, widths, suffixes, gap)
    spans = [cells(row[0].text + row[0].suffix) for row in group.rows if len(row) < len(group.headings)]
    widths[-1] += max(0, max([cells(group.title), *spans]) - fitted.width)
    return fitted


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


def _parted(fitted: Fitted, room: int) -> Iterator[Fitted]:
    group = fitted.group
    if fitted.width <= room:
        yield fitted
        return
    for index, heading in enumerate(group.headings):
        rows = tuple(row if len(row) < len(group.headings) else row[index : index + 1] for row in group.rows)
        yield _fitted(Group(group.title, (heading,), rows), fitted.gap)


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
    heads = "".join(gap + _heading(one) for one in groups)
    lines.append([(left(corner, first) + heads, "bold")])
    lines.append([("─" * (first + _total(groups, outer)), "dim")])
    for index, label in enumerate(labels):
        start, *more = wrap(label, first)
        body: Line = [(left(start, first), "")]
        for one in groups:
            body += [(gap, ""), *_row(one, index)]
        lines.append(body)
        lines += [[(part, "")] for part in more]
    return lines


def _titles(groups: Sequence[Fitted], first: int, outer: int) -> list[Line]:
    """Group titles, each over a rule of its own; columns parted from one group share one title."""
    titles = rules = " " * first
    for title, members in groupby(groups, key=lambda one: one.group.title):
        width = _total(members, outer) - outer
        titles += " " * outer + _middle(title, width)
        rules += " " * outer + ("─" if title else " ") * width
    return [[(titles.rstrip(), "bold")], [(rules.rstrip(), "dim")]] if titles.strip() else []


def _heading(fitted: Fitted) -> str:
    """Headings stand over the text, not over the suffixes, unless they need the room."""
    set_right = []
    for width, suffix, heading in zip(fitted.widths, fitted.suffixes, fitted.group.headings, strict=True):
        hang = min(suffix, width - cells(heading))
        set_right.append(right(heading, width - hang) + " " * hang)
    return (" " * fitted.gap).join(set_right)


def _row(fitted: Fitted, index: int) -> list[Segment]:
    row = fitted.group.rows[index]
    if len(row) < len(fitted.widths):
        (piece,) = row
        return [(_middle(piece.text + piece.suffix, fitted.width), piece.style)]
    segments: list[Segment] = []
    for piece, width, suffix in zip(row, fitted.widths, fitted.suffixes, strict=True):
        padding = width - suffix - cells(piece.text) + (fitted.gap if segments else 0)
        segments += [(" " * padding, ""), (piece.text, piece.style), (left(piece.suffix, suffix), "")]
    return segments


def to_string(lines: Sequence[Line], *, colour: bool) -> str:
    """Join lines; with ``colour`` the styles become terminal codes, without it they are dropped."""
    texts = []
    for line in lines:
        if colour:
            texts.append("".join(_styled(*segment) for segment in line))
        else:
            texts.append("".join(text for text, _ in line).rstrip())
    return "\n".join(texts) + "\n"


def _styled(text: str, style: Style) -> str:
    from rich.color import ColorSystem
    from rich.style import Style as RichStyle

    return RichStyle.parse(style).render(text, color_system=ColorSystem.STANDARD) if style else text
