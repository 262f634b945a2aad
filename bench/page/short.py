"""The answer in short: what is best, what it does to parts, whether the order is claimed, and what may change it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain

from bench.page.run import PageRun
from bench.record import Record
from bench.report import data_remarks, power_section
from bench.report.choose import done_of
from bench.report.measures import heading, mean_over, measure_of, percent, printed, signed
from bench.report.power import WANTED
from bench.report.shape import CostLine, Entry, Leaderboard, Measure, Section, Standing, Table, entries_of, title_text
from bench.scores import named
from bench.types import JsonValue
from bench.words import duration, plural

FOUND, ALARMS, REJECTED = map(
    measure_of, ("object_recall@test", "false_alarms_per_clean_image@test", "clean_images_with_alarm@test")
)
"""What an inspector asks first: defects found, false alarms on a sound part, sound parts that are rejected."""
RIVALS = tuple(
    map(measure_of, ("object_f1@test", "object_recall@test", "false_alarms_per_clean_image@test", "ap@test"))
)
"""Scores by which another row may be first."""


def in_short(run: PageRun) -> list[str]:
    """What a reader must know who reads nothing else, in sentences."""
    board = run.board
    found = [_states(board)]
    for standing in board.standings:
        found += [line for line in standing.sentences if "pending" not in line]
        found += _of_best(run, standing)
    found += _orders(board) or ["No order of rows is claimed: that takes three finished seeds of each row."]
    found += _converged(run)
    sections = {section.title: section for section in board.sections}
    for title, section in sections.items():
        if title.startswith(power_section.TITLE):
            found += _power(section)
    return found + [*sections[data_remarks.TITLE].sentences][:3] if data_remarks.TITLE in sections else found


def _of_best(run: PageRun, standing: Standing) -> Iterator[str]:
    """What the best position of a data set does to parts, what it cost, and by which scores another row is first."""
    if standing.best is None:
        return
    for table in run.board.tables:
        for entry in entries_of([table]):
            if standing.best.cell in entry.cells:
                records = done_of(entry.cells, run.records)
                yield from _on_parts(entry, records)
                yield from _costs(run.board, entry)
                yield from _other_firsts(run, table, entry)


def _on_parts(entry: Entry, records: list[Record]) -> Iterator[str]:
    """Defects found and false alarms of a position, at its thresholds."""
    found, alarms, rejected = (mean_over(records, measure) for measure in (FOUND, ALARMS, REJECTED))
    if found is None:
        return
    text = f"{entry.row} / {entry.column} finds {percent(found)} % of the defects of the test split"
    if alarms is not None and rejected is not None:
        text += f", with {printed(alarms, ALARMS)} false alarms on an image without any"
        text += f"; {percent(rejected)} % of such images have one"
    thresholds = [record.of_split("validation").number("threshold") for record in records]
    told = ", ".join(f"{value:.3f}" for value in thresholds if value is not None)
    yield f"{text}. {'Threshold' if len(records) == 1 else 'Thresholds, one per seed'}: {told}."


def _other_firsts(run: PageRun, table: Table, best: Entry) -> Iterator[str]:
    """Scores by which another position of the table lies before the best one by F1."""
    for measure in RIVALS:
        known = {}
        for entry in entries_of([table]):
            mean = mean_over(done_of(entry.cells, run.records), measure)
            if entry.complete and mean is not None:
                known[f"{entry.row} / {entry.column}"] = mean
        name = f"{best.row} / {best.column}"
        if name not in known:
            continue
        first = min(known, key=known.__getitem__) if measure.better == "lower" else max(known, key=known.__getitem__)
        if known[first] != known[name]:
            score = named(measure.path[-1])
            words = (score and (score.words or score.label)) or measure.path[-1].replace("_", " ")
            values = f"{printed(known[first], measure)} against {printed(known[name], measure)}"
            yield f"By {words} another position is first: {first}, {values}."


def _converged(run: PageRun) -> Iterator[str]:
    """How many trainings ended before they converged."""
    trained = [record for record in run.done().values() if record.parameters and record.convergence]
    early = [record for record in trained if record.convergence and record.convergence.epoch is None]
    if early:
        which = "None" if len(early) == len(trained) else f"{len(early)} not"
        of = plural(len(trained), "training")
        yield f"{which} of {of} converged within its epochs: a larger budget may change the order."


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


def _costs(board: Leaderboard, entry: Entry) -> Iterator[str]:
    """What a position cost."""
    for line in board.costs:
        if (line.row, line.column) == (entry.row, entry.column):
            yield _cost(line)
            return


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
