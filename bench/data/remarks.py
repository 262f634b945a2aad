"""What to beware of in a data set, as sentences from its index and its split alone: nothing here decodes an image.

Masks that mark nothing, nearly everything or mostly what is ignored; classes too rare to score; splits that lack
marked pixels; images that only look clean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TypeAlias

from bench.data.index import DatasetIndex, IndexedImage, some
from bench.data.leaks import Assignment
from bench.data.statistics import (
    ENOUGH_GROUPS,
    SplitCount,
    class_counts,
    defective_groups,
    is_defective,
    split_counts,
    unmarked_of_defective_groups,
)
from bench.types import JsonValue, Split
from bench.words import plural

AssignmentOrWhy: TypeAlias = Assignment | str
"""The split of every image, or the sentence that says why there is none."""

MOST_NAMED = 12
"""Classes named in one sentence at most; the tables have all."""
MOST_OF_AN_IMAGE = 0.5
"""A surface is mostly sound: where more of an image is marked, its mask may be inverted."""
WITHOUT: Mapping[Split, str] = {
    "train": "nothing of it is learned",
    "validation": "no checkpoint and no threshold is chosen for it",
    "test": "it is not scored",
}
"""What it means that a split lacks a class."""
EMPTY: Mapping[Split, str] = {
    "train": "The training split has no defect pixel: nothing can be learned from it.",
    "validation": ("The validation split has no defect pixel: checkpoint and threshold cannot be chosen by score."),
    "test": "The test split has no defect pixel: no score of detection is defined.",
}
"""What it means that a split lacks all of them."""


def remarks(
    index: DatasetIndex, settings: Mapping[str, JsonValue], assignment: AssignmentOrWhy | None = None
) -> tuple[str, ...]:
    """What anyone who reads a score on this data set should know, one sentence each.

    ``settings`` are all those of its reader. Without ``assignment`` nothing is said of splits.
    """
    of_split = split_remarks(index, assignment) if assignment is not None else ()
    return (*image_remarks(index, settings), *of_split)


def image_remarks(index: DatasetIndex, settings: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """What holds of the images whatever the split, what the reader says first; ``settings`` as in :func:`remarks`."""
    marked = [entry for entry in index.entries if is_defective(entry)]
    found = [*index.remarks, *_inverted(index.dataset, marked, settings), *_ignored(index)]
    if not marked:
        nothing = (
            f"None of the {len(index.entries):,} images has a defect pixel: nothing can be learned or scored; the "
            "masks may be missing, empty, or meant otherwise than they are read."
        )
        return (nothing, *found)
    found += _rare_classes(index)
    if unmarked := unmarked_of_defective_groups(index):
        found.append(
            f"Groups with defects also have images without a marked one ({len(unmarked):,}, listed in the card): "
            "these are no independent clean images."
        )
    return tuple(found)


def split_remarks(index: DatasetIndex, assignment: AssignmentOrWhy) -> tuple[str, ...]:
    """What a split lacks; of a data set without any defect pixel :func:`image_remarks` says all."""
    if isinstance(assignment, str):
        return (f"No split under the rule 'grouped': {assignment}",)
    if not any(map(is_defective, index.entries)):
        return ()
    return tuple(filter(None, (_lacking(index, split) for split in split_counts(index, assignment))))


def _inverted(name: str, marked: Sequence[IndexedImage], settings: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Masks that mark most of their image: nearly all of them, going by the median share, or a few."""
    shares = [sum(entry.pixels[1:]) / sum(entry.pixels) for entry in marked]
    mostly = [entry.id for entry, share in zip(marked, shares, strict=True) if share > MOST_OF_AN_IMAGE]
    if not mostly:
        return ()
    most = f"{len(mostly):,} of {len(marked):,} marked images ({some(mostly)})"
    where = f"in all {len(marked):,} marked images" if len(mostly) == len(marked) else f"in {most}"
    advice = "check them by eye with 'bench data card'"
    if median(shares) <= MOST_OF_AN_IMAGE:
        return (f"Most pixels are defect {where}: these masks may be inverted; {advice}.",)
    if len(mostly) > 0.9 * len(marked) and "invert" in settings and settings.get("masks_are", "binary") == "binary":
        mend = "leave out its setting 'invert: true'" if settings["invert"] else "give it the setting 'invert: true'"
        advice = f"if it is sound surface that data set {name} has marked, {mend}"
    return (f"The masks look inverted: most pixels are defect {where}; {advice}.",)


def _ignored(index: DatasetIndex) -> tuple[str, ...]:
    """Ignored pixels where 255 may have been meant as a defect: there are more of them, or they are never together."""
    ignoring = [entry for entry in index.entries if entry.ignored]
    ignored = sum(entry.ignored for entry in ignoring)
    defect = sum(sum(entry.pixels[1:]) for entry in index.entries)
    apart = bool(defect and ignoring) and not any(map(is_defective, ignoring))
    if ignored <= defect and not apart:
        return ()
    than = f"more than the {defect:,} of defects" if defect else "and none is a defect"
    why = "in images without a defect only" if apart else than
    return (
        f"{ignored:,} pixels in {len(ignoring):,} of {len(index.entries):,} images are ignored (255), {why}: they are "
        f"neither learned nor scored; if 255 marks defects, the masks are read wrongly "
        f"('bench info {index.dataset}' has the settings).",
    )


def _rare_classes(index: DatasetIndex) -> list[str]:
    """Classes, and the whole, with too few groups to trust one test split."""
    found = []
    groups = len(defective_groups(index.entries))
    if groups < ENOUGH_GROUPS:
        found.append(f"Defects are in {plural(groups, 'group')} only, fewer than {ENOUGH_GROUPS}: report over folds.")
    counts = dict(zip(index.classes, class_counts(index.entries, len(index.classes)), strict=True))
    absent = [name for name, count in counts.items() if not count.groups]
    rare = [f"{name} ({count.groups})" for name, count in counts.items() if 0 < count.groups < ENOUGH_GROUPS]
    if absent:
        found.append(f"No image here shows {_listed(absent)}.")
    if rare and len(index.classes) > 1:
        found.append(
            f"Fewer than {ENOUGH_GROUPS} groups hold {_listed(rare)}: scores of these classes need folds as well."
        )
    return found


def _lacking(index: DatasetIndex, split: SplitCount) -> str | None:
    """What one split lacks of what the data set has: every defect pixel, or some classes."""
    if not split.defective_groups:
        return EMPTY[split.split]
    anywhere = class_counts(index.entries, len(index.classes))
    pairs = zip(index.classes, split.classes, anywhere, strict=True)
    lost = [name for name, here, there in pairs if there.groups and not here.groups]
    return f"The {split.split} split has no {_listed(lost)}: {WITHOUT[split.split]}." if lost else None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
