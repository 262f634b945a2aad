"""The index of a data set: every image read once, its facts kept as one row.

Everything after it (splits, crop weights, normalisation, leak search, ``bench plan``) works from these rows
and decodes nothing. :mod:`bench.data.index_file` keeps it, with the stamps of the files that it was made from.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from bench.canonical import DIGEST_BYTES, digest
from bench.component import guarded
from bench.errors import DataError, PluginError, UnusableImages
from bench.threads import Progress, ordered, silent
from bench.types import IGNORED, Dataset, Record, Sample, Split

MOST_NAMED = 20
"""So many bad images are named in one error; reading stops there."""

Item = TypeVar("Item")
FileStamp: TypeAlias = tuple[int, ...]
"""Size in bytes, times of writing and of change in nanoseconds, and inode: ``cp -p`` keeps the first two only."""
Stamp: TypeAlias = tuple[FileStamp | None, ...]
"""The stamp of each file of a record; None for an absent file."""


@dataclass(frozen=True, slots=True)
class IndexedImage:
    """What is known of one image without decoding it again.

    ``pixels`` counts background, class 1, class 2, ...; ``ignored`` the pixels of value 255.
    ``sums`` and ``squares`` are per channel over all pixels, on the scale of ``dtype``.
    ``digest`` is that of the decoded image followed by that of the decoded mask, 32 hexadecimal characters each.
    """

    id: str
    group: str
    official: Split | None
    height: int
    width: int
    channels: int
    dtype: str
    pixels: tuple[int, ...]
    ignored: int
    sums: tuple[float, ...]
    squares: tuple[float, ...]
    digest: str
    meta: Mapping[str, str | int | float]

    @property
    def image_digest(self) -> str:
        """Digest of the decoded image alone: equal for one image annotated twice."""
        return self.digest[: 2 * DIGEST_BYTES]


@dataclass(frozen=True)
class DatasetIndex:
    """All images of a data set in its own order; ``fingerprint`` stands for its whole content.

    ``stamps`` are those of the files when they were read: for the cache only, in no fingerprint. ``remarks`` are what
    the reader has to say of files that it does not take as they stand.
    """

    dataset: str
    classes: tuple[str, ...]
    entries: tuple[IndexedImage, ...]
    fingerprint: str
    stamps: tuple[Stamp, ...] = field(default=(), compare=False, repr=False)
    remarks: tuple[str, ...] = field(default=(), compare=False)


def build_index(
    name: str,
    dataset: Dataset,
    *,
    workers: int = 2,
    progress: Progress = silent,
    known: DatasetIndex | None = None,
) -> DatasetIndex:
    """Read every image once, on ``workers`` threads; the result is the same for any number of them.

    Rows of ``known``, an earlier index of the same component, settings and version, are taken over for
    images whose files have kept their stamps.

    Raises:
        UnusableImages: images cannot be read or hold values that are no class; up to 20 are named at once.
        DataError: no images, a doubled id, or images of different channels or pixel types.
    """
    classes = tuple(dataset.classes)
    if not are_class_names(classes):
        raise DataError(
            f"data set {name!r}: its classes {list(classes)} must be 1 to {IGNORED - 1} different, non-empty names"
        )
    records = _checked_records(name, dataset.records())
    stamps = {record.id: stamp_of(record) for record in records}
    reusable = _reusable(known, classes)

    def row(record: Record) -> IndexedImage | str:
        """The row of an image, or what is wrong with it."""
        old = reusable.get((record.id, stamps[record.id]))
        if old is not None:
            return replace(old, group=record.group, official=record.split, meta=dict(record.meta))
        try:
            return _row(record, dataset.load(record.id), classes)
        except (DataError, OSError) as error:
            text = str(error)
            named = any(name in text for name in (record.id, *map(str, record.files)))
            return text if named else f"image {record.id!r}: {text}"

    entries: list[IndexedImage] = []
    bad: list[str] = []
    for found in ordered(row, records, workers, progress):
        if isinstance(found, IndexedImage):
            entries.append(found)
        else:
            bad.append(found)
        if len(bad) == MOST_NAMED:
            break
    if bad:
        raise UnusableImages(name, bad, len(records), more=len(bad) == MOST_NAMED)
    if reusable and len({(entry.channels, entry.dtype) for entry in entries}) > 1:
        return build_index(name, dataset, workers=workers, progress=progress)  # a reader may take all otherwise now
    _check_alike(name, entries, records)
    # a set that renders its files on first use has them only now
    late = [stamp_of(record) if None in stamps[record.id] else stamps[record.id] for record in records]
    fingerprint = fingerprint_of(classes, entries)
    return DatasetIndex(name, classes, tuple(entries), fingerprint, tuple(late), _remarks(name, dataset))


def _remarks(name: str, dataset: Dataset) -> tuple[str, ...]:
    """What the reader remarks, if it has such a method.

    Raises:
        PluginError: it returns something else than lines of text.
    """
    ask = getattr(dataset, "remarks", None)
    said = tuple(ask()) if ask else ()
    if not all(isinstance(remark, str) and remark.isprintable() for remark in said):
        raise PluginError(f"remarks() of data set {name!r} must return lines of text")
    return said


def fingerprint_of(classes: Sequence[str], entries: Iterable[IndexedImage]) -> str:
    """Digest of what the data are: classes, and per image id, pixels, group, official split and metadata, in order."""
    return digest([list(classes), [[e.id, e.digest, e.group, e.official, dict(e.meta)] for e in entries]])


def stamp_of(record: Record) -> Stamp:
    """The stamps of the files of a record."""
    return tuple(map(_stamp_of_file, record.files))


def _stamp_of_file(path: Path) -> FileStamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def are_class_names(classes: Sequence[str]) -> bool:
    """Whether there are as many as a mask has values for, all different and none empty."""
    return 0 < len(classes) < IGNORED and len(set(classes)) == len(classes) and all(classes)


def _checked_records(name: str, records: Sequence[Record]) -> Sequence[Record]:
    if not records:
        raise DataError(f"data set {name!r} has no images; check the folder given for it")
    doubled = doubled_ids(records)
    if doubled:
        raise DataError(f"data set {name!r}: {some(doubled)} stand for more than one image; ids must be unique")
    for flaw in filter(None, map(flaw_of, records)):
        raise DataError(f"data set {name!r}: {flaw}")
    return records


def doubled_ids(records: Sequence[Record]) -> list[str]:
    """Ids that more than one record has."""
    counts = Counter(record.id for record in records)
    return [id for id, count in counts.items() if count > 1]


def flaw_of(record: Record) -> str | None:
    """What is wrong with a record, or None."""
    if not isinstance(record.id, str) or not record.id:
        return f"a record has the id {record.id!r}: it must be a text"
    if not isinstance(record.group, str) or not record.group:
        return f"record {record.id!r} has the group {record.group!r}: it must name the physical object"
    wrong = {key: value for key, value in record.meta.items() if not _plain(value)}
    return f"record {record.id!r} has the metadata {wrong}: values must be text or finite numbers" if wrong else None


def _plain(value: object) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _reusable(known: DatasetIndex | None, classes: tuple[str, ...]) -> dict[tuple[str, Stamp], IndexedImage]:
    """Rows by id and stamp; a record without files, or with absent ones, proves nothing and is read again."""
    if known is None or known.classes != classes:
        return {}
    pairs = zip(known.entries, known.stamps, strict=True)
    return {(entry.id, stamp): entry for entry, stamp in pairs if stamp and None not in stamp}


def _row(record: Record, sample: Sample, classes: Sequence[str]) -> IndexedImage:
    """The facts of one decoded image.

    Raises:
        DataError: the sample is another one than asked for, or its mask holds a value that is no class.
    """
    if sample.id != record.id:
        raise DataError(f"image {record.id!r}: its data set returned {sample.id!r} instead")
    image, mask = sample.image, sample.mask
    counts = np.bincount(mask.ravel(), minlength=IGNORED + 1)
    known = len(classes) + 1
    unknown = np.flatnonzero(counts[known:IGNORED]) + known
    if unknown.size:
        file = f" ({record.files[-1]})" if record.files else ""
        numbers = "1" if known == 2 else f"1 to {len(classes)}"
        raise DataError(
            f"the mask of image {record.id!r}{file} holds the values {unknown.tolist()[:5]}; it may hold "
            f"0 for background, {numbers} for {', '.join(classes)}, and {IGNORED} for ignored pixels"
        )
    height, width, channels = image.shape
    return IndexedImage(
        id=record.id,
        group=record.group,
        official=record.split,
        height=height,
        width=width,
        channels=channels,
        dtype=image.dtype.name,
        pixels=tuple(counts[:known].tolist()),
        ignored=int(counts[IGNORED]),
        sums=tuple(map(float, image.sum(axis=(0, 1), dtype=np.uint64))),  # exact: whole numbers
        squares=tuple(map(float, np.einsum("hwc,hwc->c", image, image, dtype=np.uint64))),
        digest=sample_digest(sample),
        meta=dict(record.meta),
    )


def sample_digest(sample: Sample) -> str:
    """Digest of the decoded image followed by that of the decoded mask."""
    return _digest_of(sample.image) + _digest_of(sample.mask)


def _digest_of(pixels: npt.NDArray[Any]) -> str:
    """Digest of shape, type and pixels, on any machine: little-endian."""
    hashed = blake2b(f"{pixels.dtype.name}{list(pixels.shape)}".encode(), digest_size=DIGEST_BYTES)
    hashed.update(np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<")).data)
    return hashed.hexdigest()


def _check_alike(name: str, entries: Sequence[IndexedImage], records: Sequence[Record]) -> None:
    """Refuse a mixture of channels or pixel types: no crop bank and no model takes one."""
    kinds: dict[str, list[str]] = {}
    for entry, record in zip(entries, records, strict=True):
        image = str(record.files[0]) if record.files else f"image {record.id!r}"
        kinds.setdefault(f"{entry.channels} x {entry.dtype}", []).append(image)
    if len(kinds) > 1:
        found = "; ".join(f"{len(images):,} of {kind} ({images[0]})" for kind, images in kinds.items())
        raise DataError(
            f"data set {name!r} mixes images of different channels or pixel types: {found}; save all of them alike"
        )


def some(names: Sequence[str]) -> str:
    """The first few of many names, for a message of one line."""
    shown = ", ".join(repr(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many, in even steps from the first to the last."""
    places = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)
    return [items[place] for place in places]


def loaded(name: str, dataset: Dataset, id: str) -> Sample:
    """One image of a data set that may come from a plugin.

    Raises:
        DataError: the image cannot be read.
        PluginError: the reader fails otherwise.
    """
    return guarded(f"load({id!r}) of data set {name!r}", dataset.load, id)
