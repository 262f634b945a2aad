"""Leaks between splits: one physical object, or one and the same image, on two sides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bench.data.index import DatasetIndex, IndexedImage
from bench.errors import DataError
from bench.types import SPLITS, Split
from bench.words import plural

Assignment: TypeAlias = Mapping[str, Split]
"""The split of every image, by id."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Images that belong together, by ``what`` they share, and the split of each.

    ``what`` is a group for :func:`shared_groups` and the digest of the decoded image for :func:`duplicates`.
    """

    what: str
    images: tuple[tuple[str, Split], ...]

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits concerned, in the order train, validation, test."""
        found = {split for _, split in self.images}
        return tuple(split for split in SPLITS if split in found)


def shared_groups(index: DatasetIndex, assignment: Assignment) -> list[Leak]:
    """Groups with images in more than one split, in the order of the index."""
    return _across(index, assignment, lambda entry: entry.group)


def duplicates(index: DatasetIndex, assignment: Assignment) -> list[Leak]:
    """Images equal pixel by pixel that lie in more than one split, whatever their masks and groups say."""
    return _across(index, assignment, lambda entry: entry.image_digest)


def images_of(leaks: Iterable[Leak]) -> int:
    """Images that these leaks concern."""
    return sum(len(leak.images) for leak in leaks)


def check(index: DatasetIndex, assignment: Assignment) -> None:
    """Refuse a split that tears a group apart.

    Raises:
        DataError: a group lies in two splits; names the group, two of its images and their splits.
    """
    leaks = shared_groups(index, assignment)
    if not leaks:
        return
    first = leaks[0]
    one_of = {split: id for id, split in reversed(first.images)}
    images = ", ".join(f"{one_of[split]!r} in {split}" for split in first.splits)
    more = f" and {plural(len(leaks) - 1, 'more group')}" if len(leaks) > 1 else ""
    raise DataError(
        f"data set {index.dataset!r}: group {first.what!r}{more} would lie in two splits ({images}); "
        "keep all images of one group on one side"
    )


def concerned(leaks: Iterable[Leak], held: Split, source: Split) -> set[str]:
    """Images of split ``held`` that have a partner in split ``source``."""
    found: set[str] = set()
    for leak in leaks:
        if source in leak.splits:
            found.update(id for id, split in leak.images if split == held)
    return found


def partners(leak: Leak) -> list[tuple[str, str]]:
    """Every image outside the first split concerned, with one of that split: a short list that shows every image."""
    first = [id for id, split in leak.images if split == leak.splits[0]]
    others = [id for id, split in leak.images if split != leak.splits[0]]
    return [(id, first[number % len(first)]) for number, id in enumerate(others)]


def _across(index: DatasetIndex, assignment: Assignment, key: Callable[[IndexedImage], str]) -> list[Leak]:
    together: dict[str, list[tuple[str, Split]]] = {}
    for entry in index.entries:
        if entry.id in assignment:
            together.setdefault(key(entry), []).append((entry.id, assignment[entry.id]))
    found = []
    for what, images in together.items():
        if any(split != images[0][1] for _, split in images):
            found.append(Leak(what, tuple(images)))
    return found
