"""What a page holds before it is written: what runs say, their numbers, and their pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from bench.engine.invocation import Invocation
from bench.page.cited import citations_of
from bench.page.data import coverage_of, data_of, sizes_of
from bench.page.deploy import to_deploy
from bench.page.effects import effect_rows, effects_of
from bench.page.glossary import glossary
from bench.page.images import ImageSet, Wanted, image_sets, layers_of, set_row
from bench.page.learning import curve_row, evidence_of, training_rows
from bench.page.questions import Said, Told, said
from bench.page.reported import section_of
from bench.page.run import PageRun, read_page_run
from bench.page.short import in_short, would_change
from bench.page.table import cell_rows, measure_row, measures_of, position_rows
from bench.report.choose import VALIDATION_F1
from bench.report.measures import read
from bench.report.shape import CostLine, entries_of
from bench.runs.folder import run_folder
from bench.types import JsonValue
from bench.words import plural

FEW_CELLS = 40
"""Up to so many cells have larger pictures."""
FEW, MANY = (320, 28), (224, 16)
"""Longer side of the pictures in pixels, and how many of each cell, of few cells and of many."""
FIRST_CHOSEN = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is to show: pictures, those of data sets that must be ``permitted`` too, ``coverage`` of crops drawn
    anew, and ``sections`` of plugins. ``live`` is the version of a page that is shown while its run goes on.
    """

    pictures: bool = True
    permitted: tuple[str, ...] = ()
    coverage: bool = False
    sections: tuple[str, ...] = ()
    live: str = ""

    def wanted(self, cells: int) -> Wanted:
        """Which pictures a page of so many finished cells has."""
        side, each = FEW if cells <= FEW_CELLS else MANY
        return Wanted(side, each if self.pictures else 0, self.permitted)


@dataclass(slots=True)
class Page:
    """A page before it is written: its parts, and its pictures by the place where they are shown."""

    runs: list[PageRun] = field(default_factory=list)
    deploy: list[list[Told]] = field(default_factory=list)
    short: list[list[Told]] = field(default_factory=list)
    words: list[tuple[str, str]] = field(default_factory=list)
    parts: list[Said] = field(default_factory=list)
    content: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[tuple[dict[Any, str], int, str, bytes]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Names of the runs."""
        return ", ".join(run.name for run in self.runs)

    @property
    def picture_bytes(self) -> int:
        """Bytes of all pictures."""
        return sum(len(content) for *_, content in self.pictures)


Say = Callable[[str], None]


def gathered(paths: Sequence[Path], invocation: Invocation, asked: Asked, say: Say) -> Page:
    """Read runs, and of the store what it still has of their cells."""
    page = Page()
    names = _names(paths)
    with ExitStack() as stack:
        for path, name in zip(paths, names, strict=True):
            run = read_page_run(stack.enter_context(run_folder(path)), name)
            _add(page, run, path, invocation, asked, say)
    page.words += glossary(page.runs, invocation.catalog)
    return page


def _names(paths: Sequence[Path]) -> list[str]:
    """The names of the folders; whole paths where two have one name."""
    short = [path.resolve().name.removesuffix(".zip") for path in paths]
    return short if len(set(short)) == len(short) else [str(path) for path in paths]


def _add(page: Page, run: PageRun, path: Path, invocation: Invocation, asked: Asked, say: Say) -> None:
    invocation = run.at(invocation)
    catalog, places = invocation.catalog, invocation.places
    say(f"{run.name}: {plural(len(run.done()), 'finished cell')} of {len(run.suite.cells):,}")
    sets = image_sets(run, catalog, places, asked.wanted(len(run.done())))
    page.runs.append(run)
    page.deploy.append(list(to_deploy(run)))
    page.short.append([*in_short(run), *sizes_of(run, catalog, places)])
    page.parts += said(run)
    page.parts.append(would_change(run))
    page.parts += data_of(run, catalog, places)
    page.parts.append(citations_of(run, catalog))
    if asked.coverage:
        page.parts.append(coverage_of(run, invocation, say))
    for name in asked.sections:
        page.parts.append(section_of(name, catalog, run))
    page.content.append(_content(page, run, path, sets, invocation))


def _content(
    page: Page, run: PageRun, path: Path, sets: Sequence[ImageSet], invocation: Invocation
) -> dict[str, JsonValue]:
    measures = measures_of(run.records.values())
    curves, training = {}, {}
    for id, record in run.done().items():
        evidence = evidence_of(record, invocation.places)
        if evidence is not None:
            curves[id] = curve_row(evidence)
        training[id] = training_rows(record, invocation.places)
    effects = map(effect_rows, effects_of(run))
    return {
        "name": run.name,
        "folder": str(path),
        "rows_axes": run.board.rows_axis.split(", "),
        "columns_axis": run.board.columns_axis,
        "measures": [measure_row(one) for one in measures],
        "extras": [one.name for one in run.board.measures if one.split is None] + ["cost.train_s"],
        "positions": list(position_rows(run, measures)),
        "cells": list(cell_rows(run)),
        "curves": curves,
        "training": training,
        "effects": list(chain.from_iterable(effects)),
        "costs": [_cost(line) for line in run.board.costs],
        "sets": [_set(page, found, run) for found in sets],
    }


def _cost(line: CostLine) -> dict[str, JsonValue]:
    names = ("group", "name", "row", "column", "f1_validation", "fronts")
    costs = ("parameters", "train_s", "crops_per_s", "image_latency_s", "peak_memory_bytes")
    return {name: getattr(line, name) for name in (*names, *costs)}


def _set(page: Page, found: ImageSet, run: PageRun) -> dict[str, JsonValue]:
    """A set of images; its pictures are noted, and get their sources when it is known where they lie."""
    first = next(iter(found.cells))
    pictures: dict[str, Any] = {"image": {}, "truth": {}, "overlay": {}, "map": {}}
    for (kind, place, cell), type, content in layers_of(found):
        sources = pictures[kind].setdefault(cell, {}) if cell else pictures[kind]
        page.pictures.append((sources, place, type, content))
    return {**set_row(found, run.records[first].axes.get("dataset", "")), "pictures": pictures}


def chosen_first(page: Page) -> list[str]:
    """The cells that are shown first: of every run the best on validation, one per column."""
    chosen = []
    for number, run in enumerate(page.runs):
        best: dict[str, tuple[float, str]] = {}
        for entry in entries_of(run.board.tables):
            done = [id for id in entry.cells if id in run.done()]
            value = read(run.records[done[0]], VALIDATION_F1).value if done else None
            if value is not None and value > best.get(entry.column, (-1.0, ""))[0]:
                best[entry.column] = (value, done[0])
        ordered = sorted(best.values(), reverse=True)
        chosen += [f"{number}/{id}" for _, id in ordered[:FIRST_CHOSEN]]
    return chosen
