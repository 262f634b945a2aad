"""The answer in short: what is best, what it does to parts, whether the order is claimed, and what may change it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from bench.document import Document, Points
from bench.page.questions import LEVEL, Said, Told
from bench.page.run import PageRun
from bench.parts import ImageCounts
from bench.record import Record
from bench.report import data_remarks, power_section
from bench.report.best import tested_on
from bench.report.choose import done_of
from bench.report.costs import position_name
from bench.report.measures import heading, mean_over, measure_of, percent, printed, signed
from bench.report.power import WANTED
from bench.report.shape import CostLine, Entry, Leaderboard, Measure, Section, Standing, Table, entries_of, title_text
from bench.types import JsonValue
from bench.words import duration, plural

RIVALS = {
    "object_f1@test": "F1 of whole defects",
    "object_recall@test": "share of defects found",
    "operating.alarm_per_10_clean_images.object_recall@test": "share of defects found where one sound image in ten may "
    "raise an alarm",
    "operating.alarm_per_clean_image.object_recall@test": "share of defects found where a sound image may raise one "
    "alarm",
    "false_alarms_per_clean_image@test": "false alarms on a sound image",
    "ap@test": "average precision",
}
"""Scores by which another row may be first, in words."""
BOARD = "leaderboard.json"


def in_short(run: PageRun) -> Iterator[Told]:
    """What a reader must know who reads nothing else, in sentences."""
    board = run.board
    yield Told(_states(board), f"{BOARD}: cells")
    for standing in board.standings:
        yield from of_standing(board, standing, _stands(run, standing))
    orders = _orders(board) or ["No order of rows is claimed: that takes three finished seeds of each row."]
    yield from (Told(text, f"{BOARD}: tables and sections") for text in orders)
    sections = {section.title: section for section in board.sections}
    for title, section in sections.items():
        if title.startswith(power_section.TITLE):
            yield from (Told(text, f"{BOARD}: sections") for text in _power(section))
    if data_remarks.TITLE in sections:
        yield from (Told(text, f"{BOARD}: cells, remarks") for text in sections[data_remarks.TITLE].sentences[:3])


def of_standing(board: Leaderboard, standing: Standing, told: Iterable[Told]) -> Iterator[Told]:
    """Sentences that name their data set, and its split, where the board has several."""
    for one in told:
        yield replace(one, text=f"{standing.dataset}: {one.text}") if len(board.standings) > 1 else one


def _stands(run: PageRun, standing: Standing) -> Iterator[Told]:
    """Where the best position of a data set stands, what it cost, and by what another is first."""
    for text in standing.sentences:
        if "pending" not in text:
            yield Told(text, f"{BOARD}: standings")
    if standing.best is not None:
        table, entry = position_of(run.board, standing.best.cell)
        yield from _costs(run.board, position_name(entry, table))
        yield from other_firsts(run, table, entry)


def position_of(board: Leaderboard, cell: str) -> tuple[Table, Entry]:
    """The position that a cell belongs to, with its table."""
    return next((table, entry) for table in board.tables for entry in entries_of([table]) if cell in entry.cells)


def other_firsts(run: PageRun, table: Table, best: Entry) -> Iterator[Told]:
    """Scores by which another position of the table lies before the best one by F1, on the same images."""
    places = {cell.id: tested_on(cell.labels) for cell in run.suite.cells}
    alike = [entry for entry in entries_of([table]) if {places[id] for id in entry.cells} == {places[best.cells[0]]}]
    for value, words in RIVALS.items():
        measure = measure_of(value)
        known = {}
        for entry in alike:
            mean = mean_over(done_of(entry.cells, run.records), measure)
            if entry.complete and mean is not None:
                known[position_name(entry, table)] = mean
        name = position_name(best, table)
        if name not in known:
            continue
        first = min(known, key=known.__getitem__) if measure.better == "lower" else max(known, key=known.__getitem__)
        if known[first] != known[name]:
            values = f"{printed(known[first], measure)} against {printed(known[name], measure)}"
            place = ".".join(measure.path)
            text = f"By {words} another position is first: {first}, {values}."
            yield Told(text, f"{BOARD}: cells, scores.test.{place}")


def would_change(run: PageRun) -> Said:
    """What may turn the answer over, besides the differences that could not be found."""
    rivals = []
    for standing in run.board.standings:
        if standing.best is not None:
            rivals += [told.text for told in other_firsts(run, *position_of(run.board, standing.best.cell))]
    found = [*_converged(run), *_other_splits(run)]
    if rivals:
        found.append(f"Another score: by {plural(len(rivals), 'other score')} another position is first; see In short.")
    return Said("change", Document("", [Points(found)], LEVEL), f"{BOARD}: cells")


def _converged(run: PageRun) -> Iterator[str]:
    """How many trainings ended before they converged."""
    trained = [record for record in run.done().values() if record.parameters and record.convergence]
    early = [record for record in trained if record.convergence and record.convergence.epoch is None]
    if early:
        which = "none" if len(early) == len(trained) else f"{len(early)} not"
        of = plural(len(trained), "training")
        yield f"A larger budget: {which} of {of} converged within its epochs."


def _other_splits(run: PageRun) -> Iterator[str]:
    """How many parts of one split decide, where it is one."""
    splits = {str(cell.protocol.split) for cell in run.suite.cells}
    groups = {len(set(counts.groups)) for counts in map(_test_counts, run.done().values()) if counts is not None}
    if len(splits) == 1 and groups:
        of = " or ".join(f"{count:,}" for count in sorted(groups))
        yield f"Other parts: all numbers are of one split, tested on {of} groups; 'protocol.split' takes folds."


def _test_counts(record: Record) -> ImageCounts | None:
    return record.of_split("test").image_counts


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
    best: Mapping[str, JsonValue] | None = None
    for value in chain.from_iterable(section.values for section in board.sections if section.question == "real"):
        if value.get("measure") != measure.name or value.get("difference") is None or value.get("p") is None:
            continue
        if title_text(value["table"].items(), value["column"]) != place or "a" not in ties.get(value["row"], ""):
            continue
        if best is None or _further(value, best, measure):
            best = value
    if best is None or not _further(best, {"difference": 0.0}, measure):
        return ""  # the row that differences are taken to is the best one
    low, high = best["difference_interval"]
    ends = f"[{signed(low, measure)}, {signed(high, measure)}]"
    return f" {best['row']} is {signed(best['difference'], measure)} {ends} beside {_reference(board, best)}."


def _further(value: Mapping[str, JsonValue], than: Mapping[str, JsonValue], measure: Measure) -> bool:
    """Whether a difference is better than another."""
    sign = -1 if measure.better == "lower" else 1
    return bool(sign * value["difference"] > sign * than["difference"])


def _reference(board: Leaderboard, value: Mapping[str, JsonValue]) -> str:
    """The row that the differences of a column are taken to: the one that has none."""
    for section in board.sections:
        for other in section.values:
            same = all(other.get(name) == value[name] for name in ("table", "column", "measure"))
            if same and "difference" in other and other["difference"] is None:
                return str(other["row"])
    return "the reference"


def _costs(board: Leaderboard, name: str) -> Iterator[Told]:
    """What the position of this name cost."""
    for line in board.costs:
        if line.name == name:
            yield Told(_cost(line), f"{BOARD}: costs")


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
        return f"{place}: {', '.join(top)} cannot be told apart by {score}; every other row lies behind one of them."
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
