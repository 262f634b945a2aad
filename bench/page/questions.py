"""What a board says, sorted by what a reader asks; and the answer in short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from bench.document import Block, Document, Heading, Listing, Notes, Paragraph, Points, Table
from bench.page.run import PageRun
from bench.report import data_remarks, power_section
from bench.report.board_document import board_document, standing_blocks
from bench.report.measures import heading, percent, signed
from bench.report.power import WANTED
from bench.report.shape import CostLine, Entry, Leaderboard, Measure, Section, entries_of, title_text
from bench.report.tables import table_of
from bench.types import JsonValue
from bench.words import duration, plural

LEVEL = 2
"""Of the title of a question; the headings inside it are one lower."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the board says to one question, and the files that hold the same for programs."""

    question: str
    document: Document
    files: str = "leaderboard.json"


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
        blocks = standing_blocks(standing, several=len(board.standings) > 1)
        yield Said("fails", Document("", list(blocks), LEVEL))
    footer = [block for block in whole.blocks if isinstance(block, Listing)]
    yield Said("made", Document("", footer, LEVEL), "suite.json, cells/*.json")


def _document(section: Section) -> Document:
    blocks: list[Block] = [Heading(section.title), *map(table_of, section.grids), Paragraph(section.sentences)]
    return Document("", blocks, LEVEL)


def in_short(run: PageRun) -> list[str]:
    """The answer in sentences: what is best, whether an order is claimed, what could be found, what to beware of."""
    board = run.board
    found = [_states(board)]
    for standing in board.standings:
        found += [line for line in standing.sentences if "pending" not in line]
    found += _costs(board)
    found += _orders(board) or ["No order of rows is claimed: that takes three finished seeds of each row."]
    sections = {section.title: section for section in board.sections}
    for title, section in sections.items():
        if title.startswith(power_section.TITLE):
            found += _power(section)
    return found + [*sections[data_remarks.TITLE].sentences][:3] if data_remarks.TITLE in sections else found


def _states(board: Leaderboard) -> str:
    counts = Counter(cell.state for cell in board.cells)
    states = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    return f"{plural(len(board.cells), 'cell')}: {states}."


def _orders(board: Leaderboard) -> list[str]:
    """Column by column and score by score, which rows cannot be told from the best."""
    found = []
    for table in board.tables:
        for column, entries in table.by_column:
            for number, measure in enumerate(board.measures):
                ties = _ties(entries, number)
                if ties:
                    place = title_text(table.title, column)
                    found.append(_order(place, heading(measure, ""), ties) + _ahead(board, place, measure, ties))
    return found


def _ahead(board: Leaderboard, place: str, measure: Measure, ties: dict[str, str]) -> str:
    """By how much the best row is ahead of the row that differences are taken to."""
    for value in chain.from_iterable(section.values for section in board.sections if section.question == "real"):
        if value.get("measure") != measure.name or value.get("difference") is None or value.get("p") is None:
            continue
        if title_text(value["table"].items(), value["column"]) == place and "a" in ties.get(value["row"], ""):
            low, high = value["difference_interval"]
            ends = f"[{signed(low, measure)}, {signed(high, measure)}]"
            return (
                f" {value['row']} is {signed(value['difference'], measure)} {ends} beside {_reference(board, value)}."
            )
    return ""


def _reference(board: Leaderboard, value: Mapping[str, JsonValue]) -> str:
    """The row that the differences of a column are taken to: the one that has none."""
    for section in board.sections:
        for other in section.values:
            same = all(other.get(name) == value[name] for name in ("table", "column", "measure"))
            if same and "difference" in other and other["difference"] is None:
                return str(other["row"])
    return "the reference"


def _costs(board: Leaderboard) -> Iterator[str]:
    """What the best position of every data set cost."""
    for standing in board.standings:
        cells = set() if standing.best is None else {standing.best.cell}
        places = [entry for entry in entries_of(board.tables) if cells & set(entry.cells)]
        for line in board.costs:
            if places and (line.row, line.column) == (places[0].row, places[0].column):
                yield _cost(line)
                break


def _cost(line: CostLine) -> str:
    parts = []
    if line.train_s is not None:
        parts.append(f"{duration(line.train_s)} of training on {' and '.join(line.devices)}")
    if line.parameters is not None:
        parts.append(f"{line.parameters / 1e6:.3g} million parameters")
    known = line.image_latency_s
    parts.append("latency not measured" if known is None else f"{1e3 * known:.3g} ms per image")
    return f"{line.name} took {', '.join(parts)}."


def _ties(entries: tuple[Entry, ...], number: int) -> dict[str, str]:
    """Rows with letters to their letters."""
    pairs = {entry.row: entry.figures[number].tie for entry in entries if entry.figures}
    return {row: tie for row, tie in pairs.items() if tie}


def _order(place: str, score: str, ties: dict[str, str]) -> str:
    top = [row for row, tie in ties.items() if "a" in tie]
    if len(top) == len(ties):
        return f"{place}: no row can be told from another by {score}."
    if len(top) > 1:
        return f"{place}: {', '.join(top)} cannot be told apart by {score}; all others lie behind one of them."
    return f"{place}: {top[0]} lies ahead of all others by {score}."


def _power(section: Section) -> Iterator[str]:
    """What difference could have been found, and what it takes to find a small one."""
    for one in section.values:
        place = title_text(one["table"].items(), one["column"])
        found = one["found"]
        if found is None:
            continue
        text = f"{place}: a true difference of {percent(found)} points would be found in 8 of 10 repetitions"
        wanted = one["seeds_wanted"]
        yield f"{text}; {100 * WANTED:.0f} points take {plural(wanted, 'seed')}." if wanted else f"{text}."
