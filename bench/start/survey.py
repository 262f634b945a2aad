"""What the data hold and what to beware of, from the index of all images, or of some where decoding all takes long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bench.audit.near_duplicates import Pair, descriptors, similar
from bench.catalog import Catalog
from bench.data.index import DatasetIndex, build_index
from bench.data.remarks import AssignmentOrWhy, remarks
from bench.data.splits import assign
from bench.errors import DataError
from bench.stages.opening import open_indexed
from bench.start.facts import Facts, sampled
from bench.start.groups import likely_groups
from bench.start.own import groups_sentence
from bench.start.reading import Reading, Settled, opened
from bench.store.home import Places
from bench.suite.schema import Ref
from bench.threads import Progress, silent
from bench.types import Dataset, Record, Sample, Split

SECONDS = 12.0
"""All images are indexed now where two threads need less than this; the index is kept and the run reads it."""
MOST_INDEXED, LEAST_INDEXED = 200, 50
"""Images indexed for a first look where that takes longer."""
MOST_COMPARED, LEAST_COMPARED = 150, 40
"""Images compared for near-duplicates; every pair of more takes minutes."""
PART_S = 5.0
"""Seconds on one thread that decoding a part may take, once for the index and once for near-duplicates."""


@dataclass(frozen=True, slots=True)
class Survey:
    """``index`` is of ``images`` images, or of a part of them; ``near`` are near-duplicates in different splits."""

    index: DatasetIndex
    images: int
    assignment: AssignmentOrWhy
    remarks: tuple[str, ...]
    facts: tuple[Facts, ...]
    near: tuple[Pair, ...]
    compared: int

    @property
    def whole(self) -> bool:
        """Whether all images were indexed."""
        return len(self.index.entries) == self.images


@dataclass(frozen=True)
class _Part:
    """Some of the images of a data set."""

    whole: Dataset
    some: Sequence[Record]

    @property
    def classes(self) -> Sequence[str]:
        return self.whole.classes

    def records(self) -> Sequence[Record]:
        return self.some

    def load(self, id: str, /) -> Sample:
        return self.whole.load(id)


def grouped(catalog: Catalog, found: Settled) -> Settled:
    """The same with the setting ``groups`` where names tell parts apart and nothing else says what they are."""
    reading = found.reading
    if reading.use not in ("folder", "coco") or "groups" in reading.settings:
        return found
    ids = [record.id for record in found.records]
    if all(".rf." in id for id in ids):
        pattern, told = r"([^/]+)\.rf\.", "Roboflow exports an image several times over: these stay together"
    else:
        groups = likely_groups(ids)
        if groups is None:
            return found
        pattern, told = groups.pattern, groups_sentence(groups)
    why = f"{told}; delete this line if every image shows a part of its own"
    with_groups = replace(reading.with_settings({"groups": pattern}, {"groups": why}), groups_are=told)
    dataset, records = opened(catalog, with_groups)
    torn = _torn(records)
    if torn is None:
        return Settled(with_groups, dataset, records, found.look)
    leak = f"LEAK: {torn} lie on two sides of the folders' own split, which is kept; {told}"
    return replace(found, reading=replace(reading, groups_are=leak))


def _torn(records: Sequence[Record]) -> str | None:
    """Two images of one group in different official splits, or None."""
    first: dict[str, Record] = {}
    for record in records:
        other = first.setdefault(record.group, record)
        if other.split != record.split:
            return f"{other.id} ({other.split}) and {record.id} ({record.split})"
    return None


def survey(catalog: Catalog, found: Settled, places: Places, progress: Progress = silent) -> Survey:
    """Index, split, remarks and near-duplicates; of more than can be read in seconds a part.

    Raises:
        DataError: an image cannot be read.
    """
    reading, records = found.reading, found.records
    if found.look.seconds_each * len(records) / 2 <= SECONDS:
        index = open_indexed(
            catalog, Ref(use=reading.use, settings=_complete(catalog, reading)), places, progress
        ).index
    else:
        most = _affordable(found, LEAST_INDEXED, MOST_INDEXED)
        chosen = set(sampled([record.id for record in records], most))
        part = _Part(found.dataset, [record for record in records if record.id in chosen])
        index = build_index(reading.use, part, progress=progress)
    assignment: AssignmentOrWhy
    try:
        assignment = assign(index, "grouped")
    except DataError as error:
        assignment = str(error)
    near, compared = _near(found, index, assignment)
    return Survey(
        index=index,
        images=len(records),
        assignment=assignment,
        remarks=remarks(index, reading.settings, assignment),
        facts=found.look.facts,
        near=near,
        compared=compared,
    )


def _affordable(found: Settled, least: int, most: int) -> int:
    """How many images can be decoded in the time for a part."""
    return min(most, max(least, int(PART_S / max(found.look.seconds_each, 1e-4))))


def _complete(catalog: Catalog, reading: Reading) -> Mapping[str, object]:
    """Settings with defaults, as a suite's are: then the index made here is the one that a run looks for."""
    from bench.component import complete

    return complete(catalog.find("dataset", reading.use).component, reading.settings)


def _near(found: Settled, index: DatasetIndex, assignment: AssignmentOrWhy) -> tuple[tuple[Pair, ...], int]:
    """Near-duplicates across splits among some of the images, exact copies aside, and how many were compared."""
    if isinstance(assignment, str):
        return (), 0
    most = _affordable(found, LEAST_COMPARED, MOST_COMPARED)
    chosen = set(sampled([entry.id for entry in index.entries], most))
    part = replace(index, entries=tuple(entry for entry in index.entries if entry.id in chosen))
    sides: dict[str, Split] = {entry.id: assignment[entry.id] for entry in part.entries}
    digests = {entry.id: entry.image_digest for entry in part.entries}
    pairs = similar(descriptors(part, found.dataset), sides)
    return tuple(pair for pair in pairs if digests[pair.first] != digests[pair.second]), len(part.entries)
