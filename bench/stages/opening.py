"""A data set opened for a command: its reader, its records, and its index, made now where it is not current."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.catalog import Catalog, Offer
from bench.data.index import DatasetIndex
from bench.errors import DataError
from bench.jobs import Job, Report
from bench.stages.indexing import listed, locate, make_index, open_dataset
from bench.store.home import Places
from bench.suite.schema import Ref
from bench.threads import Progress, silent
from bench.types import Dataset, Record


@dataclass(frozen=True, slots=True)
class Opened:
    """A data set that can be read: who offers it, what was asked, its folder, reader, records, index and its file."""

    offer: Offer
    ref: Ref
    root: Path
    dataset: Dataset
    records: tuple[Record, ...]
    index: DatasetIndex
    index_file: Path


def open_indexed(catalog: Catalog, ref: Ref, places: Places, progress: Progress = silent) -> Opened:
    """Open a data set; ``progress`` is told (done, total) images while it is indexed for the first time.

    Raises:
        DataError: the data are absent, incomplete or unreadable: what the reader said.
        PluginError: nobody offers the data set, or its reader fails.
    """
    offer = catalog.find("dataset", ref.use)
    found = locate(catalog, ref, places)
    if found.index is None and found.problem is None:
        make_index(Job(key=found.locator, data=found.data, home=str(places.home)), catalog, _reporting(progress))
        found = locate(catalog, ref, places, {found.locator})
    if found.index is None:
        raise DataError(found.problem or f"data set {ref.use!r} changes while it is read; repeat the command")
    dataset = open_dataset(catalog, found.data)
    return Opened(
        offer, ref, Path(found.data.root), dataset, listed(dataset, ref.use), found.index, Path(found.data.index)
    )


def _reporting(progress: Progress) -> Report:
    return lambda _what, done, total, *_: progress(done, total)
