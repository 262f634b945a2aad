"""The page as one HTML file: what runs say, their numbers and pictures, and the scripts that show them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

from bench.engine.invocation import Invocation
from bench.files import whole_file
from bench.page.charts import CHARTS, runtime
from bench.page.cited import citations_of
from bench.page.data import coverage_of, data_of, sizes_of
from bench.page.effects import effect_rows, effects_of
from bench.page.images import ImageSet, Wanted, image_sets, layers_of, set_row
from bench.page.learning import curve_row, evidence_of, training_rows
from bench.page.questions import Said, said
from bench.page.reported import section_of
from bench.page.run import PageRun, read_page_run
from bench.page.short import in_short
from bench.page.table import cell_rows, measure_row, measures_of, position_rows
from bench.render.html import to_html_part
from bench.report.choose import VALIDATION_F1
from bench.report.measures import read
from bench.report.shape import entries_of
from bench.runs.folder import run_folder
from bench.types import JsonValue
from bench.words import plural

QUESTIONS = {
    "best": "Which is best?",
    "real": "Is the difference real?",
    "images": "On which images?",
    "fails": "Where does it fail?",
    "cost": "What did it cost?",
    "data": "Can the data be trusted?",
    "change": "What would change the answer?",
    "made": "How was it made?",
}
"""What a reader asks, in this order."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: {}"
"""Nothing is fetched from anywhere, and no text becomes a script."""

INLINE = 8_000_000
"""Bytes of pictures that a page holds itself; more lie in a folder beside it."""
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
    short: list[list[str]] = field(default_factory=list)
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


def write_page(paths: Sequence[Path], to: Path, invocation: Invocation, asked: Asked, say: Say) -> list[Path]:
    """Write the page of some runs (folders or archives) and return the files written: the page, and its pictures.

    Raises:
        BenchError: one of them is no run, or a record is damaged.
    """
    page = gathered(paths, invocation, asked, say)
    inline = page.picture_bytes <= INLINE
    folder = to.with_name(f"{to.stem}-pictures")
    written = [] if inline else list(_write_pictures(page, folder))
    with whole_file(to) as file:
        file.write(rendered(page, asked, folder=None if inline else folder.name).encode())
    return [to, *written]


def gathered(paths: Sequence[Path], invocation: Invocation, asked: Asked, say: Say) -> Page:
    """Read runs, and of the store what it still has of their cells."""
    page = Page()
    names = _names(paths)
    with ExitStack() as stack:
        for path, name in zip(paths, names, strict=True):
            run = read_page_run(stack.enter_context(run_folder(path)), name)
            _add(page, run, path, invocation, asked, say)
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
    page.short.append([*in_short(run), *sizes_of(run, catalog, places)])
    page.parts += said(run)
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


def _cost(line: Any) -> dict[str, JsonValue]:
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


def _write_pictures(page: Page, folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for _, _, type, content in page.pictures:
        path = folder / _file(type, content)
        if not path.is_file():
            with whole_file(path) as file:
                file.write(content)
        yield path


def _file(type: str, content: bytes) -> str:
    return f"{hashlib.blake2b(content, digest_size=8).hexdigest()}.{type}"


def rendered(page: Page, asked: Asked, *, folder: str | None = None) -> str:
    """The page as HTML; its pictures are in it, or in the ``folder`` of this name beside it."""
    from jinja2 import Environment, StrictUndefined

    for sources, place, type, content in page.pictures:
        data = f"data:image/{type};base64,{base64.b64encode(content).decode()}"
        sources[place] = data if folder is None else f"{folder}/{_file(type, content)}"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    tools = environment.from_string(_resource("tools.html"))
    policy = POLICY.format("" if folder is None else "'self' file:")
    return environment.from_string(_resource("page.html")).render(
        title=page.title,
        policy=policy + ("; connect-src 'self'" if asked.live else ""),
        lead=list(_lead(page)),
        short=[
            {"name": run.name, "sentences": sentences} for run, sentences in zip(page.runs, page.short, strict=True)
        ],
        questions=[_question(page, id, title, tools.render(id=id)) for id, title in QUESTIONS.items()],
        content=_json({"runs": page.content, "charts": CHARTS, "chosen": _chosen(page), "live": asked.live}),
        style=_resource("page.css"),
        script=_resource("page.js"),
        runtime=runtime(),
    )


def _lead(page: Page) -> Iterator[str]:
    for run in page.runs:
        if run.suite.description:
            yield run.suite.description
        profile = f", profile {run.suite.profile}" if run.suite.profile else ""
        yield f"{run.name}{profile}, suite {run.suite.hash}"


def _question(page: Page, id: str, title: str, tools: str) -> dict[str, Any]:
    parts = []
    for one in page.parts:
        html = to_html_part(one.document).strip() if one.question == id else ""
        if html:
            parts.append({"html": html, "files": one.files})
    return {"id": id, "title": title, "tools": tools, "parts": parts}


def _chosen(page: Page) -> list[str]:
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


def _json(content: dict[str, JsonValue]) -> str:
    """JSON that ends no script element, whatever names it holds."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _resource(name: str) -> str:
    return (files("bench.page") / name).read_text(encoding="utf-8")
