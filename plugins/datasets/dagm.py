"""DAGM 2007: ten artificial textures, 16,100 grey images, defects marked by rough ellipses.

Layout of the release, at the folder the user names or one level below it; a texture may lie in a folder of its own
name once more, as its zip file unpacks (``Class1/Class1/Train``)::

    Class{1..10}/{Train,Test}/{NNNN}.PNG            image, 512 x 512
                             /Label/Labels.txt      which images are defective
                             /Label/{NNNN}_label.PNG   mask, 0 or 255, for defective images only

``Labels.txt`` has a first line ``1``, then one line per image, separated by tabs: number, 1 if defective and else 0,
image, ``0``, mask or ``0``. Line ends are CRLF, or LF in copies that went through version control.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    Mask,
    Record,
    Release,
    Sample,
    SettingsError,
    Split,
    check_share,
    check_size,
    check_values,
    entry,
    hookimpl,
    part_folders,
    read_image,
    read_mask,
    release_files,
    release_home,
    subfolders,
    write_png,
)

TEXTURES = tuple(range(1, 11))
CLASSES = tuple(f"class{texture}" for texture in TEXTURES)
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


@dataclass(frozen=True, slots=True)
class Picture:
    """One image of the release, with the list that says whether it has a defect; ``mask`` is None where not."""

    image: Path
    table: Path
    mask: Path | None
    texture: int
    split: Split

    @property
    def files(self) -> tuple[Path, ...]:
        """Image, list, and mask if there is one."""
        return (self.image, self.table) if self.mask is None else (self.image, self.table, self.mask)


@dataclass(frozen=True)
class Dagm:
    """The release on disk. Ids are ``Class1/Train/0576``."""

    root: Path
    textures: tuple[int, ...] | None

    @property
    def classes(self) -> Sequence[str]:
        """One per texture, the same ten whichever are read: mask value k is a defect of texture k."""
        return CLASSES

    def records(self) -> Sequence[Record]:
        """Every image in the order of texture, train before test, number.

        Raises:
            DataError: a texture asked for is absent, ``Labels.txt`` is missing or malformed, or image, mask and
                ``Labels.txt`` contradict each other.
        """
        return [
            Record(
                id=id,
                group=id,
                split=picture.split,
                files=picture.files,
                meta={"texture": picture.texture},
            )
            for id, picture in self._pictures.items()
        ]

    def load(self, id: str, /) -> Sample:
        """One image ``uint8[H, W, 1]``; the mask holds the number of the texture where the file holds 255.

        Raises:
            DataError: a file is damaged, the sizes differ, or the mask is not of 0 and 255 or marks nothing.
        """
        picture = self._pictures.get(id)
        if picture is None:
            raise DataError(f"{self.root}: no image {id!r}")
        image = read_image(picture.image, channels=1)
        if picture.mask is None:
            return Sample(id, image, np.zeros(image.shape[:2], np.uint8))
        return Sample(id, image, _mask(picture.mask, picture, image))

    @cached_property
    def _pictures(self) -> Mapping[str, Picture]:
        """The images by id; looked up once, as decoding asks for them one by one."""
        home = release_home(
            self.root,
            lambda folder: bool(_textures(folder)),
            wanted="folder Class1, ..., Class10 with Train and Test",
            obtain=_get(),
        )
        found = {
            id: picture
            for texture, folder in self._texture_folders(home)
            for name, half in subfolders(folder, tuple(HALVES)).items()
            for id, picture in _pictures_of(half, texture, name)
        }
        if not found:
            raise DataError(f"{home}: holds no image named like Class1/Train/0576.PNG; {_get()}")
        return found

    def _texture_folders(self, home: Path) -> Iterator[tuple[int, Path]]:
        """The folders of the textures to read, in their order.

        Raises:
            DataError: a texture is there twice, or asked for and absent.
        """
        folders = _textures(home)
        for texture in self.textures or TEXTURES:
            if f"Class{texture}" in folders:
                yield texture, folders[f"Class{texture}"]
            elif self.textures is not None:
                raise DataError(f"{home}: no folder Class{texture} with Train or Test in it; {_get()}")


def _get() -> str:
    return f"get the data: {OBTAIN}"


def _mask(file: Path, picture: Picture, image: Image) -> Mask:
    """The mask with the texture's number for 255; one that marks nothing is refused, as ``Labels.txt`` says defect."""
    values = read_mask(file)
    check_size(values, image.shape[1], image.shape[0], file, picture.image)
    check_values(values, (0, MARKED), file)
    if not values.any():
        raise DataError(
            f"{file}: marks nothing, but Labels.txt lists its image as defective; restore the original file"
        )
    check_share(values == MARKED, MOST, file)
    mask: Mask = np.where(values == MARKED, np.uint8(picture.texture), np.uint8(0))
    return mask


