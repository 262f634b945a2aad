"""Miniatures of every data set whose masks are pictures, and the ways in which a mask is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.catalog import Catalog
from bench.component import build
from bench.types import Dataset, Record

Levels = npt.NDArray[np.uint8]
"""What a viewer shows of a mask, ``uint8[H, W]``."""


@dataclass(frozen=True)
class Reader:
    """A data set by name, with the settings under which its miniature is read; ``mask`` finds the mask of a record."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    write: Callable[[Path], None] | None = None
    mask: Callable[[Record], Path | None] = lambda record: record.files[1] if len(record.files) > 1 else None

    def example(self, catalog: Catalog, root: Path) -> None:
        """Write the miniature."""
        if self.write:
            self.write(root)
            return
        example = catalog.find("dataset", self.name).component.example
        assert example is not None
        example(root)

    def opened(self, catalog: Catalog, root: Path) -> Dataset:
        """The reader on a folder."""
        dataset: Dataset = build(catalog.find("dataset", self.name).component, root, settings=self.settings)
        return dataset


def class_numbers(root: Path) -> None:
    """Images and masks of two classes, and of pixels to be ignored."""
    rng = np.random.default_rng(0)
    for number in range(6):
        mask = np.zeros((24, 30), np.uint8)
        mask[3:9, 4 + number : 20] = 1
        mask[12:18, 4:12] = 2
        mask[20, :] = 255 * (number % 2)
        _save(root / "images" / f"{number}.png", rng.integers(60, 120, mask.shape).astype(np.uint8))
        _save(root / "masks" / f"{number}.png", mask)


def steel(root: Path) -> None:
    """Severstal with mask images: one class on each image, saved as 0 and 255."""
    rng = np.random.default_rng(0)
    for number in range(4):
        mask = np.zeros((256, 1600), np.uint8)
        mask[40:90, 100 * number : 100 * number + 80] = 255
        name = f"{number:09x}"
        grey = rng.integers(60, 120, mask.shape).astype(np.uint8)
        (root / "train_images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.repeat(grey[:, :, None], 3, axis=2)).save(root / "train_images" / f"{name}.jpg")
        _save(root / "masks" / f"{name}_{number + 1}.png", mask)


def _save(path: Path, pixels: Levels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def listed_mask(record: Record) -> Path | None:
    """DAGM: image, list, and mask where there is one."""
    return record.files[2] if len(record.files) > 2 else None


READERS: Sequence[Reader] = (
    Reader("folder"),
    Reader("folder", {"masks_are": "classes", "classes": ["scratch", "dent"]}, class_numbers),
    Reader("listed", mask=lambda record: record.files[1] if len(record.files) > 2 else None),
    Reader("mtd"),
    Reader("mtd-leaky"),
    Reader("ksdd"),
    Reader("ksdd2"),
    Reader("dagm", mask=listed_mask),
    Reader("neu-seg"),
    Reader("mvtec-ad"),
    Reader("realclutch"),
    Reader("synthclutch"),
    Reader("csem-misd", {"illuminations": [101]}),
    Reader("severstal", {"masks": "masks"}, steel),
)


def reader_id(reader: Reader) -> str:
    return f"{reader.name}-classes" if reader.write is class_numbers else reader.name


def levels_of(path: Path) -> Levels:
    """What a viewer shows, by Pillow's own conversion."""
    with Image.open(path) as file:
        return np.asarray(file.convert("L"))


Saved = Callable[[Levels], Image.Image]


def _indexed(levels: Levels, order: Sequence[int]) -> Image.Image:
    """A palette of the levels that occur, in the order given."""
    places = np.zeros(256, np.uint8)
    for index, level in enumerate(order):
        places[level] = index
    file = Image.frombytes("P", levels.shape[::-1], places[levels].tobytes())
    file.putpalette([channel for level in order for channel in (level, level, level)])
    return file


def _used(levels: Levels) -> list[int]:
    return sorted({int(level) for level in np.unique(levels)})


ADAPTIVE = Image.Palette.ADAPTIVE
FORMS: Mapping[str, Saved] = {
    "grey": Image.fromarray,
    "one bit": lambda levels: Image.fromarray(levels).point(lambda level: 255 * (level > 127)).convert("1"),
    "palette, as is": lambda levels: Image.fromarray(levels).convert("P"),
    "palette, dark first": lambda levels: _indexed(levels, _used(levels)),
    "palette, bright first": lambda levels: _indexed(levels, _used(levels)[::-1]),
    "palette, adaptive": lambda levels: Image.fromarray(levels).convert("RGB").convert("P", palette=ADAPTIVE),
    "quantised": lambda levels: Image.fromarray(levels).convert("RGB").quantize(),
    "equal channels": lambda levels: Image.fromarray(np.repeat(levels[:, :, None], 3, axis=2)),
    "16 bit, scaled": lambda levels: Image.fromarray(levels.astype(np.uint16) * 257),
    "16 bit": lambda levels: Image.fromarray(levels.astype(np.uint16)),
}  # fmt: skip
"""Forms in which one and the same picture is saved; one bit is the same for black and white only."""

FILE_TYPES = ("PNG", "BMP", "TIFF")


def saved(levels: Levels, form: str, type: str, path: Path) -> bool:
    """Save a mask in a form and type under the name it has; False where the type cannot hold that form."""
    try:
        FORMS[form](levels).save(path, format=type)
    except OSError:
        return False
    return bool(np.array_equal(levels_of(path), levels)) or "16 bit" in form
