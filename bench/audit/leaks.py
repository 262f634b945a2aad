"""What the search for leaks found, as a document and as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations
from typing import Literal

import numpy as np

from bench.audit.likeness import Descriptor, undone
from bench.audit.near_duplicates import ALIKE, resemblance, similar
from bench.data.index import DatasetIndex
from bench.data.leaks import Assignment, Leak, concerned, duplicates, partners, shared_groups
from bench.document import Document, Paragraph, Table
from bench.report.measures import percent, share_text
from bench.report.tables import plain_table
from bench.types import SPLITS, JsonValue, Split
from bench.words import plural

Kind = Literal["group", "copy", "near-duplicate"]
MOST_LINES = 20
"""Near-duplicates that are listed."""
ORDINARY = 0.05
"""Share of random pairs that may be alike before that is said; the shots of one object are a smaller share."""
HELD: tuple[tuple[Split, Split], ...] = (("test", "train"), ("validation", "train"), ("test", "validation"))
"""Whose partners are counted, and where."""


@dataclass(frozen=True)
class Found:
    """All leaks of one split of a data set; near-duplicates are the most alike first.

    ``least`` is the likeness from which two images count as near-duplicates, ``resemblance`` the share of random
    pairs that reach it; ``blank`` images have no structure and were not compared.
    """

    index: DatasetIndex
    assignment: Assignment
    groups: Sequence[Leak]
    copies: Sequence[Leak]
    near: Sequence[Link]
    blank: Sequence[str]
    least: float
    resemblance: float

    @property
    def any(self) -> bool:
        """Whether there is a leak of any kind."""
        return bool(self.groups or self.copies or self.near)

    @cached_property
    def group(self) -> Mapping[str, str]:
        """The group of every image."""
        return {entry.id: entry.group for entry in self.index.entries}


@dataclass(frozen=True, slots=True)
class Link:
    """An image and its partner in another split, the image further from training first.

    ``likeness`` and the turn of the partner that makes it so are those of a near-duplicate.
    """

    kind: Kind
    first: str
    second: str
    likeness: float | None = None
    turn: int = 0

    @property
    def images(self) -> tuple[str, str]:
        """Both."""
        return self.first, self.second

    @property
    def measured(self) -> str:
        """``0.93``, ``0.93 turned by 180 degrees``, or the kind where nothing was measured."""
        if self.likeness is None:
            return self.kind
        return f"{self.likeness:.2f} {turn_text(self.turn)}".rstrip()


def found_leaks(
    index: DatasetIndex, assignment: Assignment, descriptors: Mapping[str, Descriptor], least: float = ALIKE
) -> Found:
    """Search for leaks of every kind; near-duplicates that are exact copies are counted as copies only."""
    digests = {entry.id: entry.image_digest for entry in index.entries}
    near = []
    for pair in similar(descriptors, assignment, least=least):
        first, second, turn = pair.first, pair.second, pair.turn
        if SPLITS.index(assignment[first]) < SPLITS.index(assignment[second]):
            first, second, turn = second, first, undone(turn)
        if digests[first] != digests[second]:
            near.append(Link("near-duplicate", first, second, pair.likeness, turn))
    return Found(
        index,
        assignment,
        groups=shared_groups(index, assignment),
        copies=duplicates(index, assignment),
        near=near,
        blank=[id for id, descriptor in descriptors.items() if descriptor.blank],
        least=least,
        resemblance=resemblance(descriptors, assignment, np.random.default_rng(0), least=least),
    )


def leaks_document(found: Found, split: str, more: str) -> Document:
    """How many leaks there are of each kind, what to know of them, and the most alike near-duplicates.

    ``split`` is its name; ``more`` says where to see the pairs that are not listed.
    """
    lines = []
    for link in found.near[:MOST_LINES]:
        images = ", ".join(f"{found.assignment[id]} {id}" for id in link.images)
        lines.append(f"{link.measured}: {images}")
    if len(found.near) > MOST_LINES:
        lines.append(f"and {plural(len(found.near) - MOST_LINES, 'pair')} more; {more}")
    return Document("", [_summary(found, split), Paragraph([*cautions(found), *judged(found)]), Paragraph(lines)])


def _summary(found: Found, split: str) -> Table:
    """One row per kind of leak: how many, and the images of a split that have a partner in another."""
    sizes = Counter(found.assignment.values())
    images = ", ".join(f"{split} {sizes[split]:,}" for split in SPLITS)
    kinds = {
        "shared groups": found.groups,
        "exact copies": found.copies,
        f"near-duplicates (likeness {found.least:g})": [_leak(found, link.images) for link in found.near],
    }
    rows = [
        (name, f"{len(leaks):,}", *(_share(found, leaks, *sides) for sides in HELD)) for name, leaks in kinds.items()
    ]
    heads = (f"{held} in {source}" for held, source in HELD)
    title = f"{found.index.dataset}, split {split}: {images} images"
    return plain_table(("leak", "found", *heads), rows, title=title)


def _share(found: Found, leaks: Sequence[Leak], held: Split, source: Split) -> str:
    """``12 (30.0 %)``."""
    images = sum(split == held for split in found.assignment.values())
    return share_text(len(concerned(leaks, held, source)), images)


def cautions(found: Found) -> list[str]:
    """What a reader must know before trusting the near-duplicates."""
    told = []
    if found.blank:
        told.append(f"not judged: {plural(len(found.blank), 'image')} without structure, such as {found.blank[0]!r}")
    if found.resemblance > ORDINARY:
        told.append(
            f"caution: {percent(found.resemblance)} % of random pairs across splits reach {found.least:g}, "
            "so these images are alike anyway (parts in one pose?): trust groups more, or raise --likeness"
        )
    return told


def judged(found: Found) -> list[str]:
    """How well the pixels alone agree with the declared groups.

    Nothing where every image is a group of its own, or neither found any leak.

    Precision: pairs found that lie in one group. Recall: pairs of one group across splits, and test images with such a
    partner in training, that were found.
    """
    group = found.group
    if len(set(group.values())) == len(group) or not found.any:
        return []
    true = _pairs(found.groups)
    pairs = _pairs(found.copies) | {frozenset(link.images) for link in found.near}
    right = {pair for pair in pairs if len(set(map(group.__getitem__, pair))) == 1}
    leaked = concerned(found.groups, "test", "train")
    seen, wrong = (concerned([_leak(found, pair) for pair in kind], "test", "train") for kind in (right, pairs - right))
    tests = sum(split == "test" for split in found.assignment.values())
    return [
        f"pixels against groups: precision {_ratio(len(right), len(pairs))} pairs, "
        f"recall {_ratio(len(right), len(true))} pairs and {_ratio(len(seen), len(leaked))} leaked test images; "
        f"{len(wrong):,} of {plural(tests, 'test image')} linked to another group in training"
    ]


def _ratio(part: int, whole: int) -> str:
    return f"{percent(part / whole)} % ({part:,} of {whole:,})" if whole else f"- ({part:,} of 0)"


def links(found: Found) -> list[Link]:
    """Pairs of every kind: near-duplicates, most alike first; then copies and groups, where every image stands once."""
    copies, groups = (chain.from_iterable(map(partners, leaks)) for leaks in (found.copies, found.groups))
    return [*found.near, *(Link("copy", *pair) for pair in copies), *(Link("group", *pair) for pair in groups)]


def link_row(found: Found, link: Link) -> dict[str, JsonValue]:
    """One row of the csv."""
    return {
        "kind": link.kind,
        "likeness": None if link.likeness is None else round(link.likeness, 4),
        "turned": turn_text(link.turn),
        "image": link.first,
        "split": found.assignment[link.first],
        "group": found.group[link.first],
        "partner": link.second,
        "partner_split": found.assignment[link.second],
        "partner_group": found.group[link.second],
    }


def turn_text(turn: int) -> str:
    """How the partner must be turned, counter-clockwise, to match; empty for upright."""
    mirrored, quarters = divmod(turn, 4)
    turned = f"turned by {90 * quarters} degrees" if quarters else ""
    return ("mirrored " * mirrored + turned).strip()


def _leak(found: Found, images: Iterable[str]) -> Leak:
    return Leak("", tuple((id, found.assignment[id]) for id in images))


def _pairs(leaks: Sequence[Leak]) -> set[frozenset[str]]:
    """All pairs of images of one leak that lie in different splits."""
    found = set()
    for leak in leaks:
        for (one, here), (other, there) in combinations(leak.images, 2):
            if here != there:
                found.add(frozenset((one, other)))
    return found
