"""A document for a terminal, or for a log file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from bench.document import (
    Block,
    Cell,
    Document,
    Heading,
    Listing,
    Notes,
    Paragraph,
    Picture,
    Points,
    Symbol,
    Table,
    Text,
    Verbatim,
    bare,
)
from bench.render import layout
from bench.render.layout import Line, Piece, Style, cells, left, to_string, wrap
from bench.words import line, visible

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
LETTERS = str.maketrans("abcdefghijklmnop", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖ")
DAGGER = "†"
INSTEAD: dict[str, Style] = {"quiet": "dim", "alarm": "red"}


def to_text(document: Document, width: int = 100, colour: bool = False) -> str:
    """Set a document in ``width`` columns; without colour the best figures carry a star."""
    width = max(width, 40)
    lines = _prose(document.title, width, "bold") if document.title else []
    before: Block | None = None
    for block in document.blocks:
        own = _lines(block, width, colour)
        if not own:
            continue
        if lines and not _together(before, block):
            lines.append([])
        lines += own
        before = block
    return to_string(lines, colour=colour)


def _together(before: Block | None, block: Block) -> bool:
    """Whether no free line stands between two blocks: below a heading, and among pictures."""
    return isinstance(before, Heading) or (isinstance(before, Picture) and isinstance(block, Picture))


def _lines(block: Block, width: int, colour: bool) -> list[Line]:
    match block:
        case Heading(text):
            return _prose(text, width, "bold")
        case Paragraph(sentences):
            return _all_prose(sentences, width)
        case Points(items):
            starred = items if colour else [bare(item).replace("Bold:", "*:", 1) for item in items]
            return _all_prose(starred, width)
        case Notes(texts):
            notes: list[Line] = []
            for k, note in enumerate(texts, start=1):
                notes += _hanging(f"{_small(k)} ", note, width)
            return notes
        case Listing():
            return _listing(block, width)
        case Verbatim():
            return _verbatim(block, width)
        case Picture(file):
            return [[(f"picture: {visible(file)}", "")]]
        case Table():
            return _table(block, width, colour)


def _table(table: Table, width: int, colour: bool) -> list[Line]:
    groups = []
    for place, group in enumerate(table.groups):
        heads = tuple(_head(column.head) for column in group.columns)
        rows: list[tuple[Piece, ...]] = []
        for row in table.rows:
            pieces = [_piece(cell, colour) for cell in row.parts[place]]
            rows.append(tuple(pieces))
        groups.append(layout.Group(line(group.title), heads, tuple(rows)))
    names = [line(bare(row.name)) for row in table.rows]
    lines = layout.lay_out(line(bare(table.corner)), names, groups, width)
    return _titled(table.title, lines, width) + _all_prose(table.below, width)


def _head(head: Text) -> str:
    unit = f" {head.unit}" if isinstance(head, Symbol) and head.unit else ""
    return line(bare(head)) + unit


def _piece(cell: Cell, colour: bool) -> Piece:
    star = "*" if cell.best and not colour else ""
    note = _small(cell.note) if cell.note else ""
    suffix = star + cell.ties.translate(LETTERS) + (DAGGER if cell.dagger else "") + note
    return Piece(line(str(cell)), suffix, INSTEAD.get(cell.instead, "bold" if cell.best else ""))


def _small(number: int) -> str:
    return str(number).translate(SUPERSCRIPTS)


def _listing(listing: Listing, width: int) -> list[Line]:
    """Two columns below the title; without a title, values that follow their names."""
    lines: list[Line] = []
    if not listing.title:
        for name, text in listing.pairs:
            lines += _hanging(f"{line(name)}: ", text, width, "dim")
        return lines
    column = min(max((cells(name) for name, _ in listing.pairs), default=0), width // 2)
    for name, text in listing.pairs:
        start = f"  {left(line(name), column)}  "
        for part in wrap(line(bare(text)), max(width - column - 4, 20)):
            lines.append([((start + part).rstrip(), "")])
            start = " " * (column + 4)
    return _titled(listing.title, lines, width)


def _verbatim(verbatim: Verbatim, width: int) -> list[Line]:
    """Lines folded and set in below the title; without a title, lines as they are."""
    texts = [visible(text) for text in verbatim.text.split("\n")]
    if not verbatim.title:
        return [[(text, "")] for text in texts]
    folded: list[Line] = []
    for text in texts:
        folded += [[(f"  {part}", "")] for part in textwrap.wrap(text, width - 2) or [""]]
    return _titled(verbatim.title, folded, width)


def _titled(title: Text, lines: list[Line], width: int) -> list[Line]:
    return (_prose(title, width, "bold") if title and lines else []) + lines


def _all_prose(texts: Iterable[Text], width: int) -> list[Line]:
    lines: list[Line] = []
    for text in texts:
        lines += _prose(text, width)
    return lines


def _prose(text: Text, width: int, style: Style = "") -> list[Line]:
    return [[(part, style)] for part in wrap(line(bare(text)), width)]


def _hanging(start: str, text: Text, width: int, style: Style = "") -> list[Line]:
    """Text after ``start``; its further lines are set in."""
    indent = " " * min(len(start), 12)
    first, *more = wrap(start + line(bare(text)), width - len(indent))
    return [[(first, style)], *([(indent + part, style)] for part in more)]
