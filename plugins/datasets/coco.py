r"""Your own data in the COCO detection format: a file of annotations and a folder of images.

::

    data: {coco: ~/my/parts}             # in the suite; the axis says 'dataset: [coco]'

    my/parts/annotations.json            # images, annotations and categories; settings change names
    my/parts/images/part1_top.png        # 'file_name' is a path below this folder

Categories are the classes, in the order of their ids. Polygons, drawn by ``pycocotools``, and run lengths, plain or
compressed, are read; a box without a segmentation is refused, as a box is no mask. Regions with ``iscrowd: 1`` are
groups whose members nobody outlined: what no other annotation marks of them is ignored (255). Brushes of some tools
write it for every region, which the setting ``crowds`` tells. An image without annotations is clean. Files that no
entry names are not read: nobody said whether they are labelled.

Every category of the file is a class, also one that no annotation uses, such as the supercategory that exports of
Roboflow list with id 0: what the classes are must not hang on what is marked so far. Remove it from every file if it
is none of yours.

The setting ``splits`` names several files: these are the official splits, ``train``, ``validation`` and
``test``. ``images`` is then the folder of all, or names one for each. An export of Roboflow and COCO 2017::

    train/_annotations.coco.json         # splits: {train: train/_annotations.coco.json,
    train/part1_jpg.rf.6d0c.jpg          #          validation: valid/_annotations.coco.json,
    valid/_annotations.coco.json         #          test: test/_annotations.coco.json}
    test/_annotations.coco.json          # images: {train: train, validation: valid, test: test}

    annotations/instances_train2017.json # splits: {train: annotations/instances_train2017.json,
    annotations/instances_val2017.json   #          validation: annotations/instances_val2017.json}
    train2017/000000000009.jpg           # images: {train: train2017, validation: val2017}
    val2017/000000000139.jpg             # overlap: later

Where the folders differ they are part of the ids, ``train2017/000000000009``: equal names in two folders are two
images. An image that two splits list in one folder is refused.

Say with ``groups`` which images show the same object: without it every image counts as an object of its own. Roboflow
may export an image several times over, augmented: ``groups: '([^/]+)\.rf\.'`` keeps these together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

import numpy as np
from bench_plugins.datasets._coco_example import ANNOTATIONS, example
from bench_plugins.datasets._coco_listing import Annotation, Listed, Listing, read_listing
from bench_plugins.datasets._coco_regions import pixels
from bench_plugins.datasets._grouping import check_groups, groups_of
from bench_plugins.datasets._pairing import stored_channels
from bench_plugins.datasets._settings import check_free

from bench.api import (
    IGNORED,
    SPLITS,
    About,
    Channels,
    Component,
    DataError,
    Dataset,
    Exif,
    Mask,
    Record,
    Sample,
    SettingsError,
    Split,
    hookimpl,
    is_picture,
    plural,
    read_image,
    visible,
)

Crowds: TypeAlias = Literal["ignore", "defect"]


@dataclass(frozen=True, slots=True)
class Picture:
    """One image, the file of annotations that lists it, and the split of that file."""

    path: Path
    listing: Path
    split: Split | None
    listed: Listed


@dataclass(frozen=True)
class Coco:
    """Images and annotation files on disk; ``folders`` and ``listings`` have the same keys.

    Ids are the file names without type, ``part1_top``, below their folder if there are several, ``train/part1_top``.
    """

    root: Path
    folders: Mapping[Split | None, PurePosixPath]
    listings: Mapping[Split | None, str]
    overlap: Literal["refuse", "later"]
    crowds: Crowds | None
    channels: Channels | None
    exif: Exif
    groups: str | None

    @property
    def classes(self) -> Sequence[str]:
        """The names of the categories in the order of their ids.

        Raises:
            DataError: a file of annotations is missing or damaged, or two have other categories.
        """
        return tuple(next(iter(self._listings.values())).categories.values())

    def records(self) -> Sequence[Record]:
        """Every listed image in the order of its id.

        Raises:
            DataError: a file of annotations is damaged, an image is missing or listed twice, or a group is unknown.
        """
        if self.crowds is None:
            self._check_crowds()
        ids = sorted(self._pictures)
        group_of = groups_of(self.root, self.groups, ids)
        found = []
        for id in ids:
            picture = self._pictures[id]
            if not _is_file(picture.path):
                raise DataError(f"{picture.listed.where}: its file {picture.path} is missing; {self._advice(picture)}")
            files = (picture.path, picture.listing)
            found.append(Record(id=id, group=group_of[id], split=picture.split, files=files))
        return found

    def _advice(self, picture: Picture) -> str:
        """What to do for a file that is missing: another place or type that is there, or else the plain truth."""
        if _is_file(self.root / picture.listed.name):
            return "its name holds the folder already: set 'images: .'"
        folder = picture.path.parent
        stem = picture.path.stem.lower()
        near = [path.name for path in visible(folder) if path.stem.lower() == stem] if folder.is_dir() else []
        return f"{near[0]} lies there: correct the entry" if near else "add it, or take its entry out"

    def load(self, id: str, /) -> Sample:
        """One image as stored, with its mask in class numbers.

        Raises:
            DataError: the image is damaged or not of the size listed, an annotation is not valid, classes share a pixel
                and ``overlap`` is ``refuse``, or the id is unknown.
        """
        picture = self._pictures.get(id)
        if picture is None:
            raise DataError(f"{self.root}: no image {id!r} is listed")
        image = read_image(picture.path, channels=self._channels, exif=self.exif)
        height, width, _ = image.shape
        listed = picture.listed
        if (width, height) != (listed.width, listed.height):
            raise DataError(
                f"{picture.path}: {width}x{height} pixels, but {listed.where} is {listed.width}x{listed.height}; "
                "annotations count on the size listed"
            )
        return Sample(id, image, self._mask(listed))

    def remarks(self) -> Sequence[str]:
        """What is not taken as it stands: crowds, unless they are defects, and pictures that no entry lists."""
        return (*self._of_crowds(), *self._of_unlisted())

    def _of_crowds(self) -> Iterator[str]:
        annotations = list(self._annotations())
        crowds = sum(annotation.crowd for annotation in annotations)
        if crowds and self.crowds != "defect":
            yield (
                f"{crowds:,} of {plural(len(annotations), 'annotation')} are crowds ('iscrowd: 1') and so ignored; "
                "if a brush drew them, set 'crowds: defect'"
            )

    def _of_unlisted(self) -> Iterator[str]:
        known = {picture.path for picture in self._pictures.values()}
        for folder in sorted({self.root / folder for folder in self.folders.values()}):
            seen = [path for path in folder.rglob("[!.]*") if is_picture(path) and path not in known]
            if seen:
                count = plural(len(seen), "picture")
                yield f"{count} in {folder.name} (as {seen[0].name}) not read: no entry lists them"

    @cached_property
    def _channels(self) -> Channels:
        """As asked, or as the first image is stored."""
        return self.channels or stored_channels(self._pictures[min(self._pictures)].path)

    def _annotations(self) -> Iterator[Annotation]:
        for listing in self._listings.values():
            for listed in listing.images:
                yield from listed.annotations

    def _check_crowds(self) -> None:
        """Refuse a category of which there are crowds only, unless a setting says what they are.

        Raises:
            DataError: names the file and the category.
        """
        outlined = {annotation.defect for annotation in self._annotations() if not annotation.crowd}
        for annotation in self._annotations():
            if annotation.defect not in outlined:
                raise DataError(
                    f"{annotation.where}: every annotation of {self.classes[annotation.defect - 1]!r} is a crowd "
                    "('iscrowd: 1'), as brushes of some tools write; set 'crowds: defect' to take them as defects, or "
                    "'crowds: ignore' to leave their pixels out of training and scoring",
                    remedies=({"crowds": "defect"}, {"crowds": "ignore"}),
                )

    def _mask(self, listed: Listed) -> Mask:
        """Class numbers of the regions; what only crowds mark is ignored, unless they are defects."""
        mask = np.zeros((listed.height, listed.width), np.uint8)
        crowds = np.zeros(mask.shape, np.bool_)
        names = list(map(repr, self.classes))
        for annotation in listed.annotations:
            marked = pixels(annotation.segmentation, *mask.shape, annotation.where)
            if annotation.crowd and self.crowds != "defect":
                crowds |= marked
                continue
            if self.overlap == "refuse":
                later = "later' to give such pixels to the annotation that stands later in the file"
                check_free(mask, marked, annotation.defect, annotation.where, names, later)
            mask[marked] = annotation.defect
        mask[crowds & (mask == 0)] = IGNORED
        return mask

    @cached_property
    def _listings(self) -> Mapping[Split | None, Listing]:
        """Read once, as decoding asks for it image by image."""
        found = {split: read_listing(self.root / name) for split, name in self.listings.items()}
        first, *others = found.values()
        for other in others:
            if other.categories != first.categories:
                raise DataError(f"{other.file}: its categories are not those of {first.file}; ids and names must agree")
        return found

    @cached_property
    def _pictures(self) -> Mapping[str, Picture]:
        """Every image by id."""
        found: dict[str, Picture] = {}
        several = len(set(self.folders.values())) > 1
        for split, listing in self._listings.items():
            folder = self.folders[split]
            for listed in listing.images:
                id = str(folder / listed.id) if several else listed.id
                if id in found:
                    raise DataError(
                        f"{listed.where}: {str(listed.name)!r} has the name of {found[id].listed.where}, "
                        "file types aside; names must differ"
                    )
                found[id] = Picture(self.root / folder / listed.name, listing.file, split, listed)
            if not listing.images:
                raise DataError(f"{listing.file}: lists no image")
        return found


def _is_file(path: Path) -> bool:
    """Also False for names that no file can have."""
    try:
        return path.is_file()
    except OSError:
        return False


def build(
    root: Path,
    /,
    *,
    annotations: str = ANNOTATIONS,
    images: str | dict[Split, str] = "images",
    splits: dict[Split, str] | None = None,
    overlap: Literal["refuse", "later"] = "refuse",
    crowds: Crowds | None = None,
    channels: Channels | None = None,
    exif: Exif = "refuse",
    groups: str | None = None,
) -> Dataset:
    r"""Read ``annotations``, a file below the root, and the folder ``images``.

    ``splits`` names a file for each official split instead; ``images`` may then name a folder for each too. ``overlap``
    says what a pixel of two classes is: a mistake, or of the class of the annotation that stands later in the file.
    ``crowds`` says what regions with ``iscrowd: 1`` are: ``ignore`` their pixels, or each a ``defect``; without it they
    are ignored, and refused where a category has no other. ``channels`` makes all images grey (1) or colour (3);
    without it they are as the first one. ``exif`` says what becomes of a photograph that viewers turn: ``turn`` it if
    it was annotated so, or ``keep`` it as stored. ``groups`` says which images show one object: a csv file
    (``id,group``) below the root, or a pattern whose one pair of brackets finds the group in the id, as ``^(part\d+)``.

    Raises:
        SettingsError: settings that contradict each other.
    """
    check_groups(groups)
    listings: dict[Split | None, str] = {None: annotations}
    if splits is not None:
        if annotations != ANNOTATIONS:
            raise SettingsError("annotations and splits both name files of annotations; set one of the two")
        if not splits or len(set(splits.values())) < len(splits):
            raise SettingsError(f"splits: {splits} must name a file for every split, another for each")
        listings = {split: splits[split] for split in SPLITS if split in splits}
    elif isinstance(images, dict):
        raise SettingsError(f"images: {images} names a folder for each split; name the file of each with 'splits'")
    return Coco(root, _folders(images, listings), listings, overlap, crowds, channels, exif, groups)


def _folders(
    images: str | Mapping[Split, str], splits: Collection[Split | None]
) -> Mapping[Split | None, PurePosixPath]:
    """The folder of the images of each split.

    Raises:
        SettingsError: a folder without a file of annotations, a file without a folder, or a folder outside the root.
    """
    if isinstance(images, str):
        return dict.fromkeys(splits, PurePosixPath(images))
    for split in SPLITS:
        if (split in images) != (split in splits):
            named, lacking = ("images", "splits") if split in images else ("splits", "images")
            raise SettingsError(f"{named} names {split!r}, but {lacking} does not; both must name the same splits")
    folders: dict[Split | None, PurePosixPath] = {split: PurePosixPath(images[split]) for split in images}
    for key, folder in folders.items():
        if folder.is_absolute() or ".." in folder.parts:
            raise SettingsError(f"images: the folder {str(folder)!r} of {key!r} must lie below the data set's folder")
    return folders


ABOUT = About(
    summary="Your own data in the COCO detection format: polygons or run lengths in a file, and a folder of images",
    licence="yours",
    home="https://cocodataset.org/#format-data",
    obtain="name the folder that holds annotations.json and images/: 'data: {coco: path}' or '--data coco=path'",
)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer any data in the COCO detection format."""
    yield Component("coco", build, version=2, about=ABOUT, example=example)
