"""What a plugin may add to what is reported of a run: a section of its page, or a format for all that it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

from bench.document import Document

if TYPE_CHECKING:
    from bench.record import Record

Question: TypeAlias = Literal["best", "real", "images", "fails", "cost", "data", "change", "made"]
"""Of a reader: which is best, is the difference real, on which images, where does it fail, what did it cost, can the
data be trusted, what would change the answer, how was it made."""


@runtime_checkable
class Section(Protocol):
    """A part of the page under the ``question`` that it answers."""

    question: Question

    def section(self, records: Mapping[str, Record], /) -> Document:
        """What there is to say of the finished cells, by their ids; a document without blocks says nothing."""
        ...


@runtime_checkable
class Format(Protocol):
    """Sets documents; ``suffix`` ends the names of its files, without a dot."""

    suffix: str

    def render(self, document: Document, /) -> str:
        """A whole document, in which every text is only ever text."""
        ...
