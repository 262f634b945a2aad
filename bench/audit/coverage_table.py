"""Coverage of crop strategies as tables: what their crops contain, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.report.measures import line, number, percent, plain
from bench.report.shape import Grid
from bench.types import JsonValue

Row = Mapping[str, JsonValue]

SHARES = ("share", "fraction", "coverage")
"""Last words of field names whose values lie in 0..1 and are printed in percent."""

WORDS = {
    "images": "training images",
    "crops": "crops drawn",
    "size": "edge of a crop [pixels]",
    "admissible_share": "admissible area [%]",
    "inert": "excludes nothing (inert)",
    "fallback_share": "crops from a fallback window [%]",
    "skipped": "images without a position",
    "defects": "defects",
    "smallest_defect": "smallest defect [pixels]",
    "defect_pixels_seen_share": "defect pixels ever seen [%]",
    "defects_seen_share": "defects ever seen [%]",
    "defects_seen_whole_share": "defects ever seen whole [%]",
    "cut_by_border_share": "defects in crops cut by a border [%]",
    "empty_crops_share": "empty crops (no defect) [%]",
    "positive_pixels_share": "defect pixels in a crop, mean [%]",
    "crops_with_object_share": "crops more than a quarter object [%]",
    "object_level": "object: mean grey level above",
}
"""Fields of a coverage report in plain words; a field that is not here is shown by its name."""

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
    return WORDS.get(key) or key.replace("_", " ") + (" [%]" if _is_share(key) else "")


def _text(key: str, value: JsonValue) -> str:
    if _is_share(key) and (found := number(value)) is not None:
        return percent(found)
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{line(str(k))} {plain(v)}" for k, v in value.items())
    return plain(value)
