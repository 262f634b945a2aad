"""What is told, apart from how it is set: one renderer per format sets any document, whatever it is of.

A text is one line for a renderer: it folds spaces and drops control characters, so builders pass names as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Code:
    """A name or a command, to be copied as it is."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Link:
    """An address on the web."""

    address: str

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True)
class Symbol:
    """A sign such as F1 with the index V, in a unit; where there is room, ``words`` stand in its place."""

    text: str
    index: str = ""
    unit: str = ""
    words: str = ""

    def __str__(self) -> str:
        return f"{self.text}_{self.index}" if self.index else self.text


Part: TypeAlias = str | Code | Link | Symbol
Text: TypeAlias = Part | tuple[Part, ...]


def parts(text: Text) -> tuple[Part, ...]:
    """The parts of a text, which follow each other without a space."""
    return text if isinstance(text, tuple) else (text,)


def bare(text: Text) -> str:
    """A text without its marks."""
    return "".join(map(str, parts(text)))


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a part; it stays with the block that follows."""

    text: Text


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences, each on a line of its own where lines count."""

    sentences: Sequence[Text]


@dataclass(frozen=True, slots=True)
class Points:
    """A list of remarks."""

    items: Sequence[Text]


@dataclass(frozen=True, slots=True)
class Notes:
    """Footnotes, numbered from 1; cells of tables refer to them."""

    texts: Sequence[Text]


@dataclass(frozen=True, slots=True)
class Listing:
    """Names with their values."""

    pairs: Sequence[tuple[str, Text]]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text of which every line and every indentation counts."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture by its file, and in words."""

    file: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value with its ``spread``, or a word that stands ``instead`` of the values of a whole group of columns.

    ``best``: bold. Raised beside it stand the letters of ``ties``, a dagger, and the number of a note.
    """

    text: Text
    spread: str = ""
    best: bool = False
    ties: str = ""
    dagger: bool = False
    note: int | None = None
    instead: Literal["", "quiet", "alarm"] = ""

    def __str__(self) -> str:
        return bare(self.text) + (f"±{self.spread}" if self.spread else "")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; numbers are set ``right``."""

    head: Text
    right: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """Columns next to each other, under a title where there is one."""

    columns: Sequence[Column]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its name; ``parts`` are the cells of each group, of which one that stands instead of values is alone."""

    name: Text
    parts: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows by groups of columns; ``corner`` says what the rows are, ``below`` what must be read with the table.

    A table with a ``label`` is one that others refer to. Where tables float, ``caption`` says what the title does not.
    """

    corner: Text
    groups: Sequence[Group]
    rows: Sequence[Row]
    title: Text = ""
    below: Sequence[Text] = ()
    caption: Text = ""
    label: str = ""

    @property
    def columns(self) -> list[Column]:
        """The columns of all groups."""
        return [column for group in self.groups for column in group.columns]

    def cells(self, row: Row) -> Iterator[tuple[Cell, int]]:
        """The cells of a row, and over how many columns each reaches."""
        for group, cells in zip(self.groups, row.parts, strict=True):
            for cell in cells:
                yield cell, len(group.columns) if cell.instead else 1


Block: TypeAlias = Heading | Paragraph | Points | Notes | Listing | Verbatim | Picture | Table


@dataclass(frozen=True, slots=True)
class Document:
    """A title and what follows; the title is of level 1 where the document is a page of its own, else of level 2.

    Blocks that hold nothing are left out by every renderer.
    """

    title: Text
    blocks: Sequence[Block]
    level: int = 2
