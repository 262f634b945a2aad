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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from bench_plugins.datasets._miniature import pixels, write_copy, write_stray
from bench_plugins.datasets._released import Layout, Released, pairs_in, read_marked

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
    hookimpl,
    named_files,
    plural,
    read_csv,
    subfolders,
    write_png,
)

CLASSES = ("defect",)
"""Every marked pixel is a defect; the release knows no kinds."""
NUMBERS: Mapping[Split, range] = {"train": range(10000, 12331), "test": range(20000, 21004)}
"""The images of each official split, which are also the names of the folders."""
DEFECTIVE = Path(__file__).with_name("_ksdd2_defective.csv")
MOST = 0.5
"""The largest defect fills 0.30 of its image."""
IMAGE, MASK = r"(\d{5})\.png", r"(\d{5})_GT\.png"
"""Everything else in a folder is a stray file and is not read."""

OBTAIN = (
    "'bench data fetch ksdd2', or unpack https://data.vicos.si/datasets/KSDD/KolektorSDD2.zip into a folder; then name "
    "the folder in the suite, 'data: {ksdd2: path/to/KolektorSDD2}', or with '--data ksdd2=path/to/KolektorSDD2'"
)


@lru_cache(maxsize=1)
def defective_numbers() -> frozenset[int]:
    """The images of the release that have a defect: 246 of the train split, 110 of the test split."""
    return frozenset(int(row["number"]) for row in read_csv(DEFECTIVE, ("number",)))


def _records(home: Path) -> Iterator[Record]:
    """Every image with its official split: train, then test, each by number.

    Raises:
        DataError: an image or mask lacks its partner, or lies in the wrong split.
    """
    folders = subfolders(home, tuple(NUMBERS))
    for split, numbers in NUMBERS.items():
        pairs = pairs_in(folders[split], IMAGE, MASK) if split in folders else {}
        foreign = [files for number, files in pairs.items() if int(number) not in numbers]
        if foreign:
            raise DataError(
                f"{foreign[0][0]}: not an image of the {split} split, which has {numbers[0]} to {numbers[-1]} "
                f"({plural(len(foreign), 'such image')}); move it, or use the data set 'folder' for images of your own"
            )
        for number, files in pairs.items():
            id = f"{split}/{number}"
            yield Record(id=id, group=id, split=split, files=files)


def _read(record: Record) -> tuple[Image, Mask]:
    """One image ``uint8[H, W, 3]``; 255 in its mask file is a defect.

    Raises:
        DataError: a file is missing or damaged, the sizes differ, or the mask cannot be the released one.
    """
    image_file, mask_file = record.files
    number = int(image_file.stem)
    defective = number in defective_numbers()
    why = f"image {number} of the release has a defect" if defective else ""
    image, marked = read_marked(image_file, [mask_file], 3, most=MOST, why=why)
    if marked.any() and not defective:
        raise DataError(
            f"{mask_file}: marks a defect, but image {number} of the release is clean; restore the original file"
        )
    return image, marked.astype(np.uint8)


def _holds_splits(folder: Path) -> bool:
    splits = subfolders(folder, tuple(NUMBERS)).values()
    return any(named_files(split, IMAGE) or named_files(split, MASK) for split in splits)


LAYOUT = Layout(
    holds=_holds_splits,
    wanted="folder train or test with images like 10000.png",
    obtain=f"get it with {OBTAIN}",
    image="train/10000.png",
    unknown="no image {!r}; ids are like 'train/10301'",
)


def build(root: Path, /) -> Dataset:
    """The official split; validation is dealt from train."""
    return Released(root, LAYOUT, CLASSES, _records, _read)


EXAMPLE: Mapping[Split, Sequence[int]] = {
    "train": (10000, 10001, 10002, 10021, 10028, 10301, 10302, 12247, 12329, 12330),
    "test": (20000, 20042, 20056, 20500, 20969, 21003),
}


def example(folder: Path) -> None:
    """Write a miniature of the release, a quarter of the size, defective where the release is, and its stray copies."""
    for split, numbers in EXAMPLE.items():
        for number in numbers:
            image = folder / split / f"{number}.png"
            _write_miniature(image, np.random.default_rng(number), number in defective_numbers())
    write_copy(folder / "train" / "10301.png")
    write_copy(folder / "train" / "10301_GT.png")
    write_stray(folder / "train" / "Thumbs.db")


def _write_miniature(image: Path, rng: np.random.Generator, defect: bool) -> None:
    """A dark brownish surface of 58 x 160 pixels or so with grain; a defect is a light spot."""
    height, width = int(rng.integers(150, 167)), int(rng.integers(46, 61))
    rows, columns = np.ogrid[:height, :width]
    row, column = rng.uniform(0.3, 0.7, 2) * (height, width)
    inside = np.hypot((rows - row) / rng.uniform(6, 12), (columns - column) / rng.uniform(4, 8)) < 1
    marked = inside if defect else np.zeros((height, width), np.bool_)
    grain = rng.normal(0, 6, (height, 1)) + rng.normal(0, 5, (height, width)) + 45 * marked
    write_png(image, pixels(np.array([78, 70, 62]) + grain[:, :, None]))
    write_png(image.with_name(f"{image.stem}_GT.png"), marked.astype(np.uint8) * np.uint8(255))


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
