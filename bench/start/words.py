"""What names of files and folders say: masks, images, free of defects, splits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Literal, TypeAlias
from unicodedata import normalize

from bench.types import Split

Role: TypeAlias = Literal["image", "mask"]

MASK_WORDS = frozenset(
    {
        *("mask", "masks", "label", "labels", "gt", "truth", "groundtruth", "seg", "segm", "segmentation"),
        *("ann", "anno", "annot", "annotation", "annotations"),
    }
)
IMAGE_WORDS = frozenset(
    {
        *("image", "images", "img", "imgs", "photo", "photos", "picture", "pictures"),
        *("orig", "original", "originals", "raw", "rgb"),
    }
)
CLEAN_WORDS = frozenset({"good", "ok", "clean", "normal", "free", "sound", "flawless", "undamaged", "nodefect"})
"""A folder or file named so holds what is free of defects; ``MT_Free`` and ``no_defect`` are such names too."""
NEGATIONS = frozenset({"no", "non", "not", "without"})
SPLIT_WORDS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
"""Folders of these names are official splits, as the data set ``folder`` takes them."""

_ROLE_WORD = "|".join(sorted(MASK_WORDS | IMAGE_WORDS, key=len, reverse=True))
_STEM = re.compile(rf"(?:(?:{_ROLE_WORD})[\W_]+)?(.+?)(?:[\W_]+(?:{_ROLE_WORD}))?", re.IGNORECASE)


def words(name: str) -> list[str]:
    """``['mt', 'free']`` of ``MT_Free``; digits at the end of a word are left out."""
    parts = re.split(r"[\W_]+", normalize("NFC", name).lower())
    return [part.rstrip("0123456789") or part for part in parts if part]


def folder_role(name: str) -> Role | None:
    """What lies in a folder of this name, if its name says so."""
    found = set(words(name))
    if found & MASK_WORDS:
        return "mask"
    return "image" if found & IMAGE_WORDS else None


def stem_role(stem: str) -> Role | None:
    """What a file is by the first and the last word of its name."""
    found = words(stem)
    ends = {found[0], found[-1]} if len(found) > 1 else set()
    if ends & MASK_WORDS:
        return "mask"
    return "image" if ends & IMAGE_WORDS else None


def role(path: PurePath) -> Role | None:
    """What a picture is by its name and by the folders that it lies in, the nearest first."""
    of_stem = stem_role(path.stem)
    if of_stem == "mask":
        return of_stem
    for name in reversed(path.parent.parts):
        of_folder = folder_role(name)
        if of_folder:
            return of_folder
    return of_stem


def shared_stem(stem: str) -> str:
    """What image and mask share of a file's name: without words such as ``mask`` or ``img`` before and after it."""
    match = _STEM.fullmatch(normalize("NFC", stem))
    return match[1] if match else stem


def shared_folders(path: PurePath) -> tuple[str, ...]:
    """The folders of a picture, in lower case, without those that say whether it is an image or a mask."""
    return tuple(name.lower() for name in path.parent.parts if folder_role(name) is None)


def says_clean(path: PurePath) -> bool:
    """Whether a folder on the way, or the file itself, is named after what is free of defects."""
    return any(_is_clean(words(name)) for name in (*path.parent.parts, path.stem))


def _is_clean(found: Sequence[str]) -> bool:
    negated = bool(NEGATIONS & set(found)) and any(word.startswith("defect") for word in found)
    return negated or bool(CLEAN_WORDS & set(found))


def split_of(path: PurePath) -> Split | None:
    """The official split that a folder on the way is named after."""
    for name in path.parent.parts:
        if name.lower() in SPLIT_WORDS:
            return SPLIT_WORDS[name.lower()]
    return None
