"""What to beware of in a data set: classes too rare to score, copies across splits, images that only look clean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from bench.data.index import DatasetIndex
from bench.data.leaks import Leak, duplicates
from bench.data.statistics import (
    ENOUGH_GROUPS,
    SplitCount,
    class_counts,
    defective_groups,
    split_counts,
    unmarked_of_defective_groups,
)
from bench.types import Split
from bench.words import plural

Assignment: TypeAlias = Mapping[str, Split] | str
"""The split of every image under the rule ``grouped``, or the sentence that says why there is none."""

MOST_NAMED = 12
"""Classes named in one sentence at most; the tables have all."""
WITHOUT: Mapping[Split, str] = {
    "train": "nothing of it is learned",
    "validation": "no checkpoint and no threshold is chosen for it",
    "test": "it is not scored",
}
"""What it means that a split lacks a class."""


def remarks(index: DatasetIndex, assignment: Assignment, badge: str | None) -> list[str]:
    """What anyone who reads a score on this data set should know, one sentence each."""
    found = [f"Badge: {badge}."] if badge else []
    found += _rare_classes(index)
    if isinstance(assignment, str):
        found.append(f"No split under the rule 'grouped': {assignment}")
    else:
        found += _missing_in_splits(index, split_counts(index, assignment))
        if leaks := duplicates(index, assignment):
            found.append(f"Exact copies lie in different splits: {plural(images_of(leaks), 'image')}.")
    if unmarked := unmarked_of_defective_groups(index):
        found.append(
            f"Groups with defects also have images without a marked one ({len(unmarked):,}, listed in the card): "
            "these are no independent clean images."
        )
    return found


def _rare_classes(index: DatasetIndex) -> list[str]:
    """Classes, and the whole, with too few groups to trust one test split."""
    found = []
    if 0 < (groups := len(defective_groups(index.entries))) < ENOUGH_GROUPS:
        found.append(f"Defects are in {plural(groups, 'group')} only, fewer than {ENOUGH_GROUPS}: report over folds.")
    counts = class_counts(index.entries, len(index.classes))
    if absent := [name for name, count in zip(index.classes, counts, strict=True) if not count.groups]:
        found.append(f"No image here shows {_listed(absent)}.")
    rare = [
        f"{name} ({count.groups})"
        for name, count in zip(index.classes, counts, strict=True)
        if 0 < count.groups < ENOUGH_GROUPS
    ]
    if rare and len(index.classes) > 1:
        found.append(
            f"Fewer than {ENOUGH_GROUPS} groups hold {_listed(rare)}: scores of these classes need folds as well."
        )
    return found


def _missing_in_splits(index: DatasetIndex, splits: Sequence[SplitCount]) -> list[str]:
    anywhere = class_counts(index.entries, len(index.classes))
    found = []
    for split in splits:
        lost = [
            name
            for name, here, all_ in zip(index.classes, split.classes, anywhere, strict=True)
            if all_.groups and not here.groups
        ]
        if lost:
            found.append(f"The {split.split} split has no {_listed(lost)}: {WITHOUT[split.split]}.")
    return found


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def images_of(leaks: Sequence[Leak]) -> int:
    """Images that these leaks concern."""
    return sum(len(leak.images) for leak in leaks)
