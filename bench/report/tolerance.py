"""How much an order depends on where the annotators drew the borders: ranks that change within their tolerance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.report.choose import Records
from bench.report.measures import measure_of, read
from bench.report.shape import Entry, Grid, Section, Table
from bench.scores import rows_of
from bench.types import JsonValue
from bench.words import line, plural

TEST = measure_of("f1@test")
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
    found = [
        (table, column, rows, _pixels(members, records)) for table, column, rows, members in _columns(tables, records)
    ]
    if not found:
        return None
    pixels = sorted({k for *_, of_column in found for k in of_column})
    values = [_values(table, column, rows) for table, column, rows, _ in found]
    width = " or ".join(plural(k, "pixel") for k in pixels) or "some pixels"
    return Section(
        title="Tolerance of the annotation",
        grids=(_grid(values),),
        sentences=(MEANING.format(pixels=width),),
        values=tuple(values),
    )


def _columns(
    tables: Sequence[Table], records: Records
) -> Iterator[tuple[Table, str, list[_Row], list[Entry]]]:  # fmt: skip
    """Columns of at least two complete rows."""
    for table in tables:
        for index, column in enumerate(table.columns):
            entries = [row[index] for row in table.entries if row[index].figures]
            pairs = [(found, e) for e in entries if e.seeds == e.expected and (found := _row(e, records))]
            if len(pairs) > 1:
                yield table, column, [found for found, _ in pairs], [entry for _, entry in pairs]


def _row(entry: Entry, records: Records) -> _Row | None:
    """Means over the seeds; None where a seed lacks one of the values."""
    own = [read(records[id], TEST).value for id in entry.cells]
    others = {name: [read(records[id], measure).value for id in entry.cells] for name, measure in MEASURES.items()}
    means = {name: _mean(values) for name, values in others.items()}
    f1 = _mean(own)
    known = {name: value for name, value in means.items() if value is not None}
    return _Row(f1, known) if f1 is not None and len(known) == len(VARIANTS) else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _pixels(entries: Sequence[Entry], records: Records) -> set[int]:
    ids = [id for entry in entries for id in entry.cells]
    found = [records[id].of_split("test").number("tolerance", "pixels") for id in ids]
    return {int(value) for value in found if value is not None}


def changed_ranks(before: Sequence[float], after: Sequence[float]) -> int:
    """How many of the values have another rank after; equal values share the better rank."""
    return sum(one != other for one, other in zip(_ranks(before), _ranks(after), strict=True))


def _ranks(values: Sequence[float]) -> list[int]:
    return [1 + sum(other > value for other in values) for value in values]


def _values(table: Table, column: str, rows: Sequence[_Row]) -> Mapping[str, JsonValue]:
    before = [row.f1 for row in rows]
    after = {name: [row.variants[name] for row in rows] for name in VARIANTS}
    return {
        "table": dict(table.title),
        "column": column,
        "rows": len(rows),
        **{f"changed.{name}": changed_ranks(before, found) for name, found in after.items()},
        "largest_move": max(abs(a - b) for found in after.values() for a, b in zip(found, before, strict=True)),
    }


def _grid(values: Sequence[Mapping[str, JsonValue]]) -> Grid:
    return Grid(
        title="Rows that change their rank",
        header=("column", "rows", *VARIANTS.values(), "largest move, points"),
        rows=tuple(
            (
                line(", ".join([found["column"], *(f"{axis} {label}" for axis, label in found["table"].items())])),
                str(found["rows"]),
                *(str(found[f"changed.{name}"]) for name in VARIANTS),
                f"{100 * found['largest_move']:.1f}",
            )
            for found in values
        ),
    )
