"""Published numbers beside the measured ones, what differs between them, and whether they agree on the order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from bench.record import Record
from bench.report.choose import Records, done_of
from bench.report.footer import budget_text
from bench.report.measures import NOTHING, heading, measure_of, printed
from bench.report.shape import Entry, Figure, Grid, Measure, Section, Table
from bench.suite.schema import Published
from bench.types import JsonValue
from bench.words import line

FEWEST = 3
"""Levels from which on two orders are compared."""

SHARES = "Scores in percent. What is published is not measured here, and never bold."
RANKS = (
    "Order of the rows, published against here, over positions that have both and all seeds: Kendall's tau-b and "
    "Spearman's rho, 1 where the orders are the same. It describes these few levels and tests nothing."
)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One published number and what stands at its position here; shares in 0..1."""

    table: Table
    entry: Entry
    measure: Measure
    number: float
    figure: Figure | None

    @property
    def comparable(self) -> bool:
        """Whether the measured value is whole: all seeds, and no lower bound."""
        figure = self.figure
        if figure is None or figure.value is None or figure.at_least:
            return False
        return figure.count == self.entry.expected


def published_section(
    tables: Sequence[Table], measures: Sequence[Measure], published: Published | None, rows_axis: str, records: Records
) -> Section | None:
    """The published table by the labels of this leaderboard; None where nothing of it stands here."""
    if published is None:
        return None
    pairs = list(_pairs(tables, measures, published))
    if not pairs:
        return None
    ranks = _ranks(pairs)
    return Section(
        title=f"{published.title} as published, and here",
        grids=(*_grids(pairs, rows_axis), *([_rank_grid(ranks)] if ranks else [])),
        sentences=(
            *_differs(tables, published, rows_axis, records),
            SHARES,
            *([RANKS] if ranks else ()),
            *_alarms(published, tables),
        ),
        values=(*map(_values, pairs), *ranks),
    )


def published_by_cell(
    tables: Sequence[Table], measures: Sequence[Measure], published: Published | None
) -> dict[str, dict[str, float]]:
    """Cell id to the published numbers of its position by name; shares in 0..1."""
    numbers: dict[str, dict[str, float]] = {}
    for pair in _pairs(tables, measures, published) if published else ():
        for id in pair.entry.cells:
            numbers.setdefault(id, {})[pair.measure.name] = pair.number
    return numbers


def _pairs(tables: Sequence[Table], measures: Sequence[Measure], published: Published) -> Iterator[_Pair]:
    """Every published number that has a position here and is possible."""
    shown = {measure.name: index for index, measure in enumerate(measures)}
    for table in tables:
        for entry in chain.from_iterable(table.entries):
            numbers = published.numbers.get(entry.row, {}).get(entry.column, ())
            for name, number in zip(published.values, numbers, strict=False):
                measure = measure_of(name)
                if number is not None and _possible(measure, number):
                    figure = entry.figures[shown[name]] if name in shown and entry.figures else None
                    share = number / 100 if measure.percent else number
                    yield _Pair(table, entry, measure, share, figure)


def _possible(measure: Measure, number: float) -> bool:
    return math.isfinite(number) and (not measure.percent or 0 <= number <= 100)


def _alarms(published: Published, tables: Sequence[Table]) -> list[str]:
    """Published shares outside 0..100, at positions that this leaderboard has."""
    places = {(entry.row, entry.column) for entry in _entries(tables)}
    alarms = []
    for row, by_column in published.numbers.items():
        for column, numbers in by_column.items():
            if (row, column) not in places:
                continue
            for name, number in zip(published.values, numbers, strict=False):
                if number is not None and not _possible(measure_of(name), number):
                    what = f"Published {name} of {row} / {column} is {number:g}"
                    alarms.append(f"{what}, outside its possible range 0..100: not shown.")
    return alarms


def _entries(tables: Sequence[Table]) -> list[Entry]:
    entries: list[Entry] = []
    for table in tables:
        entries += chain.from_iterable(table.entries)
    return entries


