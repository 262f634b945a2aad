"""NEU-Seg: 4,470 images of hot-rolled steel strip, 200 x 200, with three kinds of defect.

Two layouts, at the folder the user names or one level below it; the first is the original release::

    images/{training,test}/{NNNNNN}.jpg       annotations/{training,test}/{NNNNNN}.png
    img_dir/{train,val,test}/{NNNNNN}.jpg     ann_dir/{train,val,test}/{NNNNNN}.png

Masks hold class numbers: 0 background, 1 inclusions, 2 patches, 3 scratches. A class list that goes with the second
layout names a fourth kind, ``others``, which no mask holds. The JPEG files have three equal channels and stay so.

Images recur turned by 90, 180 and 270 degrees, and the splits were made after turning: a test image of the original
release (``000403``) is a training image upside down (``002453``). Hence the badge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from bench_plugins.datasets._miniature import write_copy, write_jpg, write_stray
from bench_plugins.datasets._released import Layout, Released, check_marks, files_below, matched

from bench.api import (
    About,
    Component,
    DataError,
    Dataset,
    Download,
    Image,
    Mask,
    Record,
    Release,
    Split,
    check_values,
    entry,
    hookimpl,
    read_pair,
    subfolders,
    write_png,
)

CLASSES = ("inclusions", "patches", "scratches")
"""Three kinds of defect; no image is free of them."""
SPLITS_OF_FOLDERS: Mapping[str, Split] = {
    "training": "train",
    "train": "train",
    "val": "validation",
    "test": "test",
}
LAYOUTS: Mapping[str, str] = {"images": "annotations", "img_dir": "ann_dir"}
"""Folder of images to folder of masks."""
IMAGE, MASK = r"(\d{6}(?:_test)?)\.jpg", r"(\d{6}(?:_test)?)\.png"
"""Everything else is a stray file; the second layout tells equal numbers of train and test apart by ``_test``."""

OBTAIN = (
    "git clone https://github.com/DHW-Master/NEU_Seg neu-seg; "
    "then name the folder in the suite, 'data: {neu-seg: path/to/neu-seg}', or with '--data neu-seg=path/to/neu-seg'"
)


def _records(home: Path) -> Sequence[Record]:
    """Every image with the split of its folder, ordered by id: numbers of different folders name different images.

    Raises:
        DataError: the data set is there in both layouts, or an image or mask lacks its partner.
    """
    layouts = _layouts(home)
    if len(layouts) > 1:
        raise DataError(f"{home}: holds the data set in two layouts, {' and '.join(layouts)}; keep one of them")
    image_folder, mask_folder = entry(home, layouts[0]), entry(home, LAYOUTS[layouts[0]])
    images = files_below(_folders(image_folder), IMAGE)
    masks = files_below(_folders(mask_folder), MASK)
    pairs = matched(images, masks, lambda key: image_folder / f"{key}.jpg", lambda key: mask_folder / f"{key}.png")
    if not pairs:
        raise DataError(f"{image_folder}: holds no image named like {LAYOUT.image}; {LAYOUT.obtain}")
    records: list[Record] = []
    for id, files in sorted(pairs.items()):
        records.append(Record(id=id, group=id, split=SPLITS_OF_FOLDERS[id.partition("/")[0]], files=files))
    return records


def _layouts(folder: Path) -> list[str]:
    """The image folders that lie here together with their mask folder and hold at least one split."""
    layouts: list[str] = []
    for images, masks in LAYOUTS.items():
        found = subfolders(folder, (images, masks))
        if len(found) == 2 and _folders(found[images]):
            layouts.append(images)
    return layouts


def _folders(home: Path) -> dict[str, Path]:
    return subfolders(home, tuple(SPLITS_OF_FOLDERS))


def _read(record: Record) -> tuple[Image, Mask]:
    """One image ``uint8[H, W, 3]`` with its mask, both as stored.

    Raises:
        DataError: a file is damaged, the sizes differ, or the mask holds an unknown value or no defect.
    """
    image_file, mask_file = record.files
    image, mask = read_pair(image_file, mask_file, channels=3)
    check_values(mask, range(len(CLASSES) + 1), mask_file)
    check_marks(mask, mask_file, "every image of the release has a defect")
    return image, mask


LAYOUT = Layout(
    holds=_layouts,
    wanted=" or ".join(f"folders {images} and {masks}" for images, masks in LAYOUTS.items()),
    obtain=f"get the data with: {OBTAIN}",
    image="train/000901.jpg",
)


def build(root: Path, /) -> Dataset:
    """Read whichever of the two layouts is there."""
    return Released(root, LAYOUT, CLASSES, _records, _read)


def example(folder: Path) -> None:
    """Write a miniature of the original release: four images of each kind to train on, two to test, one of all."""
    for split, kinds in {"training": [1, 2, 3] * 4, "test": [1, 2, 3] * 2}.items():
        for number, kind in enumerate(kinds, start=901 if split == "training" else 1):
            _write_miniature(folder, f"{split}/{number:06d}", (kind,))
    _write_miniature(folder, "training/000213", (1, 2, 3))
    (folder / "README.md").write_text("# NEU-Seg\n")
    write_stray(folder / "images" / "test" / "Thumbs.db")
    write_copy(folder / "images" / "training" / "000213.jpg")


def _write_miniature(folder: Path, id: str, kinds: Sequence[int]) -> None:
    """Rolled steel of 50 x 50 pixels: streaks along the strip, and one mark of every kind asked for."""
    rng = np.random.default_rng([int(id[-6:]), *kinds])
    mask = np.zeros((50, 50), np.uint8)
    for kind in kinds:
        mask[_mark(kind, rng)] = kind
    grey = 130 + 10 * rng.standard_normal((1, 50)) + 6 * rng.standard_normal((50, 50))
    grey += np.array([0, -60, -40, 70])[mask]
    write_jpg(folder / "images" / f"{id}.jpg", np.repeat(grey[:, :, None], 3, axis=2))
    write_png(folder / "annotations" / f"{id}.png", mask)


def _mark(kind: int, rng: np.random.Generator) -> tuple[slice, slice]:
    """Inclusions are short and upright, patches wide, scratches long and thin; each kind in its own third."""
    height, width = {1: (9, 3), 2: (10, 16), 3: (2, 30)}[kind]
    top, left = 17 * (kind - 1) + int(rng.integers(4)), int(rng.integers(50 - width))
    return slice(top, top + height), slice(left, left + width)


ABOUT = About(
    summary=(
        "Hot-rolled steel strip, 3 kinds of defect, 4,470 images of 200 x 200, none clean; "
        "turned copies of test images are in train"
    ),
    licence="none stated; cite the paper",
    withheld="no licence is stated",
    citation=(
        "Dong, Song, He, Xu, Yan, Meng: PGA-Net: Pyramid feature fusion and global context attention network for "
        "automated surface defect detection, IEEE Transactions on Industrial Informatics 16 (2020) 7448-7458, "
        "doi:10.1109/TII.2019.2958826"
    ),
    home="https://github.com/DHW-Master/NEU_Seg",
    obtain=OBTAIN,
)
RELEASE = Release(
    downloads=(Download(("https://github.com/DHW-Master/NEU_Seg/archive/refs/heads/main.zip",)),),
    images=4_470,
    defective=4_470,
)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer the data set, with a badge for its leaky split."""
    yield Component(
        "neu-seg",
        build,
        about=ABOUT,
        example=example,
        badge="leaky split: turned copies of test images in train",
        release=RELEASE,
    )