def _textures(home: Path) -> Mapping[str, Path]:
    """The folders of textures by name, such as ``Class1``."""
    names = [f"Class{texture}" for texture in TEXTURES]
    return part_folders(home, names, lambda folder: bool(subfolders(folder, tuple(HALVES))))


def _pictures_of(half: Path, texture: int, name: str) -> Iterator[tuple[str, Picture]]:
    """The images of ``Class1/Train`` or the like, with their ids, by number; ``name`` is Train or Test.

    Raises:
        DataError: an image is not listed, or a mask is missing or has no defective image.
    """
    labels = entry(half, "Label")
    (images,), (masks,) = release_files(half, IMAGE), release_files(labels, MASK)
    table = entry(labels, "Labels.txt")
    defective = _labels(table) if images or masks else {}
    for number, file in images.items():
        if number not in defective:
            raise DataError(
                f"{file}: not listed in {table}, so whether it has a defect is unknown; restore the original files"
            )
        if defective[number] and number not in masks:
            raise DataError(
                f"{file}: its mask {labels / number}_label.PNG is missing, but {table.name} lists it as "
                "defective; fetch the mask"
            )
        picture = Picture(file, table, masks.get(number), texture, HALVES[name])
        yield f"Class{texture}/{name}/{number}", picture
    for number, file in masks.items():
        if number not in images:
            raise DataError(
                f"{file}: its image {half / number}.PNG is missing; fetch it, or move the mask out of the data set"
            )
        if not defective[number]:
            raise DataError(
                f"{file}: a mask, but {table} lists its image as free of defects; restore the original files"
            )


def _labels(path: Path) -> Mapping[str, bool]:
    """Whether an image is defective, by its four digits.

    Raises:
        DataError: the file is missing, unreadable or malformed; names file and line.
    """
    first, *lines = _lines(path)
    if first.strip() != "1":
        raise DataError(f"{path}:1: the first line is {first[:20]!r}, it must be '1'; restore the original file")
    found: dict[str, bool] = {}
    for line, text in enumerate(lines, start=2):
        if not text.strip():
            continue
        number, is_defective = _row(f"{path}:{line}", text)
        if number in found:
            raise DataError(f"{path}:{line}: image {number} stands here twice; restore the original file")
        found[number] = is_defective
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8-sig").splitlines() or [""]
    except FileNotFoundError:
        raise DataError(
            f"{path}: the file is missing, so an image that lost its mask would pass for one without defect; "
            "fetch the texture again"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}); fetch the texture again") from None


def _row(where: str, text: str) -> tuple[str, bool]:
    """Number and flag of one line; the other values only repeat them, so they must agree."""
    values = [value.strip() for value in text.rstrip("\t ").split("\t")]
    number = values[0].zfill(4) if re.fullmatch("[0-9]{1,4}", values[0]) else ""
    flag = values[1] if len(values) > 1 else ""
    said = [number, flag, f"{number}.png", "0", f"{number}_label.png" if flag == "1" else "0"]
    if not number or flag not in ("0", "1") or [said[0], *map(str.lower, values[1:])] != said:
        raise DataError(
            f"{where}: {text[:80]!r} is not a number, 0 or 1, an image, 0, and a mask or 0, separated by tabs; "
            "restore the original file"
        )
    return number, flag == "1"


def build(root: Path, /, *, textures: tuple[int, ...] | None = None) -> Dataset:
    """Read the ``textures`` named, 1 to 10, which must all be there; without the setting, those that are there.

    Raises:
        SettingsError: no texture, one named twice, or one that does not exist.
    """
    if textures is None:
        return Dagm(root, None)
    if not textures or len(set(textures)) < len(textures) or not set(textures) <= set(TEXTURES):
        raise SettingsError(f"textures is {list(textures)}; name some of 1 to 10, each once")
    return Dagm(root, tuple(sorted(textures)))


def example(folder: Path) -> None:
    """Write all ten textures in small: three defective images and two clean ones to train on, one of each to test."""
    for texture in TEXTURES:
        size = 575 if texture < 7 else 1150
        _write_half(folder / f"Class{texture}" / "Train", texture, {size + k: k < 4 for k in range(1, 6)})
        _write_half(folder / f"Class{texture}" / "Test", texture, {41: True, 42: False})
    strays = folder / "Class1" / "Train"
    (strays / "0576 (copy).PNG").write_bytes((strays / "0576.PNG").read_bytes())
    (strays / "Label" / "Thumbs.db").write_bytes(b"not an image")


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
    image: Image = np.clip(grey, 0, 255).astype(np.uint8)
    return image, np.where(distance < 1, np.uint8(MARKED), np.uint8(0))


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