def _grids(pairs: Sequence[_Pair], rows_axis: str) -> Iterator[Grid]:
    """One grid per table and column: for every value what is published and what is measured."""
    groups: dict[tuple[int, str], list[_Pair]] = {}
    for pair in pairs:
        groups.setdefault((id(pair.table), pair.entry.column), []).append(pair)
    for members in groups.values():
        table, column = members[0].table, members[0].entry.column
        measures = list(dict.fromkeys(pair.measure for pair in members))
        by_place = {(pair.entry.row, pair.measure): pair for pair in members}
        header = [rows_axis]
        for measure in measures:
            name = heading(measure, "")
            header += [f"{name} published", f"{name} here"]
        rows = []
        for row in dict.fromkeys(pair.entry.row for pair in members):
            texts = [line(row)]
            for measure in measures:
                texts += _texts(by_place.get((row, measure)))
            rows.append(tuple(texts))
        place = ", ".join([column, *(f"{axis} {label}" for axis, label in table.title)])
        yield Grid(title=line(f"{place}: published and here"), header=tuple(header), rows=tuple(rows))


def _texts(pair: _Pair | None) -> tuple[str, str]:
    if pair is None:
        return NOTHING, NOTHING
    here = NOTHING
    if pair.figure is not None:
        spread = pair.figure.spread_text
        here = f"{pair.figure.text}±{spread}" if spread else pair.figure.text
    return printed(pair.number, pair.measure), here


def _values(pair: _Pair) -> Mapping[str, JsonValue]:
    return {
        "table": dict(pair.table.title),
        "row": pair.entry.row,
        "column": pair.entry.column,
        "value": pair.measure.name,
        "published": pair.number,
        "here": pair.figure.value if pair.figure else None,
    }


def _ranks(pairs: Sequence[_Pair]) -> list[Mapping[str, JsonValue]]:
    """Rank correlations per table, column and value, where at least three levels have both numbers."""
    groups: dict[tuple[int, str, str], list[_Pair]] = {}
    for pair in pairs:
        if pair.comparable:
            groups.setdefault((id(pair.table), pair.entry.column, pair.measure.name), []).append(pair)
    return [_rank(members) for members in groups.values() if len(members) >= FEWEST]


def _rank(members: Sequence[_Pair]) -> Mapping[str, JsonValue]:
    first = members[0]
    published = [pair.number for pair in members]
    here = [pair.figure.value or 0.0 for pair in members if pair.figure]
    tau, rho = rank_correlations(published, here)
    return {
        "table": dict(first.table.title),
        "column": first.entry.column,
        "value": first.measure.name,
        "levels": len(members),
        "kendall": tau,
        "spearman": rho,
    }


def rank_correlations(one: Sequence[float], other: Sequence[float]) -> tuple[float | None, float | None]:
    """Kendall's tau-b and Spearman's rho; None where all values of one side are equal, which has no order."""
    if len(set(one)) == 1 or len(set(other)) == 1:
        return None, None
    from scipy.stats import kendalltau, spearmanr

    return float(kendalltau(one, other).statistic), float(spearmanr(one, other).statistic)


def _rank_grid(ranks: Sequence[Mapping[str, JsonValue]]) -> Grid:
    def text(value: float | None) -> str:
        return NOTHING if value is None else f"{value:+.2f}"

    rows = []
    for rank in ranks:
        place = ", ".join([rank["column"], heading(measure_of(rank["value"]), ""), *rank["table"].values()])
        rows.append((line(place), str(rank["levels"]), text(rank["kendall"]), text(rank["spearman"])))
    return Grid(
        title="Do published and measured values order the rows alike",
        header=("column, value", "levels", "Kendall", "Spearman"),
        rows=tuple(rows),
    )


def _differs(tables: Sequence[Table], published: Published, rows_axis: str, records: Records) -> list[str]:
    """What was published on which data, what is measured here, and what the suite says of the difference."""
    ids: list[str] = []
    for entry in _entries(tables):
        ids += entry.cells
    done = done_of(ids, records)
    here = [text for text in (_data(done, rows_axis), _encoders(done), budget_text(done)) if text]
    return [
        line(f"Published: {published.title} of {published.source}: {published.about}."),
        line(f"Here: {'; '.join(here) or 'nothing measured yet'}. Compare orders, not values."),
        *([line(published.differs)] if published.differs else []),
    ]


def _data(records: Sequence[Record], rows_axis: str) -> str:
    names = dict.fromkeys(str(record.axes.get("dataset")) for record in records)
    return f"data {', '.join(names)}" if names and "dataset" not in rows_axis.split(", ") else ""


def _encoders(records: Sequence[Record]) -> str:
    """``encoders FCN resnet50, U-Net resnet34``, as far as models say it."""
    encoders: dict[str, None] = {}
    for record in records:
        encoder = record.value(("cell", "axes", "model", "settings", "encoder"))
        if encoder is not None:
            encoders[f"{record.axes.get('model')} {encoder}"] = None
    return f"encoders {', '.join(encoders)}" if encoders else ""
