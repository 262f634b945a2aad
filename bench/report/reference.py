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
from bench.report.shape import Entry, Figure, Grid, Measure, Section, Table, entries_of, is_comparable, title_text
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
    columns: dict[tuple[int, str], list[_Pair]] = {}
    for pair in pairs:
        columns.setdefault((id(pair.table), pair.entry.column), []).append(pair)
    grids = [_grid(members, rows_axis) for members in columns.values()]
    ranks = list(chain.from_iterable(map(_ranks, columns.values())))
    sentences = [*_differs(tables, published, rows_axis, records), SHARES]
    if ranks:
        grids.append(_rank_grid(ranks))
        sentences.append(RANKS)
    return Section(
        title=f"{published.title} as published, and here",
        grids=tuple(grids),
        sentences=(*sentences, *_alarms(published, tables)),
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
        for entry in entries_of([table]):
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
    places = {(entry.row, entry.column) for entry in entries_of(tables)}
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


def _grid(pairs: Sequence[_Pair], rows_axis: str) -> Grid:
    """For every value of one column what is published and what is measured."""
    header, texts = [rows_axis], {}
    for measure in dict.fromkeys(pair.measure for pair in pairs):
        name = heading(measure, "")
        header += [f"{name} published", f"{name} here"]
        texts[measure] = {pair.entry.row: _texts(pair) for pair in pairs if pair.measure == measure}
    rows = []
    for row in dict.fromkeys(pair.entry.row for pair in pairs):
        found = [by_row.get(row, (NOTHING, NOTHING)) for by_row in texts.values()]
        rows.append((line(row), *chain.from_iterable(found)))
    place = title_text(pairs[0].table.title, pairs[0].entry.column)
    return Grid(line(f"{place}: published and here"), tuple(header), tuple(rows))


def _texts(pair: _Pair) -> tuple[str, str]:
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


def _ranks(pairs: Sequence[_Pair]) -> Iterator[Mapping[str, JsonValue]]:
    """Rank correlations of every value of one column, where at least three levels have both numbers."""
    for measure in dict.fromkeys(pair.measure for pair in pairs):
        members = [pair for pair in pairs if pair.measure == measure and pair.comparable]
        if len(members) < FEWEST:
            continue
        here = [pair.figure.value or 0.0 for pair in members if pair.figure]
        tau, rho = rank_correlations([pair.number for pair in members], here)
        place = members[0].table.place(members[0].entry.column)
        yield {**place, "value": measure.name, "levels": len(members), "kendall": tau, "spearman": rho}


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
    done = done_of(chain.from_iterable(entry.cells for entry in entries_of(tables)), records)
    here = [text for text in (_data(done, rows_axis), _encoders(done), budget_text(done)) if text]
    return [
        line(f"Published: {published.title} of {published.source}: {published.about}."),
        line(f"Here: {'; '.join(here) or 'nothing measured yet'}. Compare orders, not values."),
        *([line(published.differs)] if published.differs else []),
    ]


def _data(records: Sequence[Record], rows_axis: str) -> str:
    names = dict.fromkeys(str(record.axes.get("dataset")) for record in records)
    return f"data {', '.join(names)}" if names and is_comparable(rows_axis) else ""


def _encoders(records: Sequence[Record]) -> str:
    """``encoders FCN resnet50, U-Net resnet34``, as far as models say it."""
    encoders: dict[str, None] = {}
    for record in records:
        encoder = record.value(("cell", "axes", "model", "settings", "encoder"))
        if encoder is not None:
            encoders[f"{record.axes.get('model')} {encoder}"] = None
    return f"encoders {', '.join(encoders)}" if encoders else ""
