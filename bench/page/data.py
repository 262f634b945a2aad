"""What a run was trained and tested on: each data set with its splits, what lies in two of them, and its licence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from bench.audit.coverage import coverage_document, coverage_rows
from bench.catalog import Catalog
from bench.component import About
from bench.data.index import DatasetIndex
from bench.data.leaks import duplicates, images_of, shared_groups
from bench.data.splits import assign
from bench.data.statistics import split_counts
from bench.document import Block, Document, Heading, Listing, Paragraph, Table
from bench.engine.invocation import Invocation
from bench.errors import BenchError, DataError
from bench.page.questions import LEVEL, Said, Told
from bench.page.run import PageRun
from bench.record import Record, look, number
from bench.report.measures import percent, plain
from bench.report.tables import plain_table
from bench.stages.indexing import known_index, locate
from bench.store.home import Places
from bench.suite.cells import Cell
from bench.words import plural

USES = {"train": "training", "validation": "validation", "test": "the test"}
"""What a split is for, in words."""
CLEAN = "No image lies in two splits, and no group does."
NOT_MEASURED = (
    "What the crops of each strategy contain (empty crops, defect pixels, defects seen whole) is not in the records: "
    "'bench report RUN --coverage' draws them anew and tells it here."
)


def data_of(run: PageRun, catalog: Catalog, places: Places) -> Iterator[Said]:
    """Each data set of a run under each split rule, and what its crop strategies had to choose from."""
    told = set()
    for cell in run.suite.cells:
        name = (cell.labels.get("dataset", ""), str(cell.protocol.split))
        if name not in told and cell.excluded is None:
            told.add(name)
            yield Said("data", Document("", list(_dataset(cell, catalog, places)), LEVEL), "the index of the data set")
    drawn = _drawn(run)
    if drawn is not None:
        yield Said("data", Document("", [drawn], LEVEL), "cells/*.json (draw)")


def sizes_of(run: PageRun, catalog: Catalog, places: Places) -> Iterator[Told]:
    """What each data set is, and how many images its splits have."""
    told = set()
    for cell in run.suite.cells:
        name = cell.labels.get("dataset", "")
        if name in told or cell.excluded is not None:
            continue
        told.add(name)
        with suppress(BenchError):
            about, index = _known(cell, catalog, places)
            counts = split_counts(index, assign(index, cell.protocol.split))
            images = ", ".join(f"{plural(one.images, 'image')} for {USES[one.split]}" for one in counts)
            text = f"{name}: {images}." + (f" What it is taken from: {about.summary}." if about else "")
            yield Told(text, "the index of the data set: bench data card")


def coverage_of(run: PageRun, invocation: Invocation, say: Callable[[str], None]) -> Said:
    """What the crops of every strategy contain, drawn anew."""
    rows, problems = coverage_rows(run.suite, invocation, say)
    blocks = [*coverage_document(rows).blocks, Paragraph(problems)]
    return Said("data", Document("", blocks, LEVEL), "bench data coverage")


def _dataset(cell: Cell, catalog: Catalog, places: Places) -> Iterator[Block]:
    yield Heading(f"Data set {cell.labels.get('dataset', cell.dataset.use)}")
    try:
        about, index = _known(cell, catalog, places)
        yield _origin(about, index)
        yield from _splits(index, cell)
    except BenchError as error:
        yield Paragraph([str(error)])


def _known(cell: Cell, catalog: Catalog, places: Places) -> tuple[About | None, DatasetIndex]:
    """What is said of the data set of a cell, and its index.

    Raises:
        BenchError: it is not here, or was never indexed here.
    """
    about = catalog.find("dataset", cell.dataset.use).component.about
    located = locate(catalog, cell.dataset, places)
    index = located.index or known_index(places.index(located.locator))
    if index is None:
        raise DataError(located.problem or "not indexed here: 'bench run' does so")
    return about, index


def _origin(about: About | None, index: DatasetIndex) -> Listing:
    told = about or About("")
    pairs = {
        "what": told.summary,
        "licence": told.licence or "not stated",
        "citation": told.citation,
        "content fingerprint": index.fingerprint,
    }
    return Listing([(name, text) for name, text in pairs.items() if text])


def _splits(index: DatasetIndex, cell: Cell) -> Iterator[Block]:
    """Counts of every split, and what lies in two of them."""
    assignment = assign(index, cell.protocol.split)
    rows = []
    for one in split_counts(index, assignment):
        classes = (plain(count.groups) for count in one.classes)
        rows.append((one.split, *map(plain, (one.images, one.groups, one.defective_groups)), *classes))
    header = ("split", "images", "groups", "with defects", *(f"groups with {name}" for name in index.classes))
    yield plain_table(header, rows, title=f"Splits by the rule {cell.protocol.split}")
    copied, shared = images_of(duplicates(index, assignment)), len(shared_groups(index, assignment))
    found = []
    if copied:
        found.append(f"Exact copies lie in different splits: {plural(copied, 'image')}.")
    if shared:
        found.append(f"Groups that lie in different splits: {shared:,}.")
    yield Paragraph(found or [CLEAN])


def _drawn(run: PageRun) -> Table | None:
    """Which share of all positions each strategy admits, by the records; None where none is known."""
    rows: dict[tuple[str, ...], tuple[str, ...]] = {}
    for record in run.done().values():
        admissible = number(look(record.draw, ("admissible",)))
        if admissible is not None:
            rows.setdefault(_strategy(record), (percent(admissible), _fallback(record)))
    if not rows:
        return None
    lines = [(*name, *values) for name, values in rows.items()]
    header = ("crops", "data set", "size", "admissible positions [%]", "crops from a fallback window [%]")
    return plain_table(header, lines, title="What crops were drawn from", below=[NOT_MEASURED])


def _strategy(record: Record) -> tuple[str, ...]:
    return tuple(record.axes.get(axis, "") for axis in ("crop", "dataset", "crop_size"))


def _fallback(record: Record) -> str:
    return percent(number(look(record.draw, ("fallback",))))
