"""Data sets of a suite: open, locate, index once, split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import category

from bench.catalog import Catalog
from bench.component import Component, build, within_bounds
from bench.data.index import DatasetIndex, build_index
from bench.data.index_file import is_current, read_index, write_index
from bench.data.leaks import duplicates, images_of
from bench.data.remarks import image_remarks, split_remarks
from bench.data.splits import Rule, assign, split_digest
from bench.data.statistics import is_defective
from bench.errors import BenchError, DataError, PluginError, StoreError, UnusableImages
from bench.jobs import DataRef, Job, Report
from bench.stages.graph import IndexedData, locator
from bench.store.home import Places, check_writable, writing
from bench.store.place import occupied
from bench.suite.schema import Protocol, Ref
from bench.types import Dataset, JsonValue, Record
from bench.words import clipped

LONGEST = 1000
"""Characters of an id or group: no file system has longer names of files."""
THREADS = 2
"""Images decoded at once while indexing; decoding leaves the interpreter lock."""


@dataclass(frozen=True, slots=True)
class LocatedDataset:
    """A data set that a suite names: where its index lies, and what it says if it is current.

    ``absent``: its ``problem`` is that it is simply not here: no folder was given for it, none is in its place.
    """

    data: DataRef
    index: DatasetIndex | None
    problem: str | None = None
    absent: bool = False

    @property
    def locator(self) -> str:
        """The name of the index file."""
        return Path(self.data.index).stem


def locate(catalog: Catalog, ref: Ref, places: Places, made: Collection[str] = ()) -> LocatedDataset:
    """Look a data set up without decoding anything; a data set that cannot be opened is a ``problem``.

    ``made`` names indices that this run has made: they are taken as they are.
    """
    offer = catalog.find("dataset", ref.use)
    root = places.root(ref.use, offer.component.folder)
    source = offer.provider.source_hash if offer.provider.local else ""
    name = locator(offer.component.name, ref.settings, offer.component.version, source, str(root))
    path = places.index(name)
    data = DataRef(ref.use, dict(ref.settings), str(root), str(path))
    try:
        records = listed(open_dataset(catalog, data), ref.use)
        return LocatedDataset(data, known_index(path) if name in made else current_index(path, records))
    except BenchError as error:
        nowhere = places.given(ref.use, offer.component.folder) is None and not occupied(root)
        # any other error of its reader is told as it is
        absent = nowhere and isinstance(error, DataError) and str(root) in str(error)
        problem = f"not here: {ref.use}: {how_to_get(offer.component, ref.use)}" if absent else str(error)
        return LocatedDataset(data, None, problem, absent)


def how_to_get(component: Component[Any], name: str) -> str:
    """What to do for a data set that is absent."""
    if component.about and component.about.obtain:
        return component.about.obtain
    return f"bench data import {name} PATH, or --data {name}=FOLDER ('bench info {name}' says more)"


def listed(dataset: Dataset, name: str) -> tuple[Record, ...]:
    """The records of a data set.

    Raises:
        PluginError: the reader fails, or lists something else than records.
        DataError: an id or group is no line of text.
    """
    what = f"records() of data set {name!r}"
    records = within_bounds(what, type(dataset).__module__, lambda: tuple(dataset.records()))
    if not all(isinstance(record, Record) for record in records):
        raise PluginError(f"records() of data set {name!r} must list Record objects")
    for record in records:
        for text in (str(record.id), str(record.group)):
            if len(text) > LONGEST:
                raise DataError(
                    f"data set {name!r}: {clipped(repr(text), 40)} has {len(text):,} characters; an id or group has at "
                    f"most {LONGEST:,}"
                )
            if not _is_line(text):
                raise DataError(
                    f"data set {name!r}: {text!r} is not UTF-8 or holds a control character such as a line break; "
                    "rename the file or folder"
                )
    return records


def _is_line(text: str) -> bool:
    """Whether text can be written to any file and stays one line."""
    return text.isprintable() or not any(category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in text)


def current_index(path: Path, records: Sequence[Record]) -> DatasetIndex | None:
    """The index at ``path`` if it still describes the files, else None; without files nothing vouches for it."""
    if not path.is_file() or not all(record.files for record in records):
        return None
    return known_index(path) if is_current(path, records) else None


def open_dataset(catalog: Catalog, data: DataRef) -> Dataset:
    """Build a data set component on its folder."""
    component = catalog.find("dataset", data.use).component
    dataset: Dataset = build(component, Path(data.root), settings=data.settings)
    return dataset


def make_index(job: Job, catalog: Catalog, report: Report) -> None:
    """Read every image of a data set once and write its index (worker)."""
    path = Path(job.data.index)
    check_writable(path.parent)  # before thousands of images are decoded
    dataset = open_dataset(catalog, job.data)
    try:
        index = build_index(
            job.data.use,
            dataset,
            workers=THREADS,
            progress=lambda done, total: report("index", done, total, ""),
            known=known_index(path),
        )
    except UnusableImages as error:
        more = "; 'bench data verify' names each" if len(error.mistakes) > 1 else ""
        raise DataError(f"{error}{more}") from None
    records = listed(dataset, job.data.use)
    with writing(path):
        write_index(path, index, records)


def known_index(path: Path) -> DatasetIndex | None:
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


def indexed(index: DatasetIndex, settings: Mapping[str, JsonValue], rule: Rule) -> IndexedData:
    """What keys and remarks need of an index, read with ``settings``, under a split rule.

    Raises:
        DataError: the split is impossible.
    """
    first = index.entries[0]  # the index refuses data sets that mix channels or pixel types
    split = assign(index, rule)
    groups: dict[str, set[str]] = {}
    pictures: dict[str, set[str]] = {}
    images, marked = Counter[str](split.values()), Counter[str]()
    sizes: dict[str, Counter[tuple[int, int]]] = {}
    for entry in index.entries:
        marked[split[entry.id]] += is_defective(entry)
        sizes.setdefault(split[entry.id], Counter())[entry.height, entry.width] += 1
        groups.setdefault(split[entry.id], set()).add(entry.group)
        pictures.setdefault(split[entry.id], set()).add(entry.image_digest)
    return IndexedData(
        fingerprint=index.fingerprint,
        split=split_digest(split),
        channels=first.channels,
        dtype=first.dtype,
        classes=len(index.classes),
        duplicates=images_of(duplicates(index, split)),
        groups={name: frozenset(found) for name, found in groups.items()},
        pictures={name: frozenset(found) for name, found in pictures.items()},
        images=images,
        marked=marked,
        sizes=sizes,
        remarks=image_remarks(index, settings),
        split_remarks=split_remarks(index, split),
    )
