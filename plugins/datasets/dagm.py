"""DAGM 2007: ten artificial textures, 16,100 grey images, defects marked by rough ellipses.

Layout of the release, at the folder the user names or one level below it; a texture may lie in a folder of its own
name once more, as its zip file unpacks (``Class1/Class1/Train``)::

    Class{1..10}/{Train,Test}/{NNNN}.PNG            image, 512 x 512
                             /Label/Labels.txt      which images are defective
                             /Label/{NNNN}_label.PNG   mask, 0 or 255, for defective images only
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from bench_plugins.datasets._dagm_labels import defective_images
from bench_plugins.datasets._miniature import pixels, write_copy, write_stray
from bench_plugins.datasets._released import Layout, Released, read_marked
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
    Split,
    entry,
    hookimpl,
    part_folders,
    release_files,
    subfolders,
    write_png,
)

TEXTURES = tuple(range(1, 11))
CLASSES = tuple(f"class{texture}" for texture in TEXTURES)
"""One per texture, the same ten whichever are read: mask value k is a defect of texture k."""
HALVES: Mapping[str, Split] = {"Train": "train", "Test": "test"}
IMAGE, MASK = r"(\d{4})\.png", r"(\d{4})_label\.png"
"""Everything else in these folders is a stray file (``Thumbs.db``, ``0576 (copy).PNG``) and is not read."""
MARKED = 255
MOST = 0.5
"""No ellipse fills that much of a texture: 0.08 is the most in the 71 that were looked at."""

ARCHIVES = "https://zenodo.org/record/8086136"
OBTAIN = (
    f"download Class1.zip to Class10.zip from {ARCHIVES} and unpack them into one folder; "
    "then name it in the suite, 'data: {dagm: path/to/dagm}', or with '--data dagm=path/to/dagm'"
)


def _records(home: Path, textures: tuple[int, ...] | None) -> Iterator[Record]:
    """Every image in the order of texture, train before test, number.

    Raises:
        DataError: a texture asked for is absent, ``Labels.txt`` is missing or malformed, or image, mask and
            ``Labels.txt`` contradict each other.
    """
    folders = _textures(home)
    for texture in textures or TEXTURES:
        folder = folders.get(f"Class{texture}")
        if folder is not None:
            for name, half in subfolders(folder, tuple(HALVES)).items():
                yield from _half(half, texture, name)
        elif textures is not None:
            raise DataError(f"{home}: no folder Class{texture} with Train or Test in it; {LAYOUT.obtain}")


def _textures(home: Path) -> Mapping[str, Path]:
    """The folders of textures by name, such as ``Class1``."""
    names = [f"Class{texture}" for texture in TEXTURES]
    return part_folders(home, names, lambda folder: bool(subfolders(folder, tuple(HALVES))))


def _half(half: Path, texture: int, name: str) -> Iterator[Record]:
    """The images of ``Class1/Train`` or the like, by number; ``name`` is Train or Test.

    The files of an image are itself, the list that says whether it has a defect, and its mask if it has one.

    Raises:
        DataError: an image is not listed, or a mask is missing or has no defective image.
    """
    labels = entry(half, "Label")
    (images,), (masks,) = release_files(half, IMAGE), release_files(labels, MASK)
    table = entry(labels, "Labels.txt")
    defective = defective_images(table) if images or masks else {}
    for number, file in images.items():
        if number not in defective:
            raise DataError(
                f"{file}: not listed in {table}, so whether it has a defect is unknown; restore the original files"
            )
        mask = [masks[number]] if number in masks else []
        if defective[number] and not mask:
            raise DataError(
                f"{file}: its mask {labels / number}_label.PNG is missing, but {table.name} lists it as "
                "defective; fetch the mask"
            )
        id = f"Class{texture}/{name}/{number}"
        yield Record(id, group=id, split=HALVES[name], files=(file, table, *mask), meta={"texture": texture})
    for number, file in masks.items():
        if number not in images:
            raise DataError(
                f"{file}: its image {half / number}.PNG is missing; fetch it, or move the mask out of the data set"
            )
        if not defective[number]:
            raise DataError(
                f"{file}: a mask, but {table} lists its image as free of defects; restore the original files"
            )


def _read(record: Record) -> tuple[Image, Mask]:
    """One image ``uint8[H, W, 1]``; the mask holds the number of the texture where the file holds 255.

    Raises:
        DataError: a file is damaged, the sizes differ, or the mask is not of 0 and 255 or marks nothing.
    """
    image_file, _, *masks = record.files
    listed = "Labels.txt lists its image as defective"
    image, marked = read_marked(image_file, masks, 1, most=MOST, why=listed)
    return image, np.where(marked, np.uint8(record.meta["texture"]), np.uint8(0))


LAYOUT = Layout(
    holds=_textures,
    wanted="folder Class1, ..., Class10 with Train and Test",
    obtain=f"get the data: {OBTAIN}",
    image="Class1/Train/0576.PNG",
)


def build(root: Path, /, *, textures: tuple[int, ...] | None = None) -> Dataset:
    """Read the ``textures`` named, 1 to 10, which must all be there; without the setting, those that are there.

    Raises:
        SettingsError: no texture, one named twice, or one that does not exist.
    """
    check_choice("textures", textures, TEXTURES, "some of 1 to 10, each once")
    chosen = None if textures is None else tuple(sorted(textures))
    return Released(root, LAYOUT, CLASSES, partial(_records, textures=chosen), _read)


def example(folder: Path) -> None:
    """Write all ten textures in small: three defective images and two clean ones to train on, one of each to test."""
    for texture in TEXTURES:
        size = 575 if texture < 7 else 1150
        _write_half(folder / f"Class{texture}" / "Train", texture, {size + k: k < 4 for k in range(1, 6)})
        _write_half(folder / f"Class{texture}" / "Test", texture, {41: True, 42: False})
    strays = folder / "Class1" / "Train"
    write_copy(strays / "0576.PNG")
    write_stray(strays / "Label" / "Thumbs.db")


def _write_half(half: Path, texture: int, defective: Mapping[int, bool]) -> None:
    """Images by number, with the masks and the list that belong to them."""
    rows = ["1"]
    for number, has_defect in defective.items():
        image, mask = _miniature(texture, has_defect, np.random.default_rng([texture, number]))
        write_png(half / f"{number:04d}.PNG", image)
        mask_name = f"{number:04d}_label.PNG" if has_defect else "0\t"
        rows.append(f"{number}\t{int(has_defect)}\t{number:04d}.PNG\t0\t{mask_name}")
        if has_defect:
            write_png(half / "Label" / mask_name, mask)
    (half / "Label" / "Labels.txt").write_bytes("".join(f"{row}\r\n" for row in rows).encode())


def _miniature(texture: int, has_defect: bool, rng: np.random.Generator) -> tuple[Image, Mask]:
    """A grating of the texture's own pitch and direction, 64 x 64; a defect is a blot inside a wider ellipse."""
    rows, columns = np.mgrid[:64, :64]
    angle = texture * np.pi / 10
    wave = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) / (1 + texture / 3))
    grey = 120 + 25 * wave + 8 * rng.standard_normal((64, 64))
    row, column = rng.uniform(20, 44, 2)
    distance = np.hypot((rows - row) / 8, (columns - column) / 14)
    if has_defect:
        grey = np.where(distance < 0.5, grey + 60, grey)
    return pixels(grey), np.where(distance < 1, np.uint8(MARKED), np.uint8(0))


ABOUT = About(
    summary=(
        "Ten artificial textures, 16,100 grey images, official train and test; weak labels: "
        "masks are rough ellipses around the defects"
    ),
    licence="CC BY 4.0 according to its Zenodo record; mirrors state none",
    citation=(
        "Wieler, Hahn, Hamprecht: Weakly supervised learning for industrial optical inspection, "
        "DAGM symposium 2007, doi:10.5281/zenodo.8086136"
    ),
    home=ARCHIVES,
    obtain=OBTAIN,
)
RELEASE = Release(
    downloads=tuple(
        Download((f"{ARCHIVES}/files/Class{texture}.zip?download=1",), folder=f"Class{texture}") for texture in TEXTURES
    ),
    images=16_100,
    defective=2_100,
    splits=(("train", 8_050), ("test", 8_050)),
    classes=tuple((name, 150 if texture < 7 else 300) for texture, name in enumerate(CLASSES, 1)),
)


@hookimpl
def bench_datasets() -> Iterable[Component[Dataset]]:
    """Offer the ten textures as one data set."""
    yield Component("dagm", build, about=ABOUT, example=example, release=RELEASE)
