"""What the files of each data set say, decoded in a few lines that know neither the readers nor the core."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.types import Mask, Record

Pixels = npt.NDArray[Any]


@dataclass(frozen=True)
class Truth:
    """The mask of a record from its files, and the settings with which the reader is built."""

    mask: Callable[[Path, Record], Mask]
    settings: Mapping[str, Any] = field(default_factory=dict)


def decoded_image(path: Path, channels: int) -> Pixels:
    """``[H, W, channels]``; grey is repeated."""
    with Image.open(path) as file:
        grey = file.mode in ("L", "1", "LA") or file.mode.startswith("I")
        if file.mode in ("1", "LA"):
            pixels = np.asarray(file.convert("L"))
        else:
            pixels = np.asarray(file if grey else file.convert("RGB"))
    pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], channels, axis=2)
    return pixels[:, :, :channels]


def stored(path: Path) -> Mask:
    """Grey levels, or the indices of a palette."""
    with Image.open(path) as file:
        if file.mode == "RGB":
            return np.asarray(file)[:, :, 0]
        return np.asarray(file if file.mode in ("L", "P") else file.convert("L"))


def marked(test: Callable[[Mask], npt.NDArray[np.bool_]], number: Callable[[Record], int]) -> Truth:
    """The second picture is the mask, and an image without one is clean: ``number`` wherever ``test`` holds."""

    def mask(root: Path, record: Record) -> Mask:
        del root
        masks = [path for path in record.files[1:] if path.suffix.lower() in (".png", ".bmp")]
        if not masks:
            return np.zeros(decoded_image(record.files[0], 1).shape[:2], np.uint8)
        return (test(stored(masks[0])) * number(record)).astype(np.uint8)

    return Truth(mask)


def tile_class(record: Record) -> int:
    names = ("MT_Free", "MT_Blowhole", "MT_Break", "MT_Crack", "MT_Fray", "MT_Uneven")
    return names.index(record.id.partition("/")[0])


def runs(root: Path, record: Record) -> Mask:
    """Severstal: pairs of start, from 1, and length, down the columns."""
    flat = np.zeros(256 * 1600, np.uint8)
    table = next(path for path in root.rglob("train.csv"))
    with table.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            image, defect = (
                row["ImageId_ClassId"].rsplit("_", 1) if "ImageId_ClassId" in row else (row["ImageId"], row["ClassId"])
            )
            if Path(image).stem == record.id:
                numbers = [int(word) for word in row["EncodedPixels"].split()]
                for start, length in zip(numbers[::2], numbers[1::2], strict=True):
                    flat[start - 1 : start - 1 + length] = int(defect)
    return flat.reshape(1600, 256).T


def category(record: Record) -> int:
    names = (
        "bottle", "cable", "capsule", "carpet", "grid", "hazelnut", "leather", "metal_nut", "pill", "screw", "tile",
        "toothbrush", "transistor", "wood", "zipper",
    )  # fmt: skip
    return 1 + names.index(record.id.partition("/")[0])


TRUTHS: Mapping[str, Truth] = {
    "mtd": marked(lambda values: values >= 128, tile_class),
    "folder": marked(lambda values: values >= 128, lambda record: 1),
    "dagm": marked(lambda values: values == 255, lambda record: int(record.id.partition("/")[0].removeprefix("Class"))),
    "neu-seg": Truth(lambda root, record: stored(record.files[1])),
    "mvtec-ad": marked(lambda values: values == 255, category),
    "ksdd": marked(lambda values: values != 0, lambda record: 1),
    "ksdd2": marked(lambda values: values > 0, lambda record: 1),
    "severstal": Truth(runs),
}
