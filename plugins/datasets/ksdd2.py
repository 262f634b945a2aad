"""KolektorSDD2 (Bozic et al. 2021): 3,335 colour images of one product, 356 with a defect, split into train and test.

Layout of the release, at the folder the user names or one level below it::

    train/{NNNNN}.png       10000 to 12330: 2,331 images, 246 with a defect; about 230 x 640, 601 different sizes
    train/{NNNNN}_GT.png    mask, 0 or 255, for every image
    test/{NNNNN}.png        20000 to 21003: 1,004 images, 110 with a defect
    test/{NNNNN}_GT.png

The archive also holds ``10301 (copy).png`` and ``10301_GT (copy).png``, and lists for weak supervision (``.pyb``,
pickles): none of them is read. Nothing is known of which images show the same item, so every image is a group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from bench.api import (
    About,
    Component,
    DataError,
    Dataset,
    Download,
    Image,
    Record,
    Release,
    Sample,
    Split,
    check_values,
    hookimpl,
    read_pair,
    release_home,
    write_png,
)

NUMBERS: Mapping[Split, range] = {"train": range(10000, 12331), "test": range(20000, 21004)}
"""The images of each official split, which are also the names of the folders."""
NAME = re.compile(r"(?P<number>\d{5})(_GT)?\.png", re.ASCII)
"""Everything else in a folder is a stray file and is not read."""
ID = re.compile(r"(train|test)/\d{5}", re.ASCII)

OBTAIN = (
    "'bench data fetch ksdd2', or unpack https://data.vicos.si/datasets/KSDD/KolektorSDD2.zip into a folder; then name "
    "the folder in the suite, 'data: {ksdd2: path/to/KolektorSDD2}', or with '--data ksdd2=path/to/KolektorSDD2'"
)


@dataclass(frozen=True)
class KolektorSDD2:
    """The release on disk. Ids are ``train/10301``."""

    root: Path

    @property
    def classes(self) -> Sequence[str]:
        """Every marked pixel is a defect; the release knows no kinds."""
        return ("defect",)

    def records(self) -> Sequence[Record]:
        """Every image with its official split: train, then test, each by number.

        Raises:
            DataError: the folder is not the data set, an image or mask lacks its partner, or lies in the wrong split.
        """
        records = [_record(split, image) for split in NUMBERS for image in _images(self._home / split, split)]
        if not records:
            raise DataError(f"{self._home}: holds no image named like train/10000.png; get it with {OBTAIN}")
        return records

    def load(self, id: str, /) -> Sample:
        """One image ``uint8[H, W, 3]``; 255 in its mask file is a defect.

        Raises:
            DataError: a file is missing or damaged, the sizes differ, the mask holds other values than 0 and 255, or
                the id is unknown.
        """
        if not ID.fullmatch(id):
            raise DataError(f"{self.root}: no image {id!r}; ids are like 'train/10301'")
        image = self._home / f"{id}.png"
        pixels, values = read_pair(image, _partner(image))
        check_values(values, (0, 255), _partner(image))
        return Sample(id, pixels, (values == 255).astype(np.uint8))

    @cached_property
    def _home(self) -> Path:
        """The folder that holds ``train`` and ``test``: the one named, or the only one such a level below."""
        return release_home(
            self.root,
            _holds_splits,
            wanted="folder train or test with images like 10000.png",
            obtain=f"get it with {OBTAIN}",
        )


def _holds_splits(folder: Path) -> bool:
    splits = [folder / split for split in NUMBERS if (folder / split).is_dir()]
    return any(NAME.fullmatch(path.name) for split in splits for path in split.iterdir())


def _images(folder: Path, split: Split) -> list[Path]:
    """Image files of one split by number; none where the folder is absent.

    Raises:
        DataError: an image or a mask stands alone, or has a number of no image of this split.
    """
    files = {path for path in folder.iterdir() if NAME.fullmatch(path.name)} if folder.is_dir() else set()
    alone = sorted(path for path in files if _partner(path) not in files)
    if alone:
        what = "image" if alone[0].stem.endswith("_GT") else "mask"
        raise DataError(
            f"{alone[0]}: its {what} {_partner(alone[0]).name} is missing ({len(alone)} such file(s)); "
            "fetch the data set again, or remove the file"
        )
    foreign = sorted(path for path in files if int(path.stem[:5]) not in NUMBERS[split])
    if foreign:
        raise DataError(
            f"{foreign[0]}: not an image of the {split} split, which has {NUMBERS[split][0]} to {NUMBERS[split][-1]} "
            f"({len(foreign)} such file(s)); move it, or use the data set 'folder' for images of your own"
        )
    return sorted(path for path in files if not path.stem.endswith("_GT"))


def _partner(path: Path) -> Path:
    """The mask of an image, or the image of a mask."""
    stem = path.stem.removesuffix("_GT") if path.stem.endswith("_GT") else f"{path.stem}_GT"
    return path.with_name(f"{stem}.png")


def _record(split: Split, image: Path) -> Record:
    id = f"{split}/{image.stem}"
    return Record(id=id, group=id, split=split, files=(image, _partner(image)))


def build(root: Path, /) -> Dataset:
    """The official split; validation is dealt from train."""
    return KolektorSDD2(root)


EXAMPLE: Mapping[Split, Sequence[int]] = {
    "train": (10000, 10001, 10002, 10003, 10301, 10302, 11999, 12000, 12329, 12330),
    "test": (20000, 20001, 20500, 20501, 21002, 21003),
}


def example(folder: Path) -> None:
    """Write a miniature of the release, a quarter of the size, odd numbers with a defect, with its stray copies."""
    for split, numbers in EXAMPLE.items():
        for number in numbers:
            _write_miniature(folder / split / f"{number}.png", np.random.default_rng(number), bool(number % 2))
    train = folder / "train"
    for original, copy in (("10301.png", "10301 (copy).png"), ("10301_GT.png", "10301_GT (copy).png")):
        (train / copy).write_bytes((train / original).read_bytes())
    (train / "Thumbs.db").write_bytes(b"not an image")


def _write_miniature(image: Path, rng: np.random.Generator, defect: bool) -> None:
    """A dark brownish surface of 58 x 160 pixels or so with grain; a defect is a light spot."""
    height, width = int(rng.integers(150, 167)), int(rng.integers(46, 61))
    rows, columns = np.ogrid[:height, :width]
    row, column = rng.uniform(0.3, 0.7, 2) * (height, width)
    inside = np.hypot((rows - row) / rng.uniform(6, 12), (columns - column) / rng.uniform(4, 8)) < 1
    marked = inside if defect else np.zeros((height, width), np.bool_)
    grain = rng.normal(0, 6, (height, 1)) + rng.normal(0, 5, (height, width)) + 45 * marked
    pixels: Image = np.clip(np.array([78, 70, 62]) + grain[:, :, None], 0, 255).astype(np.uint8)
    write_png(image, pixels)
    write_png(_partner(image), marked.astype(np.uint8) * np.uint8(255))


ABOUT = About(
    summary="KolektorSDD2: one product in colour, 3,335 images, 356 with defects, official train and test",
    licence="CC BY-NC-SA 4.0",
    citation=(
        "Bozic, Tabernik, Skocaj: Mixed supervision for surface-defect detection: from weakly to fully supervised "
        "learning, Computers in Industry 129 (2021) 103459"
    ),
    home="https://www.vicos.si/resources/kolektorsdd2/",
    obtain=OBTAIN,
)
RELEASE = Release(
    downloads=(
        Download(
            urls=("https://data.vicos.si/datasets/KSDD/KolektorSDD2.zip", "https://go.vicos.si/kolektorsdd2"),
            sha256="edcdb486809b24f1d17b785e30c52fafc5999554dd5fe18ddf77b61ceb6f36a8",
            size=853_126_555,
        ),
    ),
    images=3335,
    defective=356,
    splits=(("train", 2331), ("test", 1004)),
)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer the second Kolektor set."""
    yield Component("ksdd2", build, about=ABOUT, example=example, release=RELEASE)
