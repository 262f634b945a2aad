"""Coverage of a suite: what the crops of each strategy contain, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bench.canonical import digest
from bench.component import build, guarded
from bench.crops.coverage import Coverage, coverage
from bench.crops.prepare import Source
from bench.data.index import DatasetIndex
from bench.data.splits import assign, restricted
from bench.engine.scheduler import Invocation
from bench.errors import BenchError
from bench.stages.graph import bank_crops
from bench.stages.opening import open_indexed
from bench.suite.cells import Cell
from bench.suite.reading.load import Suite
from bench.words import plural

MOST_CROPS = 5000
"""Crops drawn for the figures of one row; shares move by less than a percent with more."""


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
    index, source = _opened(cell, invocation, say)
    component = invocation.catalog.find("crop", cell.crop.use).component
    strategy = build(component, cell.crop_size, settings=cell.crop.settings)
    crops = min(MOST_CROPS, bank_crops(cell))
    return coverage(index, source, strategy, size=cell.crop_size, crops=crops, seed=cell.seed)


def _distinct(suite: Suite) -> list[Cell]:
    """The first cell of every data set, preprocessing, crop and size."""
    found: dict[str, Cell] = {}
    for cell in suite.cells:
        if cell.excluded is None and cell.skipped is None and cell.recipe.epochs:
            refs = [cell.dataset, *cell.preprocess, cell.crop]
            identity = digest([[[ref.use, dict(ref.settings)] for ref in refs], cell.crop_size])
            found.setdefault(identity, cell)
    return list(found.values())


def _opened(cell: Cell, invocation: Invocation, say: Callable[[str], None]) -> tuple[DatasetIndex, Source]:
    """The training images of a cell's data set, indexed first where that has not been done."""
    catalog = invocation.catalog

    def indexing(done: int, total: int) -> None:
        if done == 1:
            say(f"indexing {plural(total, 'image')} of {cell.dataset.use}")

    opened = open_indexed(catalog, cell.dataset, invocation.places, indexing)
    training = restricted(opened.index, assign(opened.index, cell.protocol.split), "train")
    steps = [(ref, catalog.find("preprocess", ref.use).component) for ref in cell.preprocess]
    chain = [build(component, settings=ref.settings) for ref, component in steps]
    return training, Source(opened.dataset, chain)
