"""Data sets of a suite: open, locate, index once, split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.catalog import Catalog
from bench.component import build
from bench.data.index import DatasetIndex, build_index, is_current, read_index, write_index
from bench.data.splits import Rule, assign, split_digest
from bench.engine.home import Places
from bench.engine.jobs import DataRef, Job
from bench.engine.stages import IndexedData, locator
from bench.errors import BenchError, StoreError
from bench.suite.schema import Protocol, Ref
from bench.types import Dataset, JsonValue, Record

Report = Callable[[str, int, int, str], None]

THREADS = 2
"""Images decoded at once while indexing; decoding leaves the interpreter lock."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A data set that a suite names: where its index lies, and what it says if it is current."""

    data: DataRef
    index: DatasetIndex | None
    problem: str | None = None

    @property
    def locator(self) -> str:
        """The name of the index file."""
        return Path(self.data.index).stem


def shelf(catalog: Catalog, ref: Ref, places: Places) -> Shelf:
    """Look a data set up without decoding anything; a data set that cannot be opened is a ``problem``."""
    offer = catalog.find("dataset", ref.use)
    root = places.root(ref.use)
    source = offer.provider.source_hash if offer.provider.local else ""
    name = locator(offer.component.name, ref.settings, offer.component.version, source, str(root))
    path = places.index(name)
    data = DataRef(ref.use, dict(ref.settings), str(root), str(path))
    try:
        records = open_dataset(catalog, data).records()
    except BenchError as error:
        return Shelf(data, None, str(error))
    except Exception as error:
        return Shelf(data, None, f"data set {ref.use!r} cannot list its images: {type(error).__name__}: {error}")
    return Shelf(data, current_index(path, records))


def current_index(path: Path, records: Sequence[Record]) -> DatasetIndex | None:
    """The index at ``path`` if it still describes the files, else None."""
    if not path.is_file():
        return None
    try:
        return read_index(path) if is_current(path, records) else None
    except StoreError:
        return None  # of another schema or damaged: made again


def open_dataset(catalog: Catalog, data: DataRef) -> Dataset:
    """Build a data set component on its folder."""
    component = catalog.find("dataset", data.use).component
    dataset: Dataset = build(component, Path(data.root), settings=data.settings)
    return dataset


def make_index(job: Job, catalog: Catalog, report: Report) -> None:
    """Read every image of a data set once and write its index (worker)."""
    path = Path(job.data.index)
    dataset = open_dataset(catalog, job.data)
    index = build_index(
        job.data.use,
        dataset,
        workers=THREADS,
        progress=lambda done, total: report("index", done, total, ""),
        known=_known(path),
    )
    write_index(path, index, dataset.records())


def _known(path: Path) -> DatasetIndex | None:
    """An earlier index of the same folder and settings: rows of unchanged files are taken from it."""
    try:
        return read_index(path) if path.is_file() else None
    except StoreError:
        return None


def split_rule(value: JsonValue) -> Any:
    """The typed split rule of a job's plain JSON."""
    return Protocol.model_validate({"split": value}, strict=False).split


def plain_rule(rule: Rule) -> JsonValue:
    """The split rule as it crosses to a worker; a file's path included."""
    return rule if isinstance(rule, str) else rule.model_dump(mode="json")


def indexed(index: DatasetIndex, rule: Rule) -> IndexedData:
    """What keys need of an index under a split rule.

    Raises:
        DataError: the split is impossible.
    """
    first = index.entries[0]  # the index refuses data sets that mix channels or pixel types
    digest = split_digest(assign(index, rule))
    return IndexedData(index.fingerprint, digest, first.channels, first.dtype, len(index.classes))
