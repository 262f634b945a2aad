"""Coverage of a suite: what the crops of each strategy contain before anything is trained, as rows and a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from bench.canonical import digest
from bench.component import build, guarded
from bench.crops.coverage import Coverage, coverage
from bench.crops.prepare import Source
from bench.data.splits import assign, restricted
from bench.document import Document, Table
from bench.engine.invocation import Invocation
from bench.errors import BenchError
from bench.record import number
from bench.report.measures import percent, plain
from bench.report.tables import plain_table
from bench.stages.graph import bank_crops
from bench.stages.opening import open_indexed
from bench.suite.cells import Cell
from bench.suite.reading.load import Suite
from bench.types import JsonValue
from bench.words import plural

MOST_CROPS = 5000
"""Crops drawn for the figures of one row; shares move by less than a percent with more."""
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


def coverage_rows(
    suite: Suite, invocation: Invocation, say: Callable[[str], None]
) -> tuple[list[dict[str, Any]], Sequence[str]]:
    """One row per data set, preprocessing, crop strategy and size (first seed), and what stood in the way."""
    rows: list[dict[str, Any]] = []
    problems: dict[str, None] = {}
    for cell in _distinct(suite):
        try:
            found = guarded(f"coverage of {cell.labels['crop']!r}", _covered, cell, invocation, say)
        except BenchError as error:
            problems[str(error)] = None
            continue
        labels = {axis: cell.labels[axis] for axis in ("dataset", "preprocess", "crop", "crop_size")}
        say(f"measured {' / '.join(labels.values())}")
        rows.append({**found.as_dict(), **labels})
    return rows, tuple(problems)


def _covered(cell: Cell, invocation: Invocation, say: Callable[[str], None]) -> Coverage:
    """Coverage of the training images; the data set is indexed first where that has not been done."""
    catalog = invocation.catalog

    def indexing(done: int, total: int) -> None:
        if done == 1:
            say(f"indexing {plural(total, 'image')} of {cell.dataset.use}")

    opened = open_indexed(catalog, cell.dataset, invocation.places, indexing)
    training = restricted(opened.index, assign(opened.index, cell.protocol.split), "train")
    chain = [build(catalog.find("preprocess", ref.use).component, settings=ref.settings) for ref in cell.preprocess]
    strategy = build(catalog.find("crop", cell.crop.use).component, cell.crop_size, settings=cell.crop.settings)
    crops = min(MOST_CROPS, bank_crops(cell))
    source = Source(opened.dataset, chain)
    return coverage(training, source, strategy, size=cell.crop_size, crops=crops, seed=cell.seed)


def _distinct(suite: Suite) -> list[Cell]:
    """The first cell of every data set, preprocessing, crop and size."""
    found: dict[str, Cell] = {}
    for cell in suite.cells:
        if cell.excluded is None and cell.skipped is None and cell.recipe.epochs:
            refs = [cell.dataset, *cell.preprocess, cell.crop]
            identity = digest([[[ref.use, dict(ref.settings)] for ref in refs], cell.crop_size])
            found.setdefault(identity, cell)
    return list(found.values())


def coverage_document(rows: Sequence[Row]) -> Document:
    """A table per data set, preprocessing and crop size: strategies as columns, figures as rows.

    Rows may have different figures; one that a strategy lacks is a dash.
    """
    parted: dict[str, list[Row]] = {}
    for row in rows:
        place = [f"{key} {row[key]}" for key in LABELS if key in row]
        parted.setdefault(", ".join(["Coverage", *place]), []).append(row)
    return Document("", [_table(title, members) for title, members in parted.items()])


def _table(title: str, rows: Sequence[Row]) -> Table:
    figures = [key for key in dict.fromkeys(chain(*rows)) if key not in ("crop", *LABELS)]
    lines = [(_heading(key), *(_text(key, row.get(key)) for row in rows)) for key in figures]
    strategies = [str(row.get("crop", "")) for row in rows]
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
