"""What a data set holds, in numbers that its index knows: nothing here decodes an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from bench.data.index import DatasetIndex, IndexedImage
from bench.data.leaks import Assignment
from bench.types import SPLITS, Split

ENOUGH_GROUPS = 30
"""With fewer groups that hold defects a data set is reported over folds (one test split says too little)."""
CROPS = (128, 192, 256)
"""Crop sizes of the supplement: images with a shorter edge are padded."""
FEW_VALUES = 12
"""Metadata of at most so many values is shown value by value."""


@dataclass(frozen=True, slots=True)
class ClassCount:
    """Where one class is found: images and groups that hold it, and its pixels."""

    images: int
    groups: int
    pixels: int


@dataclass(frozen=True, slots=True)
class SplitCount:
    """What lies in one split; ``classes`` in the order of the index."""

    split: Split
    images: int
    groups: int
    defective_groups: int
    classes: tuple[ClassCount, ...]


@dataclass(frozen=True, slots=True)
class MetaValue:
    """One value of a metadata field, or the absence of the field as None: images that have it, and how many hold
    a defect."""

    value: str | int | float | None
    images: int
    defective: int


@dataclass(frozen=True, slots=True)
class MetaField:
    """A metadata field with all its values, sorted: numbers, then text, then absent."""

    name: str
    values: tuple[MetaValue, ...]


def is_defective(entry: IndexedImage) -> bool:
    """Whether the mask marks a pixel of any class."""
    return any(entry.pixels[1:])


def defective_groups(entries: Sequence[IndexedImage]) -> set[str]:
    """Groups with a marked pixel in one of these images."""
    return {entry.group for entry in entries if is_defective(entry)}


def class_counts(entries: Sequence[IndexedImage], classes: int) -> tuple[ClassCount, ...]:
    """Images, groups and pixels of every class among these images."""
    counts = []
    for kind in range(1, classes + 1):
        pixels = [(entry.group, entry.pixels[kind]) for entry in entries if entry.pixels[kind]]
        counts.append(ClassCount(len(pixels), len(dict(pixels)), sum(count for _, count in pixels)))
    return tuple(counts)


def split_counts(index: DatasetIndex, assignment: Assignment) -> tuple[SplitCount, ...]:
    """Train, validation and test as ``assignment`` has them."""
    found = []
    for split in SPLITS:
        entries = [entry for entry in index.entries if assignment[entry.id] == split]
        groups = {entry.group for entry in entries}
        counts = class_counts(entries, len(index.classes))
        found.append(SplitCount(split, len(entries), len(groups), len(defective_groups(entries)), counts))
    return tuple(found)


def unmarked_of_defective_groups(index: DatasetIndex) -> list[IndexedImage]:
    """Images whose mask marks nothing although another image of their group has a defect, in order."""
    groups = defective_groups(index.entries)
    return [entry for entry in index.entries if entry.group in groups and not is_defective(entry)]


def copies(index: DatasetIndex) -> list[tuple[IndexedImage, ...]]:
    """Images equal pixel by pixel, two or more together, wherever they lie; masks may differ."""
    together: dict[str, list[IndexedImage]] = {}
    for entry in index.entries:
        together.setdefault(entry.image_digest, []).append(entry)
    return [tuple(entries) for entries in together.values() if len(entries) > 1]


def meta_fields(index: DatasetIndex) -> list[MetaField]:
    """Every metadata field that an image has, in the order of first mention."""
    names = dict.fromkeys(chain.from_iterable(entry.meta for entry in index.entries))
    fields = []
    for name in names:
        images = Counter(entry.meta.get(name) for entry in index.entries)
        defective = Counter(entry.meta.get(name) for entry in index.entries if is_defective(entry))
        values = [MetaValue(value, images[value], defective[value]) for value in sorted(images, key=natural)]
        fields.append(MetaField(name, tuple(values)))
    return fields


def natural(value: str | int | float | None) -> tuple[int, float, str]:
    """Sort key of metadata: numbers by size, then text, then nothing."""
    if value is None:
        return 2, 0.0, ""
    return (1, 0.0, value) if isinstance(value, str) else (0, float(value), "")
