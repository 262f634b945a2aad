"""What formats of plain text with marks share: blocks between empty lines, each set by a method of its own.

A new format is a subclass that says what it writes otherwise; as it is, this one sets no marks at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


class Markup:
    """Sets documents without any marks; ``level`` is that of a heading, 1 for the title of a page."""

    def render(self, document: Document) -> str:
        """Set a whole document."""
        title = self.heading(self.marked(document.title), document.level) if document.title else ""
        return self.apart(title, *(self.block(block, document.level + 1) for block in document.blocks)) + "\n"

    def apart(self, *blocks: str) -> str:
        """Blocks with an empty line between them, without those that hold nothing."""
        return "\n\n".join(filter(None, blocks))

    def marked(self, text: Text) -> str:
        """One line in which no character but the format's own marks has a meaning."""
        return " ".join("".join(map(self.part, parts(text))).split())

    def part(self, part: Part) -> str:
        """One part of a text."""
        match part:
            case Code(text):
                return self.code(line(text))
            case Link(address):
                return self.link(address)
            case Symbol():
                return self.symbol(part)
            case _:
                return self.escaped(part)

    def escaped(self, text: str) -> str:
        """A text in which no character has a meaning to the format."""
        return visible(text)

    def code(self, text: str) -> str:
        """A name or a command."""
        return self.escaped(text)

    def link(self, address: str) -> str:
        """An address."""
        return self.escaped(address)

    def symbol(self, symbol: Symbol) -> str:
        """A sign with its unit."""
        return self.escaped(f"{symbol} [{symbol.unit}]" if symbol.unit else str(symbol))

    def block(self, block: Block, level: int) -> str:
        """One block; its headings are of ``level``."""
        match block:
            case Heading(text):
                return self.heading(self.marked(text), level)
            case Paragraph(sentences):
                return self.lines(sentences)
            case Points(items):
                return self.points(map(self.marked, items))
            case Notes(texts):
                return self.notes(map(self.marked, texts))
            case Listing(pairs, title):
                return self.titled(title, self.listing((self.escaped(name), self.marked(text)) for name, text in pairs))
            case Verbatim(text, title):
                return self.titled(title, self.verbatim(text))
            case Picture(file, text):
                return self.picture(visible(file), self.marked(text))
            case Table():
                return self.apart(self.table(block, level), self.lines(block.below))

    def heading(self, text: str, level: int) -> str:
        """A heading; its text is set."""
        return f"{text}\n{'=-~'[min(level, 3) - 1] * len(text)}"

    def lines(self, sentences: Sequence[Text]) -> str:
        """Sentences, each on a line."""
        return "\n".join(map(self.marked, sentences))

    def points(self, items: Iterable[str]) -> str:
        """A list of set texts."""
        return "\n".join(f"- {item}" for item in items)

    def notes(self, texts: Iterable[str]) -> str:
        """Set texts, numbered from 1."""
        return "\n".join(f"{number}. {text}" for number, text in enumerate(texts, start=1))

    def listing(self, pairs: Iterable[tuple[str, str]]) -> str:
        """Names with their values, both set."""
        return self.points(f"{name}: {text}" for name, text in pairs)

    def verbatim(self, text: str) -> str:
        """Lines as they are."""
        return "\n".join(map(visible, text.splitlines()))

    def picture(self, file: str, text: str) -> str:
        """A picture by its file, and in words."""
        return f"{text} ({file})"

    def titled(self, title: Text, body: str) -> str:
        """What stands under a title that is no heading; without a body nothing."""
        return self.apart(self.title(self.marked(title)) if title and body else "", body)

    def title(self, text: str) -> str:
        """A title that is no heading; its text is set."""
        return text

    def table(self, table: Table, level: int) -> str:
        """A table with one line of headings; what stands instead of values fills its first column."""
        head = [self.marked(table.corner)]
        for group in table.groups:
            head += [self.marked((group.title, " ", *parts(column.head))) for column in group.columns]
        rows = []
        for row in table.rows:
            cells = [self.marked(row.name)]
            for cell, span in table.cells(row):
                cells += [self.cell(cell), *["–"] * (span - 1)]
            rows.append(cells)
        body = self.grid(head, rows, [False, *(column.right for column in table.columns)])
        if table.label and table.title:
            return self.apart(self.heading(self.marked(table.title), level), body)
        return self.titled(table.title, body)

    def cell(self, cell: Cell) -> str:
        """A value of a table with its spread."""
        return self.marked((*parts(cell.text), f"±{cell.spread}")) if cell.spread else self.marked(cell.text)

    def grid(self, head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
        """Cells below their headings; ``right`` says of each column whether it is set right."""
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = []
        for cells in (head, *rows):
            sides = zip(cells, widths, right, strict=True)
            lines.append("  ".join(cell.rjust(width) if side else cell.ljust(width) for cell, width, side in sides))
        return "\n".join(line.rstrip() for line in lines)
