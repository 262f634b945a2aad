"""One annotation file of COCO: classes, images and annotations, their types and references checked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from bench_plugins.datasets._coco_regions import shown

from bench.api import IGNORED, DataError


@dataclass(frozen=True, slots=True)
class Annotation:
    """One region of one image: ``defect`` is the number of its class, from 1; its segmentation is not checked yet."""

    where: str
    defect: int
    crowd: bool
    segmentation: Any


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry under ``images`` with its annotations in the order of the file."""

    where: str
    name: PurePosixPath
    width: int
    height: int
    annotations: Sequence[Annotation]

    @property
    def id(self) -> str:
        """The file name without type."""
        return self.name.with_suffix("").as_posix()


@dataclass(frozen=True, slots=True)
class Listing:
    """What one file says. ``categories`` are names by id, in the order of the ids."""

    file: Path
    categories: Mapping[int, str]
    images: Sequence[Listed]


def read_listing(file: Path) -> Listing:
    """Read a file of annotations; ``info``, ``licenses`` and everything else that is not needed is passed over.

    Raises:
        DataError: the file is missing, no such file, names an image, an annotation or a category twice, or refers to
            an image or a category that it does not have; names file and id.
    """
    document = _document(file)
    categories = _categories(file, document)
    number = {id: place for place, id in enumerate(categories, start=1)}
    images = _entries(file, document, "images", "image")
    regions: dict[int, list[Annotation]] = {id: [] for id, _, _ in images}
    for _, where, entry in _entries(file, document, "annotations", "annotation"):
        image, category = _whole(entry, "image_id", where), _whole(entry, "category_id", where)
        if image not in regions:
            raise DataError(f"{where} is of image {shown(image)}, which is not listed under 'images'")
        if category not in number:
            raise DataError(f"{where} is of category {shown(category)}, which is not listed under 'categories'")
        regions[image].append(_annotation(entry, number[category], where))
    return Listing(file, categories, [_listed(entry, where, regions[id]) for id, where, entry in images])


def _document(file: Path) -> dict[str, Any]:
    """The JSON object of a file.

    Raises:
        DataError: the file cannot be read, or is not a JSON object by the letter of the standard.
    """
    try:
        document = json.loads(
            file.read_bytes().decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_no_constant
        )
    except FileNotFoundError:
        raise DataError(
            f"{file}: the file is missing; the data set 'coco' needs a file of annotations and a folder of images, "
            "named by its settings 'annotations' (or 'splits') and 'images'"
        ) from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not valid JSON ({error}); export it again") from None
    if not isinstance(document, dict):
        raise DataError(f"{file}: not an object with 'images', 'annotations' and 'categories'")
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys differ."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"an object has the key {shown(next(key for key in keys if keys.count(key) > 1))} twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _entries(file: Path, document: Mapping[str, Any], key: str, kind: str) -> list[tuple[int, str, dict[str, Any]]]:
    """Id, place for messages, and content of every entry of a list.

    Raises:
        DataError: the list is missing, holds something else than objects, or an id twice.
    """
    entries = document.get(key)
    if not isinstance(entries, list):
        raise DataError(f"{file}: has no list {key!r}, so it is not in the COCO detection format")
    found: dict[int, tuple[int, str, dict[str, Any]]] = {}
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise DataError(f"{file}: {key}[{place}] is {shown(entry)}, not an object")
        id = _whole(entry, "id", f"{file}: {key}[{place}]")
        where = f"{file}: {kind} {shown(id)}"
        if id in found:
            raise DataError(f"{where} stands there twice; ids must differ")
        found[id] = (id, where, entry)
    return list(found.values())


def _categories(file: Path, document: Mapping[str, Any]) -> Mapping[int, str]:
    """Names by id, in the order of the ids.

    Raises:
        DataError: there are none or too many, or a name is doubled.
    """
    entries = _entries(file, document, "categories", "category")
    found = {id: _text(entry, "name", where) for id, where, entry in sorted(entries, key=lambda entry: entry[0])}
    if not 0 < len(found) < IGNORED:
        raise DataError(f"{file}: {len(found)} categories; there must be 1 to {IGNORED - 1}")
    names = list(found.values())
    for id, name in found.items():
        if names.count(name) > 1:
            raise DataError(f"{file}: category {id}: another has the name {name!r} too; rename one of the two")
    return found


def _annotation(entry: Mapping[str, Any], defect: int, where: str) -> Annotation:
    """A region; whether its segmentation is a good one shows when it is drawn.

    Raises:
        DataError: there is a box only, or ``iscrowd`` says nothing known.
    """
    segmentation, crowd = entry.get("segmentation"), entry.get("iscrowd", 0)
    if segmentation in (None, [], ""):
        raise DataError(f"{where} has no segmentation: a box is no mask; draw its outline, or take the annotation out")
    if crowd not in (0, 1):  # True and False are such
        raise DataError(f"{where}: 'iscrowd' is {shown(crowd)}; it must be 0 or 1")
    return Annotation(where, defect, crowd == 1, segmentation)


def _listed(entry: Mapping[str, Any], where: str, annotations: Sequence[Annotation]) -> Listed:
    """An image whose name stays inside the folder of images.

    Raises:
        DataError: a value is missing or of the wrong type, a size is not positive, or the name leads elsewhere.
    """
    text = _text(entry, "file_name", where)
    name = PurePosixPath(text)
    if not name.name or name.is_absolute() or ".." in name.parts or "\\" in text or PureWindowsPath(text).drive:
        raise DataError(f"{where}: 'file_name' {shown(text)} must be a path below the folder of images, with '/' in it")
    width, height = _whole(entry, "width", where), _whole(entry, "height", where)
    if min(width, height) < 1:
        raise DataError(f"{where}: {shown(width)}x{shown(height)} pixels; both must be 1 or more")
    return Listed(where, name, width, height, annotations)


def _whole(entry: Mapping[str, Any], key: str, where: str) -> int:
    value = entry.get(key)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # some tools write 80.0
    if type(value) is not int:  # True is an int of Python's
        raise DataError(f"{where}: {key!r} is {shown(value)}; it must be a whole number")
    return value


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise DataError(f"{where}: {key!r} is {shown(value)}; it must be a text of printable characters")
    return value
