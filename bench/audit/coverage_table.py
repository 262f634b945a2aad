"""Coverage of crop strategies as a document: what their crops contain, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.document import Document, Table
from bench.record import number
from bench.report.measures import percent, plain
from bench.report.tables import plain_table
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


def coverage_document(rows: Sequence[Row], *, strategy: str = "crop") -> Document:
    """A table per data set, preprocessing and crop size: strategies as columns, figures as rows.

    Rows may have different figures; one that a strategy lacks is a dash.
    """
    parted: dict[str, list[Row]] = {}
    for row in rows:
        place = [f"{key} {row[key]}" for key in LABELS if key in row]
        parted.setdefault(", ".join(["Coverage", *place]), []).append(row)
    return Document("", [_table(title, members, strategy) for title, members in parted.items()])


def _table(title: str, rows: Sequence[Row], strategy: str) -> Table:
    figures: dict[str, None] = {}
    for row in rows:
        figures |= dict.fromkeys(key for key in row if key not in (strategy, *LABELS))
    lines = [(_heading(key), *(_text(key, row.get(key)) for row in rows)) for key in figures]
    strategies = [str(row.get(strategy, "")) for row in rows]
    return plain_table(("figure", *strategies), lines, title=title)


def _is_share(key: str) -> bool:
    return key.rpartition("_")[2] in SHARES


def _heading(key: str) -> str:
    return WORDS.get(key) or key.replace("_", " ") + (" [%]" if _is_share(key) else "")


def _text(key: str, value: JsonValue) -> str:
    share = number(value)
    if _is_share(key) and share is not None:
        return percent(share)
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(inner)}" for name, inner in value.items())
    return plain(value)
