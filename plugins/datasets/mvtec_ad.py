"""MVTec AD, read as a set for defect segmentation: its test images with their masks, dealt into a split of our own.

Layout of the release, at the folder the user names or one level below it; a category may lie in
a folder of its own name once more (``bottle/bottle/test``)::

    {category}/train/good/{NNN}.png                 without defect
              /test/good/{NNN}.png                  without defect
              /test/{type}/{NNN}.png                with a defect of this type
              /ground_truth/{type}/{NNN}_mask.png   its mask, 0 or 255

The set was published for anomaly detection: train on clean images, test on all others. Supervised segmentation needs
defects to train on, so no image has an official split here, and numbers must not be compared with that protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from bench_plugins.datasets._miniature import pixels, write_copy, write_stray
from bench_plugins.datasets._released import Layout, Released, files_below, read_marked
from bench_plugins.datasets._settings import check_choice

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
    check_partners,
    entry,
    hookimpl,
    named_files,
    part_folders,
    release_files,
    subfolders,
    write_png,
)

TYPES: Mapping[str, tuple[str, ...]] = {
    "bottle": ("broken_large", "contamination"),
    "cable": ("bent_wire", "missing_cable"),
    "capsule": ("crack", "squeeze"),
    "carpet": ("color", "hole"),
    "grid": ("bent", "thread"),
    "hazelnut": ("crack", "print"),
    "leather": ("color", "cut"),
    "metal_nut": ("flip", "scratch"),
    "pill": ("color", "pill_type"),
    "screw": ("scratch_head", "thread_top"),
    "tile": ("gray_stroke", "oil"),
    "toothbrush": ("defective",),
    "transistor": ("bent_lead", "misplaced"),
    "wood": ("liquid", "scratch"),
    "zipper": ("combined", "rough"),
}
"""The categories in the order of their class numbers, with some of their types of defect, for the miniature."""
CATEGORIES = tuple(TYPES)
"""The classes, the same fifteen whichever are read; the type of a defect is in the metadata."""
GREY = ("grid", "screw", "zipper")
"""Categories stored as grey; all others are in colour."""
GOOD = "good"
IMAGE, MASK = r"(\d{3})\.png", r"(\d{3})_mask\.png"
"""Everything else is a stray file (``license.txt``, ``Thumbs.db``, ``000 (copy).png``) and is not read."""
MARKED = 255

Good: TypeAlias = Literal["test", "all", "none"]

OBTAIN = (
    "accept the licence at https://www.mvtec.com/company/research/datasets/mvtec-ad, download "
    "mvtec_anomaly_detection.tar.xz (5.3 GB) and unpack it into a folder; then name that in the suite, "
    "'data: {mvtec-ad: path/to/mvtec}', or with '--data mvtec-ad=path/to/mvtec'"
)


def _records(home: Path, categories: tuple[str, ...] | None, good: Good) -> Sequence[Record]:
    """Every image in the order of its id, none with an official split; those without defect as ``good`` says.

    Raises:
        DataError: a category asked for is absent, or an image or mask lacks its partner.
    """
    folders = _categories(home)
    lost = [category for category in categories or () if category not in folders]
    if lost:
        raise DataError(f"{home / lost[0]}: no folder test in it; {LAYOUT.obtain}")
    records: list[Record] = []
    for category in categories or folders:
        tested = _tested(category, folders[category])
        records += [record for record in tested if record.meta["type"] != GOOD or good != "none"]
        if good == "all":
            (trained,) = release_files(entry(entry(folders[category], "train"), GOOD), IMAGE)
            records += [_record(category, f"train/good/{number}", (file,)) for number, file in trained.items()]
    return sorted(records, key=attrgetter("id"))


def _categories(home: Path) -> Mapping[str, Path]:
    """The folders of categories by name: those that hold test images, or masks of such."""
    return part_folders(home, CATEGORIES, lambda folder: bool(subfolders(folder, ("test", "ground_truth"))))


def _tested(category: str, home: Path) -> Iterator[Record]:
    """The test images of one category.

    Raises:
        DataError: there is no folder of test images, or an image or mask lacks its partner.
    """
    test, truth = entry(home, "test"), entry(home, "ground_truth")
    if not test.is_dir():
        raise DataError(f"{home}: ground_truth without a folder test beside it; {LAYOUT.obtain}")
    images, masks = files_below(_folders(test), IMAGE), files_below(_folders(truth), MASK)
    for place, file in masks.items():
        if _type(place) == GOOD:
            raise DataError(f"{file}: a mask for images without defect; move it out of the data set")
    defective = {place: file for place, file in images.items() if _type(place) != GOOD}
    check_partners(masks, defective, "image", lambda place: test / f"{place}.png")
    check_partners(defective, masks, "mask", lambda place: truth / f"{place}_mask.png")
    for place, file in images.items():
        files = (file, masks[place]) if place in masks else (file,)
        yield _record(category, f"test/{place}", files)


def _type(place: str) -> str:
    return place.rpartition("/")[0]


def _record(category: str, place: str, files: tuple[Path, ...]) -> Record:
    """One image, at ``test/good/000`` or the like, with its mask if its folder is that of a type of defect."""
    id = f"{category}/{place}"
    return Record(id=id, group=id, files=files, meta={"category": category, "type": place.split("/")[1]})


def _folders(home: Path) -> dict[str, Path]:
    """The folders of types by name."""
    return {type: folder for type, folder in named_files(home, "(.+)").items() if folder.is_dir()}


def _read(record: Record) -> tuple[Image, Mask]:
    """One image ``uint8[H, W, 3]``, grey ones with equal channels; the mask holds the number of the category.

    Raises:
        DataError: a file is damaged, the sizes differ, or the mask is not of 0 and 255 or marks nothing.
    """
    image_file, *masks = record.files
    image, marked = read_marked(image_file, masks, 3, why="its image lies in the folder of a defect")
    number = 1 + CATEGORIES.index(str(record.meta["category"]))
    return image, np.where(marked, np.uint8(number), np.uint8(0))


LAYOUT = Layout(
    holds=_categories,
    wanted="folder bottle, cable, ... with test",
    obtain=f"get the data: {OBTAIN}",
    image="bottle/test/broken_large/000.png",
    unknown="no image {!r} with these settings",
)


def build(root: Path, /, *, categories: tuple[str, ...] | None = None, good: Good = "test") -> Dataset:
    """Read the ``categories`` named, which must all be there; without the setting, those that are there.

    ``good`` says which images without defect are read: those of ``test``, ``all`` of test and train, or ``none``.

    Raises:
        SettingsError: no category, one named twice, or one that does not exist.
    """
    check_choice("categories", categories, CATEGORIES, f"some of {', '.join(CATEGORIES)}, each once")
    return Released(root, LAYOUT, CATEGORIES, partial(_records, categories=categories, good=good), _read)


def example(folder: Path) -> None:
    """Write all categories in small: six defective images, two clean ones to test, two to train, and stray files."""
    for category, types in TYPES.items():
        places = {**{f"test/{type}": 6 // len(types) for type in types}, "test/good": 2, "train/good": 2}
        for place, count in places.items():
            for number in range(count):
                _write_miniature(folder / category, place, number)
        (folder / category / "license.txt").write_text("CC BY-NC-SA 4.0\n")
        (folder / category / "readme.txt").write_text("MVTec AD\n")
    write_stray(folder / "grid" / "test" / "bent" / "Thumbs.db")
    write_copy(folder / "bottle" / "test" / "good" / "000.png")


def _write_miniature(category: Path, place: str, number: int) -> None:
    """A dark frame with a bright disc or weave, 60 x 60; a defect is a dark notch with an exact mask."""
    rng = np.random.default_rng([CATEGORIES.index(category.name), number, *place.encode()])
    rows, columns = np.mgrid[:60, :60]
    disc = np.hypot(rows - 30, columns - 30) < 25
    weave = (rows // 4 + columns // 4) % 2 == 0
    grey = np.where(weave if category.name in GREY else disc, 170, 60) + 5 * rng.standard_normal((60, 60))
    mask: Mask = np.zeros((60, 60), np.uint8)
    type = place.partition("/")[2]
    if type != GOOD:
        row, column = rng.integers(10, 40, 2)
        mask[row : row + 7, column : column + 11] = MARKED
        grey = np.where(mask > 0, 20, grey)
        write_png(category / "ground_truth" / type / f"{number:03d}_mask.png", mask)
    shares = [1.0] if category.name in GREY else [1.0, 0.5, 0.3]
    write_png(category / place / f"{number:03d}.png", pixels(grey[:, :, None] * shares))


BADGE = "own split, not the anomaly-detection protocol"
ABOUT = About(
    summary=(
        "Fifteen kinds of objects and textures; the 1,725 test images, 1,258 of them defective, for segmentation: "
        f"{BADGE}"
    ),
    licence="CC BY-NC-SA 4.0: no commercial use",
    citation=(
        "Bergmann, Batzner, Fauser, Sattlegger, Steger: The MVTec anomaly detection dataset, International Journal of "
        "Computer Vision 129 (2021) 1038-1059; Bergmann, Fauser, Sattlegger, Steger: MVTec AD - a comprehensive "
        "real-world dataset for unsupervised anomaly detection, CVPR 2019"
    ),
    home="https://www.mvtec.com/company/research/datasets/mvtec-ad",
    obtain=OBTAIN,
)
SHARES = "https://www.mydrive.ch/shares"
ARCHIVE = "download/420938113-1629960298/mvtec_anomaly_detection.tar.xz"
RELEASE = Release(
    downloads=(
        Download(
            urls=(
                f"{SHARES}/150996/b52ecdcbf521176e9db9c731f2304b27/{ARCHIVE}",
                f"{SHARES}/38536/3830184030e49fe74747669442f0f283/{ARCHIVE}",
            ),
            sha256="cf4313b13603bec67abb49ca959488f7eedce2a9f7795ec54446c649ac98cd3d",
            size=5_264_982_680,
        ),
    ),
    images=1_725,
    defective=1_258,
)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer the test images as a data set of their own, with a badge that says so."""
    yield Component("mvtec-ad", build, about=ABOUT, example=example, badge=BADGE, release=RELEASE)
