"""KolektorSDD, the first Kolektor set (Tabernik et al. 2020): 399 grey images of 50 commutators, 52 with a crack.

Layout of the release (``KolektorSDD.zip``, fine masks), at the folder the user names or one level below it::

    kos{NN}/Part{P}.jpg          image, 500 wide, about 1,270 high; kos01 to kos50, mostly Part0 to Part7
    kos{NN}/Part{P}_label.bmp    mask, for every image

A clean mask is a grey image of zeros; a mask with a defect is a palette image that shows it in white (and in grey).
One folder is one physical item and so one group, but two items are reported to be there twice: see ``SAME_ITEM``.
``KolektorSDD-boxes.zip`` has the same tree with a box around every crack; nothing in its files says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from bench_plugins.datasets._miniature import write_jpg, write_stray
from bench_plugins.datasets._released import Layout, Released, pairs_in

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
    check_share,
    check_values,
    hookimpl,
    named_files,
    read_pair,
    read_palette,
)

CLASSES = ("defect",)
"""Every marked pixel is a defect; the release knows no kinds."""
FOLDER = r"(kos\d{2})"
IMAGE, MASK = r"Part(\d+)\.jpg", r"Part(\d+)_label\.bmp"
"""Everything else in a folder is a stray file (``Thumbs.db``, ``Part1 (copy).jpg``) and is not read."""
SAME_ITEM: Mapping[str, str] = {"kos26": "kos01", "kos34": "kos27"}
"""Folders reported to hold the images of another one byte for byte: one item each, harmless if untrue."""
VALUES = (0, 85, 170, 255)
"""What the palettes of the release show; one mask tells two levels of defect apart."""
MOST = 0.5
"""No crack fills that much of an image."""

OBTAIN = (
    "'bench data fetch ksdd', or unpack https://data.vicos.si/datasets/KSDD/KolektorSDD.zip (fine masks, not "
    "KolektorSDD-boxes.zip) into a folder; then name the folder in the suite, 'data: {ksdd: path/to/KolektorSDD}', "
    "or with '--data ksdd=path/to/KolektorSDD'"
)


def _records(home: Path) -> Iterator[Record]:
    """Every image with its item and part, ordered by id.

    Raises:
        DataError: an image or mask lacks its partner.
    """
    for item, folder in _items(home).items():
        group = SAME_ITEM.get(item, item)
        for part, files in pairs_in(folder, IMAGE, MASK).items():
            yield Record(id=f"{item}/Part{part}", group=group, files=files, meta={"item": item, "part": int(part)})


def _items(home: Path) -> Mapping[str, Path]:
    """The folders of items by name."""
    return {item: path for item, path in named_files(home, FOLDER).items() if path.is_dir()}


def _read(record: Record) -> tuple[Image, Mask]:
    """One image ``uint8[H, W, 1]``; everything that the mask does not show in black is a defect.

    Raises:
        DataError: a file is missing or damaged, the sizes differ, or the mask cannot be the released one.
    """
    image_file, mask_file = record.files
    image, values = read_pair(image_file, mask_file, channels=1)
    check_values(values, VALUES, mask_file)
    marked = values != 0
    check_share(marked, MOST, mask_file)
    if not marked.any() and read_palette(mask_file):
        raise DataError(
            f"{mask_file}: marks nothing, but has a palette, as only masks with a crack have; restore the original file"
        )
    return image, marked.astype(np.uint8)


LAYOUT = Layout(
    holds=_items,
    wanted="folder named like kos01",
    obtain=f"get it with {OBTAIN}",
    image="kos01/Part5.jpg",
    unknown="no image {!r}; ids are like 'kos01/Part5'",
)


def build(root: Path, /) -> Dataset:
    """Grouped by physical item; the release has no fixed split."""
    return Released(root, LAYOUT, CLASSES, _records, _read)


EXAMPLE_ITEMS = ("kos01", "kos02", "kos03", "kos12", "kos20", "kos26", "kos27", "kos34", "kos49", "kos50")
"""Two of them hold the images of another one, as in the release."""
EXAMPLE_CLEAN = ("kos03", "kos50")


def example(folder: Path) -> None:
    """Write a miniature of the release: three parts of ten items, a tenth of the size, and stray files."""
    for item in EXAMPLE_ITEMS:
        seed = int(SAME_ITEM.get(item, item).removeprefix("kos"))
        for part in range(3):
            defect = part == 1 and item not in EXAMPLE_CLEAN
            _write_miniature(folder / item / f"Part{part}.jpg", np.random.default_rng([seed, part]), defect)
    write_stray(folder / "kos02" / "Thumbs.db")
    write_stray(folder / "kos02" / "Part1 (copy).jpg")


def _write_miniature(image: Path, rng: np.random.Generator, defect: bool) -> None:
    """A striped commutator surface of 50 x 126 pixels or so, with a dark crack across some stripes."""
    from PIL import Image as Pillow

    height, width = 124 + int(rng.integers(5)), 50
    marked = _crack(height, width, rng) if defect else np.zeros((height, width), np.uint8)
    stripes = 150 + 25 * np.sin(np.arange(width) / 3.0)[None, :]
    write_jpg(image, stripes + 5 * rng.standard_normal((height, width)) - 70 * (marked > 0))
    file = Pillow.fromarray(marked)
    if defect:
        levels = (0, 255) if marked.max() == 1 else (0, 85, 255)
        palette = np.zeros((256, 3), np.uint8)
        palette[: len(levels)] = np.array(levels)[:, None]
        file.putpalette(palette.tobytes())
    file.save(image.with_name(f"{image.stem}_label.bmp"))


def _crack(height: int, width: int, rng: np.random.Generator) -> Mask:
    """Palette indices of a wavering line: 1, or mostly 2 with two pixels of 1, as one mask of the release has."""
    marked = np.zeros((height, width), np.uint8)
    first, length = int(rng.integers(4, 14)), int(rng.integers(20, 32))
    rows = np.cumsum(rng.integers(-1, 2, length)) + height // 2
    index = 1 + int(rng.integers(2))
    for column, row in enumerate(rows.tolist(), start=first):
        marked[row - 1 : row + 2, column] = index
    marked[rows[:2], [first, first + 1]] = 1
    return marked


ABOUT = About(
    summary="KolektorSDD: commutators with fine cracks, 399 grey images in 50 folders, 52 defective",
    licence="CC BY-NC-SA 4.0",
    citation=(
        "Tabernik, Sela, Skvarc, Skocaj: Segmentation-based deep-learning approach for surface-defect detection, "
        "Journal of Intelligent Manufacturing 31 (2020) 759-776"
    ),
    home="https://www.vicos.si/resources/kolektorsdd/",
    obtain=OBTAIN,
)
RELEASE = Release(
    downloads=(
        Download(
            urls=("https://data.vicos.si/datasets/KSDD/KolektorSDD.zip", "https://go.vicos.si/kolektorsdd"),
            sha256="65dc621693418585de9c4467d1340ea7958a6181816f0dc2883a1e8b61f9d4dc",
            size=101_831_129,
        ),
    ),
    images=399,
    defective=52,
)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer the first Kolektor set."""
    yield Component("ksdd", build, about=ABOUT, example=example, release=RELEASE)
