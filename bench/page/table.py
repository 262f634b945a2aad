"""The rows of the table that a reader sorts and filters: positions by every score, and what each cell holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.page.run import PageRun
from bench.record import Record
from bench.report.board import numbers
from bench.report.measures import heading, interval_in, interval_text, measure_of, read
from bench.report.shape import Entry, Leaderboard, Measure, Table, title_text
from bench.scores import POINTS, facts, named, rows_of, split_scores
from bench.types import SPLITS, JsonValue

PROTOCOL = "protocol"
"""The rule by which the protocol of a cell chooses its threshold."""
STORED: dict[tuple[str, ...], tuple[str, ...]] = {("convergence_epoch",): ("convergence", "epoch")}
"""Where a fact stands in the file of a record, if not under its name."""
SCORED = tuple(split for split in SPLITS if split != "train")


def measures_of(records: Iterable[Record]) -> list[Measure]:
    """Every score that has a better end and of which a record has a value, then the facts of cells likewise."""
    records = list(records)
    names = []
    for score in split_scores():
        row = named(score.rpartition(".")[2])
        if row is not None and row.better:
            names += [f"{score}@{split}" for split in SCORED]
    for point in POINTS:
        names += [f"operating.{point}.{row.name}@test" for row in rows_of("operating") if row.better]
    measures = [measure_of(name) for name in [*names, *facts()]]
    return [one for one in measures if any(read(record, one).value is not None for record in records)]


def measure_row(measure: Measure) -> dict[str, JsonValue]:
    """A measure as the page knows it: by score, split and rule, and where its value stands in a record."""
    rule = PROTOCOL
    score = measure.name.partition("@")[0]
    if measure.path[0] == "operating":
        rule = POINTS[measure.path[1]]
        score = measure.path[-1]
    row = named(score)
    label = (row and (row.label or row.words)) or score.replace("_", " ").replace(".", ", ")
    path = ("scores", measure.split, *measure.path) if measure.split else STORED.get(measure.path, measure.path)
    return {
        "name": measure.name,
        "score": score,
        "split": measure.split or "",
        "rule": rule,
        "head": heading(measure) if measure.symbol != ".".join(measure.path) else _head(label, measure),
        "label": label,
        "meaning": row.meaning if row else "",
        "better": measure.better,
        "percent": measure.percent,
        "path": list(path),
    }


def _head(label: str, measure: Measure) -> str:
    """The head of a column whose score has no symbol: what it is in words, and of which split."""
    unit = " [%]" if measure.percent else ""
    return f"{label}{f', {measure.split}' if measure.split else ''}{unit}"


def position_rows(run: PageRun, measures: Sequence[Measure]) -> Iterator[dict[str, JsonValue]]:
    """One row per position of the board: its axes, how it ended, and the text of every measure."""
    suite, board = run.suite, run.board
    shown = suite.board.model_copy(update={"values": tuple(measure.name for measure in measures)})
    found = numbers(suite.cells, run.records, shown, suite.paired)
    intervals = dict(_intervals(board))
    notes = dict(enumerate(board.notes, start=1))
    said = {(table.title, entry.row, entry.column): entry for table in board.tables for entry in _entries(table)}
    for table in found.tables:
        for entry in _entries(table):
            stated = said[table.title, entry.row, entry.column]
            place = (title_text(table.title), entry.column, entry.row)
            yield {
                "axes": {board.rows_axis: entry.row, board.columns_axis: entry.column, **dict(table.title)},
                "state": entry.state,
                "why": notes.get(stated.note or 0, ""),
                "badges": list(table.badges),
                "inert": entry.chose_nothing,
                "cells": list(entry.cells),
                "seeds": entry.seeds,
                "expected": entry.expected,
                "figures": [_figure(entry, number) for number in range(len(measures))] if entry.figures else None,
                "ties": _ties(board, stated),
                "intervals": {
                    **_of_one_seed(run, entry),
                    **{name: text for (at, name), text in intervals.items() if at == place},
                },
            }


def cell_rows(run: PageRun) -> Iterator[dict[str, JsonValue]]:
    """One row per cell of the suite: how it ended, and every number of its record by its path in the file."""
    for line in run.board.cells:
        record = run.records.get(line.id)
        yield {
            "id": line.id,
            "name": run.names[line.id],
            "axes": dict(line.labels),
            "state": line.state,
            "reason": line.reason,
            "shown": line.shown,
            "baseline": line.baseline,
            "file": f"cells/{line.id}.json" if record else "",
            "numbers": dict(_numbers(record)) if record else {},
            "badges": list(record.badges) if record else [],
            "outdated": list(record.outdated) if record else [],
        }


def _entries(table: Table) -> Iterator[Entry]:
    for row in table.entries:
        yield from row


def _figure(entry: Entry, number: int) -> list[JsonValue]:
    """Text, spread and value of a figure, and whether it is the best of its column."""
    figure = entry.figures[number]
    return [figure.text, figure.spread_text, figure.value, figure.best]


def _ties(board: Leaderboard, entry: Entry) -> dict[str, str]:
    if not entry.figures:
        return {}
    pairs = zip(board.measures, entry.figures, strict=True)
    return {measure.name: figure.tie for measure, figure in pairs if figure.tie}


def _of_one_seed(run: PageRun, entry: Entry) -> dict[str, str]:
    """The interval over groups that the record of an only seed has."""
    record = run.records.get(entry.cells[0]) if entry.seeds == 1 and entry.cells else None
    interval = record.of_split("test").interval if record else None
    return {} if interval is None else {"f1@test": interval_text(interval)}


def _intervals(board: Leaderboard) -> Iterator[tuple[tuple[tuple[str, str, str], str], str]]:
    """Table, column and row, with the name of a measure, to the text of its interval."""
    for section in board.sections:
        for value in section.values:
            ends = value.get("interval")
            if isinstance(ends, list | tuple) and "measure" in value and "row" in value:
                table = title_text(value["table"].items())
                measure = measure_of(value["measure"])
                text = interval_in((ends[0], ends[1]), measure)
                yield ((table, value["column"], value["row"]), measure.name), text


def _numbers(record: Record) -> Iterator[tuple[str, float]]:
    """Every number of scores, costs and training by its path in the file of the record."""
    for split, scores in record.scores.items():
        for name, value in scores.numbers.items():
            yield f"scores.{split}.{name}", value
    for part in ("cost", "convergence"):
        found = getattr(record, part)
        for name, value in found.numbers.items() if found else ():
            yield f"{part}.{name}", value
    if record.parameters is not None:
        yield "parameters", record.parameters
