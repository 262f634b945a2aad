"""What an index counts, compared with what the release of a data set should hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.component import Release
from bench.data.index import DatasetIndex
from bench.types import SPLITS

MARKED = "images with a marked defect"
CLEAN = "images without one"


@dataclass(frozen=True, slots=True)
class ClassCount:
    """Images that hold a class, and its pixels in all of them."""

    name: str
    images: int
    pixels: int


@dataclass(frozen=True, slots=True)
class Census:
    """What a data set holds.

    ``marked`` counts the images with at least one defect pixel, ``splits`` those of official splits, ``ignored`` the
    pixels that take no part, and the images that have any.
    """

    images: int
    marked: int
    groups: int
    splits: Mapping[str, int]
    classes: tuple[ClassCount, ...]
    ignored: ClassCount
    widths: tuple[int, int]
    heights: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fact:
    """One number that the release states beside the one that was found."""

    what: str
    found: int
    released: int
    of_class: bool = False

    def __str__(self) -> str:
        return f"{self.found:,} of {self.released:,} {self.what}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a data set stands against its release, with the sentence that says so."""

    standing: Literal["complete", "subset", "unknown", "wrong"]
    sentence: str


def census(index: DatasetIndex) -> Census:
    """Count an index."""
    entries = index.entries
    official = Counter(entry.official for entry in entries if entry.official)
    classes = [_count(name, [entry.pixels[k] for entry in entries]) for k, name in enumerate(index.classes, start=1)]
    widths = [entry.width for entry in entries]
    heights = [entry.height for entry in entries]
    return Census(
        images=len(entries),
        marked=sum(any(entry.pixels[1:]) for entry in entries),
        groups=len({entry.group for entry in entries}),
        splits={split: official[split] for split in SPLITS if official[split]},
        classes=tuple(classes),
        ignored=_count("ignored", [entry.ignored for entry in entries]),
        widths=(min(widths), max(widths)),
        heights=(min(heights), max(heights)),
    )


def _count(name: str, pixels: Sequence[int]) -> ClassCount:
    """Images with such a pixel, and all such pixels; ``pixels`` are by image."""
    images = sum(count > 0 for count in pixels)
    return ClassCount(name, images, sum(pixels))


def compare(found: Census, release: Release | None) -> Verdict:
    """Complete, a subset, or more than the release: whatever the release counts must agree."""
    facts = list(_facts(found, release)) if release else []
    if not facts:
        return Verdict("unknown", "no official counts are known to compare with")
    more = [fact for fact in facts if fact.found > fact.released]
    less = [fact for fact in facts if fact.found < fact.released]
    if more:
        emptied = {fact.what for fact in more} == {CLEAN}
        why = "masks that should mark a defect are empty" if emptied else "is another version mixed in?"
        return Verdict("wrong", f"more than the release: {_listed(more)}; {why}")
    if not less:
        counts = [f"{fact.found:,} {fact.what}" for fact in facts]
        return Verdict("complete", f"complete release: {', '.join(counts)}")
    if facts[0].what == "images" and facts[0] not in less:
        return Verdict("wrong", f"as many images as the release, but {_listed(less)}; get the data set again")
    first, *others = (fact for fact in less if not fact.of_class)
    also = f" ({_listed(others)})" if others else ""
    return Verdict("subset", f"a subset: {first}{also}")


def _facts(found: Census, release: Release) -> Iterator[Fact]:
    """Every number that the release states; masks that mark nothing are expected to do so."""
    if release.images is not None:
        yield Fact("images", found.images, release.images)
    if release.defective is not None:
        marked = release.defective - release.unmarked
        yield Fact(MARKED, found.marked, marked)
        if release.images is not None:
            yield Fact(CLEAN, found.images - found.marked, release.images - marked)
    counts = {count.name: count.images for count in found.classes}
    for name, count in release.classes:
        yield Fact(f"images with {name}", counts.get(name, 0), count, of_class=True)
    for split, count in release.splits:
        yield Fact(f"in {split}", found.splits.get(split, 0), count)


def _listed(facts: list[Fact]) -> str:
    return ", ".join(map(str, facts))
