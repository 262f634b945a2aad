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
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from bench.api import (
    About,
    Bool,
    Component,
    DataError,
    Dataset,
    Download,
    Image,
    Record,
    Release,
    Sample,
    Split,
    check_partners,
    check_share,
    check_values,
    hookimpl,
    named_files,
    plural,
    read_csv,
    read_pair,
    release_files,
    release_home,
    subfolders,
    write_png,
)

NUMBERS: Mapping[Split, range] = {"train": range(10000, 12331), "test": range(20000, 21004)}
"""The images of each official split, which are also the names of the folders."""
DEFECTIVE = Path(__file__).with_name("ksdd2_defective.csv")
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
        return [
            Record(id=id, group=id, split="train" if id.startswith("train/") else "test", files=pair)
            for id, pair in self._pairs.items()
        ]

    def load(self, id: str, /) -> Sample:
        """One image ``uint8[H, W, 3]``; 255 in its mask file is a defect.

        Raises:
            DataError: a file is missing or damaged, the sizes differ, the mask cannot be the released one, or the id
                is unknown.
        """
        if id not in self._pairs:
            raise DataError(f"{self.root}: no image {id!r}; ids are like 'train/10301'")
        image, mask = self._pairs[id]
        pixels, values = read_pair(image, mask, channels=3)
        check_values(values, (0, 255), mask)
        marked = values == 255
        check_share(marked, MOST, mask)
        _check_known(int(image.stem), marked, mask)
        return Sample(id, pixels, marked.astype(np.uint8))

    @cached_property
    def _pairs(self) -> Mapping[str, tuple[Path, Path]]:
        """Image and mask file by id, train before test; looked up once, as decoding asks for them one by one."""
        home = release_home(
            self.root,
            _holds_splits,
            wanted="folder train or test with images like 10000.png",
            obtain=f"get it with {OBTAIN}",
        )
        folders = subfolders(home, tuple(NUMBERS))
        pairs = {id: pair for split in NUMBERS if split in folders for id, pair in _pairs_of(split, folders[split])}
        if not pairs:
            raise DataError(f"{home}: holds no image named like train/10000.png; get it with {OBTAIN}")
        return pairs


def _check_known(number: int, marked: Bool, file: Path) -> None:
    """Refuse a mask that marks something where the release marks nothing, or the reverse.

    Raises:
        DataError: names the file.
    """
    defective = number in defective_numbers()
    if marked.any() != defective:
        found, known = ("marks nothing", "has a defect") if defective else ("marks a defect", "is clean")
        raise DataError(f"{file}: {found}, but image {number} of the release {known}; restore the original file")


def _holds_splits(folder: Path) -> bool:
    splits = subfolders(folder, tuple(NUMBERS)).values()
    return any(named_files(split, IMAGE) or named_files(split, MASK) for split in splits)


def _pairs_of(split: Split, folder: Path) -> Iterator[tuple[str, tuple[Path, Path]]]:
    """Image and mask files of one split with their ids, by number.

    Raises:
        DataError: an image or a mask stands alone, or has a number of no image of this split.
    """
    images, masks = release_files(folder, IMAGE, MASK)
    check_partners(images, masks, "mask", lambda number: f"{number}_GT.png")
    check_partners(masks, images, "image", lambda number: f"{number}.png")
    foreign = [path for number, path in images.items() if int(number) not in NUMBERS[split]]
    if foreign:
        raise DataError(
            f"{foreign[0]}: not an image of the {split} split, which has {NUMBERS[split][0]} to {NUMBERS[split][-1]} "
            f"({plural(len(foreign), 'such image')}); move it, or use the data set 'folder' for images of your own"
        )
    return ((f"{split}/{number}", (image, masks[number])) for number, image in images.items())


def build(root: Path, /) -> Dataset:
    """The official split; validation is dealt from train."""
    return KolektorSDD2(root)


EXAMPLE: Mapping[Split, Sequence[int]] = {
    "train": (10000, 10001, 10002, 10021, 10028, 10301, 10302, 12247, 12329, 12330),
    "test": (20000, 20042, 20056, 20500, 20969, 21003),
}


def example(folder: Path) -> None:
    """Write a miniature of the release, a quarter of the size, defective where the release is, and its stray copies."""
    for split, numbers in EXAMPLE.items():
        for number in numbers:
            _write_miniature(
                folder / split / f"{number}.png", np.random.default_rng(number), number in defective_numbers()
            )
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
