"""Magnetic Tile Defects (Huang et al. 2018): 1,344 grey images of tiles with anti-aliased masks.

Layout of the release, at the folder the user names or one level below it::

    MT_{Blowhole,Break,Crack,Fray,Uneven,Free}/Imgs/exp{E}_num_{N}.jpg   image
                                                  /exp{E}_num_{N}.png    mask, for every image

One physical tile was photographed up to 15 times. ``_mtd_groups.csv`` says which images show the same tile, found
from the pixels and by viewing, and which split and fold each belongs to: dealt once over all 1,344 files by the
core's rule and frozen, so that a subset is split as the whole is.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from hashlib import blake2b
from operator import attrgetter
from pathlib import Path
from typing import cast

import numpy as np
from bench_plugins.datasets._miniature import pixels, write_jpg, write_stray
from bench_plugins.datasets._released import Layout, Released, check_marks, pairs_in
from bench_plugins.datasets._settings import check_threshold

from bench.api import (
    About,
    Bool,
    Component,
    DataError,
    Dataset,
    Image,
    Mask,
    Record,
    Release,
    Row,
    Split,
    check_drawn,
    check_share,
    entry,
    hookimpl,
    read_csv,
    read_pair,
    subfolders,
    write_png,
)

CLASSES = ("blowhole", "break", "crack", "fray", "uneven")
"""Five kinds of defect, one per class folder; a clean tile has no class."""
CLEAN = "MT_Free"
FOLDERS: Mapping[str, int] = {**{f"MT_{name.capitalize()}": k for k, name in enumerate(CLASSES, 1)}, CLEAN: 0}
"""Class folder to class number."""
FOLDS = 5
EMPTY = ("exp3_num_45042", "exp4_num_45057", "exp4_num_124690")
"""Uneven tiles whose released mask is empty; the release has a fourth, on one of ``EMPTY_TILES``."""
EMPTY_TILES = ("139798", "313478", "352479")
FAINT = "exp3_num_24829"
"""The one mask that marks something and never reaches 255: its highest level is 176."""
MOST = 0.75
"""No mask marks that much of its tile: 0.49 is the most in the 1,133 that were looked at."""
IMAGE, MASK = r"(exp\d+_num_\d+)\.jpg", r"(exp\d+_num_\d+)\.png"
"""Everything else in a class folder is a stray file (``Thumbs.db``, ``... (copy).png``) and is not read."""
SPLIT_OF_FOLD: Sequence[Split] = ("test", "validation", "train", "train", "train")
"""As the core deals: fold 0 is for test, the next for validation."""
GROUPS = Path(__file__).with_name("_mtd_groups.csv")

OBTAIN = (
    "git clone https://github.com/abin24/Magnetic-tile-defect-datasets. mtd; "
    "then name the folder in the suite, 'data: {mtd: path/to/mtd}', or with '--data mtd=path/to/mtd'"
)


@lru_cache(maxsize=1)
def tiles() -> Mapping[str, Row]:
    """What the table says of an image file, ``MT_Crack/Imgs/exp1_num_249594.jpg``: tile, frozen split, frozen fold."""
    return {row["file"]: row for row in read_csv(GROUPS, ("file", "group", "split", "fold"))}


def _records(home: Path) -> Sequence[Record]:
    """Every image with its tile, frozen split, fold and exposure, ordered by id.

    Raises:
        DataError: an image or mask lacks its partner, or an image is not in the table of tiles.
    """
    records: list[Record] = []
    for name, folder in _image_folders(home).items():
        pairs = pairs_in(folder, IMAGE, MASK)
        records += [_record(f"{name}/{stem}", files) for stem, files in pairs.items()]
    return sorted(records, key=attrgetter("id"))


def _image_folders(home: Path) -> Mapping[str, Path]:
    """The folders ``Imgs`` by the name of their class folder, those that exist."""
    found = {name: entry(folder, "Imgs") for name, folder in subfolders(home, tuple(FOLDERS)).items()}
    return {name: folder for name, folder in found.items() if folder.is_dir()}


def _record(id: str, files: tuple[Path, Path]) -> Record:
    """One image with what the table says of it.

    Raises:
        DataError: the table does not know it in this folder.
    """
    tile = tiles().get(_file(id))
    if tile is None:
        raise DataError(f"{files[0]}: {_foreign(files[0].stem)}")
    exposure = int(id.partition("/exp")[2].partition("_")[0])
    meta = {"exposure": exposure, "fold": int(tile["fold"]), "folds": FOLDS}
    return Record(id=id, group=tile["group"], split=cast(Split, tile["split"]), files=files, meta=meta)


def _file(id: str) -> str:
    """The image of an id as the table names it."""
    return f"{id.replace('/', '/Imgs/')}.jpg"


def _foreign(stem: str) -> str:
    """What to do with an image that the release does not have in this folder."""
    homes = [file.partition("/")[0] for file in tiles() if Path(file).stem == stem.lower()]
    if homes:
        return f"the release has this image in {homes[0]}/Imgs; move it there, with its mask"
    return (
        f"not one of the {len(tiles())} released images, so its tile is unknown; move it out of the data set, or use "
        "the data set 'folder' with groups of your own"
    )


def _loose_records(home: Path) -> Iterator[Record]:
    """Every image as its own group."""
    return map(_loose, _records(home))


def _loose(record: Record) -> Record:
    """The image without its tile; split and fold follow from its id alone, so a subset is split as the whole."""
    fold = int.from_bytes(blake2b(record.id.encode(), digest_size=8).digest()) % FOLDS
    return replace(record, group=record.id, split=SPLIT_OF_FOLD[fold], meta={**record.meta, "fold": fold})


def _read(record: Record, mask_threshold: int) -> tuple[Image, Mask]:
    """One image ``uint8[H, W, 1]``; the mask is the folder's class where the file has ``mask_threshold`` or more.

    Raises:
        DataError: a file is missing or damaged, the sizes differ, or the mask cannot be the released one.
    """
    image_file, mask_file = record.files
    image, values = read_pair(image_file, mask_file, channels=1)
    marked = values >= mask_threshold
    _check_released(record.id, values, marked, mask_file)
    return image, marked * np.uint8(FOLDERS[record.id.partition("/")[0]])


def _check_released(id: str, values: Mask, marked: Bool, file: Path) -> None:
    """Refuse a mask that the release cannot hold in this place.

    Raises:
        DataError: it marks a clean tile, marks nothing or too much of a defective one, or has other levels; names it.
    """
    folder, _, stem = id.partition("/")
    if not values.any():
        known_empty = stem in EMPTY or tiles()[_file(id)]["group"] in EMPTY_TILES
        if folder == CLEAN or (folder == "MT_Uneven" and known_empty):
            return
    if folder == CLEAN:
        raise DataError(
            f"{file}: {np.count_nonzero(values)} pixels are not 0, but {CLEAN} is free of defects; "
            "restore the original file"
        )
    check_marks(values, file, f"{folder} holds defective tiles")
    if values.max() < 255 and stem != FAINT:
        raise DataError(
            f"{file}: its highest level is {values.max()}, that of the released masks 255; restore the original file"
        )
    check_drawn(values, file)
    check_share(marked, MOST, file)


LAYOUT = Layout(
    holds=_image_folders,
    wanted=f"folder {', '.join(FOLDERS)}",
    obtain=f"get them with: {OBTAIN}",
    image="MT_Crack/Imgs/exp1_num_249594.jpg",
    unknown="no image {!r}; ids are like 'MT_Crack/exp1_num_249594'",
)


def build(root: Path, /, *, mask_threshold: int = 128) -> Dataset:
    """Grouped by physical tile, with the frozen split."""
    check_threshold(mask_threshold)
    return Released(root, LAYOUT, CLASSES, _records, partial(_read, mask_threshold=mask_threshold))


def build_leaky(root: Path, /, *, mask_threshold: int = 128) -> Dataset:
    """Split image by image, as most papers do: for comparison with them only."""
    return Released(root, LAYOUT, CLASSES, _loose_records, partial(_read, mask_threshold=mask_threshold))


def example(folder: Path) -> None:
    """Write a miniature of the release: two photographs of one tile per class folder and split, and a stray file."""
    photographs: dict[tuple[str, str], list[str]] = {}
    for file, tile in tiles().items():
        photographs.setdefault((file.partition("/")[0], tile["group"]), []).append(file)
    chosen: dict[tuple[str, str], list[str]] = {}
    for (kind, _), files in photographs.items():
        if len(files) > 1:
            chosen.setdefault((kind, tiles()[files[0]]["split"]), files[:2])
    for file in itertools.chain.from_iterable(chosen.values()):
        _write_miniature(folder / file)
    write_stray(folder / "MT_Crack" / "Imgs" / "Thumbs.db")


def _write_miniature(image: Path) -> None:
    """A dark, ground-looking tile of 70 x 50 pixels or so; a defect leaves a soft-edged mark."""
    rng = np.random.default_rng(int(image.stem.rpartition("_")[2]))
    height, width = 60 + int(rng.integers(24)), 40 + int(rng.integers(24))
    clean = image.parent.parent.name == CLEAN
    mask = np.zeros((height, width), np.uint8) if clean else _soft_mark(height, width, rng)
    grey = 90 + 8 * rng.standard_normal((1, width)) + 4 * rng.standard_normal((height, width))
    write_jpg(image, grey - 50 * (mask / 255))
    write_png(image.with_suffix(".png"), mask)


def _soft_mark(height: int, width: int, rng: np.random.Generator) -> Mask:
    """An ellipse whose edge falls from 255 to 0 over some pixels, like the anti-aliased masks of the release."""
    rows, columns = np.ogrid[:height, :width]
    row, column = rng.uniform(0.3, 0.7, 2) * (height, width)
    long, short = rng.uniform(8, 14), rng.uniform(3, 6)
    distance = np.hypot((rows - row) / long, (columns - column) / short)
    return pixels(255 * (1.5 - distance))


ABOUT = About(
    summary="Magnetic tiles, 5 kinds of defect, 1,344 grey images of 215 tiles, split by tile",
    licence="none stated; cite the paper",
    withheld="no licence is stated",
    citation=(
        "Huang, Qiu, Guo, Wang, Yuan: Surface defect saliency of magnetic tile, IEEE CASE 2018; "
        "Huang, Qiu, Yuan: Surface defect saliency of magnetic tile, The Visual Computer 36 (2020) 85-96"
    ),
    home="https://github.com/abin24/Magnetic-tile-defect-datasets.",
    obtain=OBTAIN,
)
RELEASE = Release(
    images=1344,
    defective=392,
    unmarked=4,
    classes=(("blowhole", 115), ("break", 85), ("crack", 57), ("fray", 32), ("uneven", 99)),
)
LEAKY = About(
    summary="The magnetic tiles split image by image: photographs of one tile lie in train and test",
    licence=ABOUT.licence,
    withheld=ABOUT.withheld,
    citation=ABOUT.citation,
    home=ABOUT.home,
    obtain=ABOUT.obtain.replace("mtd:", "mtd-leaky:").replace("--data mtd=", "--data mtd-leaky="),
)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer the grouped data set and, under its own name and badge, the leaky one."""
    yield Component("mtd", build, about=ABOUT, example=example, release=RELEASE)
    yield Component(
        "mtd-leaky",
        build_leaky,
        version=2,
        about=LEAKY,
        example=example,
        badge="leaky split: images of one tile in train and test",
        folder="mtd",
        release=RELEASE,
    )
