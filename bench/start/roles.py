"""Which pictures are images and which are masks: as the user says, by names, and where names are silent by pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from bench.errors import DataError
from bench.images import read_image
from bench.start.words import role, says_clean
from bench.words import plural

FEW_COLOURS = 16
"""A drawn picture has no more colours than this, a photograph has."""
NEAR_THE_ENDS, MOSTLY = 16, 0.98
"""Or nearly all of its pixels are this close to black or white, as in a mask saved as JPEG or with soft edges."""
LOOKED_AT = 3
"""Pictures decoded of each kind of name."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Images and masks by their path from the folder, why so, and pictures that are neither."""

    images: tuple[Path, ...]
    masks: tuple[Path, ...]
    neither: tuple[Path, ...]
    why: str


def roles(root: Path, pictures: Sequence[Path], images: PurePath | None, masks: PurePath | None) -> Roles:
    """Tell images from masks; ``images`` and ``masks`` are folders that the user named, from ``root``.

    Raises:
        DataError: there is no mask, or no image, or it cannot be told which are which; says how to answer.
    """
    if masks is not None or images is not None:
        return _told(root, pictures, images, masks)
    found = {path: role(path) for path in pictures}
    drawn = [path for path in pictures if found[path] == "mask"]
    named = [path for path in pictures if found[path] == "image"]
    silent = [path for path in pictures if found[path] is None]
    if drawn and named:
        clean = [path for path in silent if says_clean(path)]
        neither = [path for path in silent if not says_clean(path)]
        return Roles(tuple(sorted(named + clean)), tuple(drawn), tuple(neither), "by their names")
    if drawn and silent:
        return Roles(tuple(silent), tuple(drawn), (), "masks by their names, images are the others")
    if silent:
        return _by_pixels(root, silent, named)
    return _by_pixels(root, pictures, ())  # a name that all have tells nothing


def _told(root: Path, pictures: Sequence[Path], images: PurePath | None, masks: PurePath | None) -> Roles:
    drawn = [path for path in pictures if masks is not None and path.is_relative_to(masks)]
    if masks is None:
        drawn = [path for path in pictures if role(path) == "mask" or not (images and path.is_relative_to(images))]
    others = [path for path in pictures if path not in set(drawn)]
    shown = [path for path in others if images is None or path.is_relative_to(images)]
    for option, folder, here in (("--masks", masks, drawn), ("--images", images, shown)):
        if not here:
            where = root / folder if folder is not None else root
            raise DataError(f"{where}: no picture in it is left for {option}; name another folder below {root}")
    neither = tuple(path for path in others if path not in set(shown))
    return Roles(tuple(shown), tuple(drawn), neither, "as you said")


def _by_pixels(root: Path, silent: Sequence[Path], named: Sequence[Path]) -> Roles:
    """Tell pictures by what they look like, those of one folder, type and form of name together."""
    kinds = _kinds(silent)
    drawn = {kind for kind, paths in kinds.items() if _are_drawn(root, paths)}
    masks = [path for kind in kinds if kind in drawn for path in kinds[kind]]
    images = [*named, *(path for kind in kinds if kind not in drawn for path in kinds[kind])]
    if not masks:
        raise DataError(
            f"{root}: no mask among {plural(len(images), 'picture')}: no folder or file is named after masks (mask, "
            "label, gt, annotation, seg) and none looks drawn; say where masks are with --masks FOLDER, or name "
            "another folder"
        )
    if not images:
        folders = sorted({path.parent.as_posix() for path in masks})
        asked = " or ".join(f"--masks {folder}" for folder in folders[:4])
        raise DataError(f"{root}: all pictures look drawn, and any may be the masks; say which: {asked}")
    return Roles(tuple(sorted(images)), tuple(sorted(masks)), (), "masks by their pixels: few levels, flat areas")


def _kinds(pictures: Sequence[Path]) -> Mapping[tuple[str, str, str], Sequence[Path]]:
    """Pictures by folder, type, and name with its numbers left open."""
    kinds: dict[tuple[str, str, str], list[Path]] = {}
    for path in pictures:
        form = re.sub(r"\d+", "#", path.stem)
        kinds.setdefault((path.parent.as_posix(), path.suffix.lower(), form), []).append(path)
    if len(kinds) <= len(pictures) / 2:
        return kinds
    free: dict[tuple[str, str, str], list[Path]] = {}
    for path in pictures:
        free.setdefault((path.parent.as_posix(), path.suffix.lower(), ""), []).append(path)
    return free


def _are_drawn(root: Path, paths: Sequence[Path]) -> bool:
    step = max(1, len(paths) // LOOKED_AT)
    return all(is_drawn(root / path) for path in paths[::step][:LOOKED_AT])


def is_drawn(path: Path) -> bool:
    """Whether a picture looks drawn: few colours, or nearly nothing between black and white.

    Raises:
        DataError: it cannot be decoded.
    """
    pixels = read_image(path, exif="keep")
    if pixels.dtype != np.uint8:
        return False
    if np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0).shape[0] <= FEW_COLOURS:
        return True
    ends = (pixels < NEAR_THE_ENDS) | (pixels > 255 - NEAR_THE_ENDS)
    equal = bool((pixels == pixels[:, :, :1]).all())
    return equal and float(ends.mean()) >= MOSTLY
