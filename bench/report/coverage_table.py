"""Coverage of crop strategies as tables: what their crops contain, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.measures import line, number, percent, plain
from bench.report.shape import Grid
from bench.types import JsonValue

Row = Mapping[str, JsonValue]

SHARES = ("share", "fraction", "coverage")
"""Last words of field names whose values lie in 0..1 and are printed in percent."""


LABELS = ("dataset", "preprocess", "crop_size")
"""Labels that part the rows into tables."""


def coverage_grids(rows: Sequence[Row], *, strategy: str = "crop") -> list[Grid]:
    """One grid per data set, preprocessing and crop size: strategies as columns, figures as rows.

    Rows may have different figures; one that a strategy lacks is a dash.
    """
    parted: dict[tuple[tuple[str, str], ...], list[Row]] = {}
    for row in rows:
        parted.setdefault(tuple((key, str(row[key])) for key in LABELS if key in row), []).append(row)
    return [_grid(place, members, strategy) for place, members in parted.items()]


def _grid(place: tuple[tuple[str, str], ...], rows: Sequence[Row], strategy: str) -> Grid:
    labels = {strategy, *LABELS}
    figures = dict.fromkeys(key for row in rows for key in row if key not in labels)
    return Grid(
        title=", ".join(["Coverage", *(f"{key} {line(label)}" for key, label in place)]),
        header=("figure", *(line(str(row.get(strategy, ""))) for row in rows)),
        rows=tuple((_heading(key), *(_text(key, row.get(key)) for row in rows)) for key in figures),
    )


def _is_share(key: str) -> bool:
    return key.rpartition("_")[2] in SHARES


def _heading(key: str) -> str:
    return key.replace("_", " ") + (" [%]" if _is_share(key) else "")


def _text(key: str, value: JsonValue) -> str:
    if _is_share(key) and (found := number(value)) is not None:
        return percent(found)
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{line(str(k))} {plain(v)}" for k, v in value.items())
    return plain(value)
