"""Which mask belongs to which image, by name; and the table that says it where no setting can."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import DataError
from bench.start.words import says_clean, shared_folders, shared_stem, split_of
from bench.words import plural


@dataclass(frozen=True, slots=True)
class Pairs:
    """Mask by image, None where there is none, and masks to which no image belongs; paths from the folder."""

    mask_of: Mapping[Path, Path | None]
    alone: tuple[Path, ...]

    @property
    def without(self) -> list[Path]:
        """Images without a mask."""
        return [image for image, mask in self.mask_of.items() if mask is None]


def pairs(root: Path, images: Sequence[Path], masks: Iterable[Path]) -> Pairs:
    """Pair by what names share, words such as ``mask`` and ``images`` aside.

    Of several images of a name the one is taken that shares the most folders with the mask, and of these the one that
    is not in a folder of clean images.

    Raises:
        DataError: a mask could belong to several images, or two masks to one.
    """
    named: dict[str, list[Path]] = {}
    for image in images:
        named.setdefault(shared_stem(image.stem).lower(), []).append(image)
    found: dict[Path, Path] = {}
    alone = []
    for mask in masks:
        candidates = named.get(shared_stem(mask.stem).lower(), [])
        if not candidates:
            alone.append(mask)
            continue
        image = _nearest(root, mask, candidates)
        if image in found:
            raise DataError(
                f"{root / mask}: {root / found[image]} is a mask of {image} too; keep one of the two, or draw both "
                "into one file"
            )
        found[image] = mask
    return Pairs({image: found.get(image) for image in images}, tuple(alone))


def _shared(path: Path) -> str:
    return shared_stem(path.stem).lower()


def _nearest(root: Path, mask: Path, candidates: Sequence[Path]) -> Path:
    folders = set(shared_folders(mask))

    def fit(image: Path) -> tuple[int, bool]:
        return len(folders & set(shared_folders(image))), not says_clean(image)

    best = max(map(fit, candidates))
    fitting = [image for image in candidates if fit(image) == best]
    if len(fitting) > 1:
        raise DataError(
            f"{root / mask}: may belong to {fitting[0]} or to {fitting[1]}; move one of them away, or say where the "
            "images are with --images FOLDER"
        )
    return fitting[0]


def affixes(image: Path, mask: Path) -> Mapping[str, str]:
    """What stands around the shared part of the two names, as settings of the data set ``folder``."""
    names = (image.stem.lower(), mask.stem.lower())
    shared = next((one for one in map(_shared, (mask, image)) if all(one in name for name in names)), "")
    if not shared:
        return {}
    before_image, _, after_image = image.stem.lower().partition(shared)
    before_mask, _, after_mask = mask.stem.lower().partition(shared)
    found = {
        "image_prefix": image.stem[: len(before_image)],
        "image_suffix": image.stem[len(image.stem) - len(after_image) :],
        "prefix": mask.stem[: len(before_mask)],
        "suffix": mask.stem[len(mask.stem) - len(after_mask) :],
    }
    return {name: affix for name, affix in found.items() if affix}


def table(root: Path, mask_of: Mapping[Path, Path | None], group_of: Mapping[str, str] | None, home: Path) -> str:
    """The pairs as a csv file for the data set ``listed``, to stand in the folder ``home``.

    Files below ``home`` are named from there, others by their absolute paths. Folders named after splits become the
    column ``split`` where every image lies in one.
    """
    ids = ids_of(mask_of)
    splits = {image: split_of(image) for image in mask_of}
    official = all(splits.values())
    header = ["id", "image", "mask", *(["group"] if group_of else []), *(["split"] if official else [])]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for image, mask in mask_of.items():
        row = [ids[image], named_from(home, root / image), named_from(home, root / mask) if mask else ""]
        if group_of:
            row.append(group_of[ids[image]])
        if official:
            row.append(str(splits[image]))
        writer.writerow(row)
    return text.getvalue()


def ids_of(images: Iterable[Path]) -> dict[Path, str]:
    """The id of every image: its path without type, with it where two differ in nothing else."""
    taken: dict[str, int] = {}
    listed = list(images)
    for image in listed:
        bare = image.with_suffix("").as_posix()
        taken[bare] = taken.get(bare, 0) + 1
    found = {}
    for image in listed:
        bare = image.with_suffix("").as_posix()
        found[image] = bare if taken[bare] == 1 else image.as_posix()
    return found


def named_from(home: Path, path: Path) -> str:
    """A file as a table in ``home`` names it: from there if it lies below, else by its absolute path."""
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else path.as_posix()


def check_alone(root: Path, found: Pairs) -> None:
    """Refuse masks to which no image belongs: nothing says what they mark.

    Raises:
        DataError: names the first and how many there are.
    """
    if found.alone:
        raise DataError(
            f"{root / found.alone[0]}: this mask has no image ({plural(len(found.alone), 'such mask')}); add its "
            "image, rename one so that both share a name, move the mask away, or say where images and masks are with "
            "--images FOLDER and --masks FOLDER"
        )
