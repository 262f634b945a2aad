"""How much an order depends on where the annotators drew the borders: ranks that change within their tolerance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from bench.report.choose import TEST_F1, Records
from bench.report.measures import mean_over, measure_of, plain
from bench.report.shape import Entry, Grid, Section, Table, is_comparable, title_text
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
NONE_LEFT = "A dash: no true pixel is left inside its borders, so there is no F1 and no rank."


@dataclass(frozen=True, slots=True)
class _Row:
    """Mean test F1 of one row of a column: as scored and under its variants of the truth, by how many pixels."""

    f1: float
    variants: Mapping[str, float]
    pixels: frozenset[int]


def tolerance_section(tables: Sequence[Table], rows_axis: str, records: Records) -> Section | None:
    """Rank changes per column; None where no column has two rows to compare."""
    if not is_comparable(rows_axis):
        return None
    values = []
    pixels: set[int] = set()
    for table in tables:
        for column, entries in table.by_column:
            rows = _alike([row for row in (_row(entry, records) for entry in entries) if row])
            if len(rows) > 1:
                values.append({**table.place(column), **_values(rows)})
                pixels = pixels.union(*(row.pixels for row in rows))
    if not values:
        return None
    width = " or ".join(plural(k, "pixel") for k in sorted(pixels)) or "some pixels"
    lacking = any(found[f"changed.{name}"] is None for found in values for name in VARIANTS)
    return Section(
        title="Tolerance of the annotation",
        grids=(_grid(values),),
        sentences=(MEANING.format(pixels=width), *([NONE_LEFT] if lacking else ())),
        values=tuple(values),
        question="data",
    )


def _row(entry: Entry, records: Records) -> _Row | None:
    """Means over the seeds; None where a seed is missing or lacks the score, or every variant of it."""
    if not entry.figures or not entry.complete:
        return None
    done = [records[id] for id in entry.cells]
    f1 = mean_over(done, TEST_F1)
    variants = {}
    for name, measure in MEASURES.items():
        value = mean_over(done, measure)
        if value is not None:
            variants[name] = value
    if f1 is None or not variants:
        return None
    widths = [record.of_split("test").number("tolerance", "pixels") for record in done]
    return _Row(f1, variants, frozenset(int(width) for width in widths if width is not None))


def _alike(rows: Sequence[_Row]) -> list[_Row]:
    """The rows that have every variant that any of them has: thin defects lack one in all rows alike."""
    known = set(chain.from_iterable(row.variants for row in rows))
    return [row for row in rows if known <= row.variants.keys()]


def changed_ranks(before: Sequence[float], after: Sequence[float]) -> int:
    """How many of the values have another rank after; equal values share the better rank."""
    falling, fallen = sorted(before, reverse=True), sorted(after, reverse=True)
    pairs = zip(before, after, strict=True)
    return sum(falling.index(one) != fallen.index(other) for one, other in pairs)


def _values(rows: Sequence[_Row]) -> dict[str, JsonValue]:
    before = np.array([row.f1 for row in rows])
    changed: dict[str, JsonValue] = {f"changed.{name}": None for name in VARIANTS}
    moves = []
    for name in rows[0].variants:
        after = np.array([row.variants[name] for row in rows])
        changed[f"changed.{name}"] = changed_ranks(before.tolist(), after.tolist())
        moves.append(float(np.abs(after - before).max()))
    return {"rows": len(rows), **changed, "largest_move": max(moves)}


def _grid(values: Sequence[Mapping[str, JsonValue]]) -> Grid:
    rows = []
    for found in values:
        changed = [plain(found[f"changed.{name}"]) for name in VARIANTS]
        place = line(title_text(found["table"].items(), found["column"]))
        rows.append((place, str(found["rows"]), *changed, f"{100 * found['largest_move']:.1f}"))
    header = ("column", "rows", *VARIANTS.values(), "largest move, points")
    return Grid("Rows that change their rank", header, tuple(rows))
