"""A document as Markdown: for a README, a pull request, a wiki."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bench.document import (
    Block,
    Cell,
    Code,
    Document,
    Heading,
    Link,
    Listing,
    Notes,
    Paragraph,
    Part,
    Picture,
    Points,
    Symbol,
    Table,
    Text,
    Verbatim,
    parts,
)
from bench.words import line, visible

SPECIAL = str.maketrans({**{c: f"\\{c}" for c in "\\`*_{}[]#|~"}, "&": "&amp;", "<": "&lt;", ">": "&gt;"})
NOTHING = "–"


def to_markdown(document: Document) -> str:
    """Set every block; tables have one heading line, as Markdown knows no spans."""
    title = f"{'#' * document.level} {marked(document.title)}" if document.title else ""
    blocks = [title, *(_block(block, document.level + 1) for block in document.blocks)]
    return "\n\n".join(filter(None, blocks)) + "\n"


def marked(text: Text) -> str:
    """One line in which nothing but its own marks is read as Markdown or HTML."""
    return " ".join("".join(map(_part, parts(text))).split())


def _part(part: Part) -> str:
    match part:
        case Code(text):
            return _code(line(text))
        case Link(address):
            return f"<{address}>"
        case Symbol(unit=unit) if unit:
            return escaped(f"{part} [{unit}]")
        case _:
            return escaped(str(part))


def escaped(text: str) -> str:
    """A text in which nothing is read as Markdown or HTML."""
    return visible(text).translate(SPECIAL)


def _code(text: str) -> str:
    """A value as code, whatever backticks it holds."""
    fence = "`" * (1 + _longest_run(text))
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _block(block: Block, level: int) -> str:
    match block:
        case Heading(text):
            return f"{'#' * level} {marked(text)}"
        case Paragraph(sentences):
            return "\n".join(map(marked, sentences))
        case Points(items):
            return _points(map(marked, items))
        case Notes(texts):
            return "\n".join(f"{k}. {marked(text)}" for k, text in enumerate(texts, start=1))
        case Listing(pairs, title):
            return _titled(title, _points(f"{escaped(name)}: {marked(text)}" for name, text in pairs))
        case Verbatim(text, title):
            fence = "`" * max(3, 1 + _longest_run(text))
            return _titled(title, "\n".join([fence, *map(visible, text.splitlines()), fence]))
        case Picture(file, text):
            return f"![{marked(text)}]({visible(file)})"
        case Table():
            return _table(block, level)


def _points(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _titled(title: Text, body: str) -> str:
    return f"**{marked(title)}**\n\n{body}" if title and body else body


def _table(table: Table, level: int) -> str:
    head = [marked(table.corner)]
    for group in table.groups:
        head += [marked((group.title, " ", *parts(column.head))) for column in group.columns]
    # the first column names the rows and is set left, as every other column of text
    rule = ["---", *("---:" if column.right else "---" for column in table.columns)]
    lines = [head, rule]
    for row in table.rows:
        cells = [marked(row.name)]
        for cell, span in table.cells(row):
            cells += [_cell(cell), *[NOTHING] * (span - 1)]
        lines.append(cells)
    body = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    if table.label and table.title:
        body = f"{'#' * level} {marked(table.title)}\n\n{body}"
    else:
        body = _titled(table.title, body)
    return "\n\n".join(filter(None, [body, "\n".join(map(marked, table.below))]))


def _cell(cell: Cell) -> str:
    text = marked((*parts(cell.text), f"±{cell.spread}")) if cell.spread else marked(cell.text)
    bold = f"**{text}**" if cell.best else text
    ties = f"<sup>{cell.ties}</sup>" if cell.ties else ""
    note = f"<sup>{cell.note}</sup>" if cell.note else ""
    return bold + ties + ("†" if cell.dagger else "") + note
