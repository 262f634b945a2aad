"""What the search for leaks found, as a document and as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.audit.likeness import Descriptor, undone
from bench.audit.near_duplicates import ALIKE, Pair, resemblance, similar
from bench.data.index import DatasetIndex
from bench.data.leaks import Leak, concerned, duplicates, partners, shared_groups
from bench.document import Document, Paragraph, Table
from bench.report.measures import percent
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
    """All leaks of one split of a data set.

    ``least`` is the likeness from which two images count as near-duplicates, ``resemblance`` the share of random
    pairs that reach it; ``blank`` images have no structure and were not compared.
    """

    index: DatasetIndex
    assignment: Mapping[str, Split]
    groups: Sequence[Leak]
    copies: Sequence[Leak]
    near: Sequence[Pair]
    blank: Sequence[str]
    least: float
    resemblance: float

    @property
    def any(self) -> bool:
        """Whether there is a leak of any kind."""
        return bool(self.groups or self.copies or self.near)


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
    def measured(self) -> str:
        """``0.93``, ``0.93 turned by 180 degrees``, or the kind where nothing was measured."""
        if self.likeness is None:
            return self.kind
        return f"{self.likeness:.2f} {turn_text(self.turn)}".rstrip()


def found_leaks(
    index: DatasetIndex, assignment: Mapping[str, Split], descriptors: Mapping[str, Descriptor], least: float = ALIKE
) -> Found:
    """Search for leaks of every kind; near-duplicates that are exact copies are counted as copies only."""
    digests = {entry.id: entry.image_digest for entry in index.entries}
    pairs = similar(descriptors, assignment, least=least)
    return Found(
        index,
        assignment,
        groups=shared_groups(index, assignment),
        copies=duplicates(index, assignment),
        near=[pair for pair in pairs if digests[pair.first] != digests[pair.second]],
        blank=[id for id, descriptor in descriptors.items() if descriptor.blank],
        least=least,
        resemblance=resemblance(descriptors, assignment, np.random.default_rng(0), least=least),
    )


def leaks_document(found: Found, split: str, more: str) -> Document:
    """How many leaks there are of each kind, what to know of them, and the most alike near-duplicates.

    ``split`` is its name; ``more`` says where to see the pairs that are not listed.
    """
    near = [link for link in links(found) if link.kind == "near-duplicate"]
    lines = [link_text(found, link) for link in near[:MOST_LINES]]
    if len(near) > MOST_LINES:
        lines.append(f"and {plural(len(near) - MOST_LINES, 'pair')} more; {more}")
    return Document("", [_summary(found, split), Paragraph([*cautions(found), *judged(found)]), Paragraph(lines)])


def _summary(found: Found, split: str) -> Table:
    """One row per kind of leak: how many, and the images of a split that have a partner in another."""
    sizes = Counter(found.assignment.values())
    images = ", ".join(f"{split} {sizes[split]:,}" for split in SPLITS)
    kinds: tuple[tuple[str, int, Sequence[Leak]], ...] = (
        ("shared groups", len(found.groups), found.groups),
        ("exact copies", len(found.copies), found.copies),
        (f"near-duplicates (likeness {found.least:g})", len(found.near), _leaks(found, found.near)),
    )
    rows = [(name, f"{count:,}", *(_share(found, leaks, *sides) for sides in HELD)) for name, count, leaks in kinds]
    heads = (f"{held} in {source}" for held, source in HELD)
    title = f"{found.index.dataset}, split {split}: {images} images"
    return plain_table(("leak", "found", *heads), rows, title=title)


def _share(found: Found, leaks: Sequence[Leak], held: Split, source: Split) -> str:
    """``12 (30.0 %)``."""
    images = sum(split == held for split in found.assignment.values())
    touched = len(concerned(leaks, held, source))
    return f"{touched:,} ({percent(touched / images)} %)" if images else f"{touched:,}"


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
    group = {entry.id: entry.group for entry in found.index.entries}
    if len(set(group.values())) == len(group) or not found.any:
        return []
    true = {pair for leak in found.groups for pair in _across(leak)}
    pairs = {pair for leak in found.copies for pair in _across(leak)}
    pairs |= {_key(pair.first, pair.second) for pair in found.near}
    right = {pair for pair in pairs if group[pair[0]] == group[pair[1]]}
    leaked, seen = (
        concerned(leaks, "test", "train") for leaks in (found.groups, [_leak(found, *pair) for pair in right])
    )
    wrong = concerned([_leak(found, *pair) for pair in pairs - right], "test", "train")
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
    near = [_near(found, pair) for pair in found.near]
    copies = [Link("copy", *pair) for leak in found.copies for pair in partners(leak)]
    return [*near, *copies, *(Link("group", *pair) for leak in found.groups for pair in partners(leak))]


def link_row(found: Found, link: Link) -> dict[str, JsonValue]:
    """One row of the csv."""
    group = {entry.id: entry.group for entry in found.index.entries if entry.id in (link.first, link.second)}
    return {
        "kind": link.kind,
        "likeness": None if link.likeness is None else round(link.likeness, 4),
        "turned": turn_text(link.turn),
        "image": link.first,
        "split": found.assignment[link.first],
        "group": group[link.first],
        "partner": link.second,
        "partner_split": found.assignment[link.second],
        "partner_group": group[link.second],
    }


def link_text(found: Found, link: Link) -> str:
    """``0.93: test part-1, train part-7``."""
    images = ", ".join(f"{found.assignment[id]} {id}" for id in (link.first, link.second))
    return f"{link.measured}: {images}"


def turn_text(turn: int) -> str:
    """How the partner must be turned, counter-clockwise, to match; empty for upright."""
    mirrored, quarters = divmod(turn, 4)
    return " ".join(
        [*(["mirrored"] if mirrored else []), *([f"turned by {90 * quarters} degrees"] if quarters else [])]
    )


def _near(found: Found, pair: Pair) -> Link:
    first, second, turn = pair.first, pair.second, pair.turn
    if SPLITS.index(found.assignment[first]) < SPLITS.index(found.assignment[second]):
        first, second, turn = second, first, undone(turn)
    return Link("near-duplicate", first, second, pair.likeness, turn)


def _leaks(found: Found, pairs: Sequence[Pair]) -> list[Leak]:
    return [_leak(found, pair.first, pair.second) for pair in pairs]


def _leak(found: Found, first: str, second: str) -> Leak:
    return Leak("", ((first, found.assignment[first]), (second, found.assignment[second])))


def _across(leak: Leak) -> list[tuple[str, str]]:
    """All pairs of a leak that lie in different splits."""
    images = leak.images
    return [_key(a, b) for n, (a, one) in enumerate(images) for b, other in images[n + 1 :] if one != other]


def _key(first: str, second: str) -> tuple[str, str]:
    return (first, second) if first < second else (second, first)
