"""Files of annotations in COCO's format: which there are, and the settings that name them and their images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench.errors import DataError
from bench.start.reading import Reading
from bench.start.words import SPLIT_WORDS, words
from bench.types import JsonValue, Split
from bench.words import plural

MOST_FILES = 20
"""Of more files none is looked into: a file for each image is another format."""
KEYS = frozenset({"images", "annotations", "categories"})


@dataclass(frozen=True, slots=True)
class _Listing:
    """A file of annotations from the root: the name of its first image, and how many images and annotations."""

    file: Path
    first: str
    images: int
    annotations: int

    @property
    def split(self) -> Split | None:
        """By its folder (``train/_annotations.coco.json``) or its name (``instances_train2017.json``)."""
        for word in [*words(self.file.stem), *words(self.file.parent.as_posix())]:
            if word in SPLIT_WORDS:
                return SPLIT_WORDS[word]
        return None


def coco(root: Path, pictures: Sequence[Path], given: Mapping[str, JsonValue]) -> Reading | None:
    """The reading of a folder with annotations in COCO's format; None where there is no such file.

    Raises:
        DataError: there are several that are no splits, or the images of one are not there.
    """
    listings = _listings(root)
    if "annotations" in given:
        listings = [listing for listing in listings if listing.file.as_posix() == given["annotations"]] or listings
    if not listings:
        return None
    folders = {listing.file: _folder(root, listing, pictures) for listing in listings}
    count = sum(listing.images for listing in listings)
    drawn = sum(listing.annotations for listing in listings)
    files = ", ".join(listing.file.as_posix() for listing in listings)
    found = (f"annotations in COCO's format, {files}: {plural(count, 'image')}, {plural(drawn, 'annotation')}",)
    if len(listings) == 1:
        [listing] = listings
        settings: dict[str, JsonValue] = {"annotations": listing.file.as_posix(), "images": folders[listing.file]}
        return Reading("coco", root, settings, {}, found)
    by_split = {listing.split: listing for listing in listings if listing.split}
    if len(by_split) < len(listings):
        asked = " or ".join(f"--set annotations={listing.file.as_posix()}" for listing in listings)
        raise DataError(f"{root}: several files of annotations, not one for each split; say which: {asked}")
    splits: dict[str, JsonValue] = {str(split): one.file.as_posix() for split, one in by_split.items()}
    images: dict[str, JsonValue] = {str(split): folders[one.file] for split, one in by_split.items()}
    why = {"splits": "official splits, by the names of the files"}
    return Reading("coco", root, {"splits": splits, "images": images}, why, found)


def _listings(root: Path) -> list[_Listing]:
    files = [path for path in sorted(root.rglob("*.json")) if not path.name.startswith(".")]
    if len(files) > MOST_FILES:
        return []
    return [listing for file in files if (listing := _listing(root, file))]


def _listing(root: Path, file: Path) -> _Listing | None:
    try:
        document = json.loads(file.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not set(document) >= KEYS:
        return None
    images, annotations = document["images"], document["annotations"]
    if not (isinstance(images, list) and images and isinstance(images[0], dict) and isinstance(annotations, list)):
        return None
    first = images[0].get("file_name")
    return _Listing(file.relative_to(root), first, len(images), len(annotations)) if isinstance(first, str) else None


def _folder(root: Path, listing: _Listing, pictures: Sequence[Path]) -> str:
    """The folder from which the file names its images.

    Raises:
        DataError: no picture has that name.
    """
    name = PurePosixPath(listing.first)
    found = [path for path in pictures if PurePosixPath(path.as_posix()).parts[-len(name.parts) :] == name.parts]
    near = [path for path in found if path.is_relative_to(listing.file.parent)] or found
    if not near:
        raise DataError(
            f"{root / listing.file}: its first image {listing.first!r} is nowhere below {root}; put the images beside "
            "the file, or name the folder that holds both"
        )
    return near[0].parents[len(name.parts) - 1].as_posix()
