"""What a board says, sorted by what a reader asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.document import Block, Document, Heading, Listing, Notes, Paragraph, Points, Table
from bench.page.run import PageRun
from bench.report.board_document import board_document, standing_blocks
from bench.report.shape import Section
from bench.report.tables import table_of

LEVEL = 2
"""Of the title of a question; the headings inside it are one lower."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the board says to one question, and the files that hold the same for programs."""

    question: str
    document: Document
    files: str = "leaderboard.json"


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence, and the file with what part of it holds its numbers."""

    text: str
    files: str


def said(run: PageRun) -> Iterator[Said]:
    """Everything that the board of a run says, each once."""
    board = run.board
    whole = board_document(board)
    tables = [block for block in whole.blocks if isinstance(block, Table) and block.label]
    rules = [block for block in whole.blocks if isinstance(block, Notes | Points)]
    yield Said("best", Document("", [*tables, *rules], LEVEL))
    for section in board.sections:
        yield Said(section.question, _document(section))
    for standing in board.standings:
        blocks = [  # its sentences are told in short
            block
            for block in standing_blocks(standing, several=len(board.standings) > 1)
            if not isinstance(block, Paragraph)
        ]
        yield Said("fails", Document("", blocks, LEVEL))
    footer = [block for block in whole.blocks if isinstance(block, Listing)]
    yield Said("made", Document("", footer, LEVEL), "suite.json, cells/*.json")


def _document(section: Section) -> Document:
    blocks: list[Block] = [Heading(section.title), *map(table_of, section.grids), Paragraph(section.sentences)]
    return Document("", blocks, LEVEL)
