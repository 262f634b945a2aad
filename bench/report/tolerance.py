"""How much an order depends on where the annotators drew the borders: ranks that change within their tolerance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.report.choose import TEST_F1, Records
from bench.report.measures import mean_of_all, measure_of, read
from bench.report.shape import Entry, Grid, Section, Table, title_text
from bench.scores import rows_of
from bench.types import JsonValue
from bench.words import line, plural

VARIANTS = {row.name: row.label for row in rows_of("tolerance") if row.percent}
MEASURES = {name: measure_of(f"tolerance.{name}@test") for name in VARIANTS}

MEANING = (
    "Ranks of the rows by F1_T, and by F1_T had every true border been drawn {pixels} further out or in, or were that "
    "band not scored: how many rows change their rank, and by how many points of F1_T a row moves at most. Models and "
    "thresholds stay; positions that lack seeds take no part."
)


@dataclass(frozen=True, slots=True)
class _Row:
    """Mean test F1 of one row of a column: as scored, and under every variant of the truth."""

    f1: float
    variants: Mapping[str, float]


def tolerance_section(tables: Sequence[Table], rows_axis: str, records: Records) -> Section | None:
    """Rank changes per column; None where no column has two rows to compare."""
    if "dataset" in rows_axis.split(", "):  # scores of different data sets have no order
        return None
    values = []
    pixels: set[int] = set()
    for table in tables:
        for index, column in enumerate(table.columns):
            rows = []
            ids: list[str] = []
            for entry in [row[index] for row in table.entries]:
                found = _row(entry, records)
                if found:
                    rows.append(found)
                    ids += entry.cells
            if len(rows) > 1:
                values.append(_values(table, column, rows))
                pixels |= _pixels(ids, records)
    if not values:
        return None
    width = " or ".join(plural(k, "pixel") for k in sorted(pixels)) or "some pixels"
    return Section(
        title="Tolerance of the annotation",
        grids=(_grid(values),),
        sentences=(MEANING.format(pixels=width),),
        values=tuple(values),
    )


def _row(entry: Entry, records: Records) -> _Row | None:
    """Means over the seeds; None where a seed is missing or lacks one of the values."""
    if not entry.figures or entry.seeds != entry.expected:
        return None
    done = [records[id] for id in entry.cells]
    f1 = mean_of_all([read(record, TEST_F1).value for record in done])
    variants = {}
    for name, measure in MEASURES.items():
        value = mean_of_all([read(record, measure).value for record in done])
        if value is not None:
            variants[name] = value
    return _Row(f1, variants) if f1 is not None and len(variants) == len(MEASURES) else None


def _pixels(ids: Sequence[str], records: Records) -> set[int]:
    found = [records[id].of_split("test").number("tolerance", "pixels") for id in ids]
    return {int(value) for value in found if value is not None}


def changed_ranks(before: Sequence[float], after: Sequence[float]) -> int:
    """How many of the values have another rank after; equal values share the better rank."""
    return sum(one != other for one, other in zip(_ranks(before), _ranks(after), strict=True))


def _ranks(values: Sequence[float]) -> list[int]:
    falling = sorted(values, reverse=True)
    return [1 + falling.index(value) for value in values]


def _values(table: Table, column: str, rows: Sequence[_Row]) -> Mapping[str, JsonValue]:
    before = [row.f1 for row in rows]
    changed = {}
    largest = 0.0
    for name in VARIANTS:
        after = [row.variants[name] for row in rows]
        changed[f"changed.{name}"] = changed_ranks(before, after)
        largest = max(largest, *(abs(a - b) for a, b in zip(after, before, strict=True)))
    return {
        "table": dict(table.title),
        "column": column,
        "rows": len(rows),
        **changed,
        "largest_move": largest,
    }


def _grid(values: Sequence[Mapping[str, JsonValue]]) -> Grid:
    rows = []
    for found in values:
        place = [found["column"], title_text(found["table"].items())]
        rows.append(
            (
                line(", ".join(text for text in place if text)),
                str(found["rows"]),
                *(str(found[f"changed.{name}"]) for name in VARIANTS),
                f"{100 * found['largest_move']:.1f}",
            )
        )
    return Grid(
        title="Rows that change their rank",
        header=("column", "rows", *VARIANTS.values(), "largest move, points"),
        rows=tuple(rows),
    )
