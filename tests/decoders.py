"""What the files of each data set say, decoded in a few lines that know neither the readers nor the core."""

from __future__ import annotations

import contextlib
import csv
import io
import json
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
    """The mask of a record from its files, and the settings with which the reader is built.

    ``unread`` tells files of the miniature that these settings leave aside: they are removed before anything is hit.
    """

    mask: Callable[[Path, Record], Mask]
    settings: Mapping[str, Any] = field(default_factory=dict)
    unread: Callable[[Path], bool] = lambda path: False


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


def regions(root: Path, record: Record) -> Mask:
    """COCO: every annotation drawn by the API of the format, categories numbered by id, crowds under all others."""
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = json.loads((root / "annotations.json").read_text("utf-8-sig"))
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    image = next(image for image in coco.imgs.values() if Path(image["file_name"]).stem == record.id)
    mask = np.zeros((image["height"], image["width"]), np.uint8)
    crowd = np.zeros(mask.shape, bool)
    for annotation in coco.imgToAnns[image["id"]]:
        marks = coco.annToMask(annotation) == 1
        if annotation.get("iscrowd"):
            crowd |= marks
        else:
            mask[marks] = 1 + sorted(coco.cats).index(annotation["category_id"])
    mask[crowd & (mask == 0)] = 255
    return mask


def run_text(root: Path, record: Record) -> Mask:
    """CrackForest: all segments of the run text but 0 are crack, each run from its first column on."""
    del root
    width, height = Image.open(record.files[0]).size
    rows: list[dict[int, tuple[int, int]]] = [{} for _ in range(height)]
    for line in record.files[2].read_text().partition("\ndata\n")[2].split("\n")[:-1]:
        segment, row, first, last = (int(word) for word in line.split(" "))
        rows[row][first] = segment, last - first + 1
    assert all(sum(length for _, length in row.values()) == width for row in rows)
    return np.array(
        [[k for _, (segment, length) in sorted(row.items()) for k in [segment > 0] * length] for row in rows],
        np.uint8,
    )


def foreground(root: Path, record: Record) -> Mask:
    """CSEM-MISD: image, mask, and foreground; what is neither defect nor foreground is ignored."""
    del root
    _, defect, inside = (stored(path) >= 128 for path in record.files)
    return np.where(defect, 1, np.where(inside, 0, 255)).astype(np.uint8)


def dark(path: Path) -> bool:
    """CSEM-MISD: a picture under another light than the two that are read."""
    light = path.stem.rpartition("_")[2]
    return light.isdigit() and light not in ("101", "905")


def category(record: Record) -> int:
    names = (
        "bottle", "cable", "capsule", "carpet", "grid", "hazelnut", "leather", "metal_nut", "pill", "screw", "tile",
        "toothbrush", "transistor", "wood", "zipper",
    )  # fmt: skip
    return 1 + names.index(record.id.partition("/")[0])


TRUTHS: Mapping[str, Truth] = {
    "mtd": marked(lambda values: values >= 128, tile_class),
    "folder": marked(lambda values: values >= 128, lambda record: 1),
    "listed": marked(lambda values: values >= 128, lambda record: 1),
    "dagm": marked(lambda values: values == 255, lambda record: int(record.id.partition("/")[0].removeprefix("Class"))),
    "neu-seg": Truth(lambda root, record: stored(record.files[1])),
    "mvtec-ad": marked(lambda values: values == 255, category),
    "ksdd": marked(lambda values: values != 0, lambda record: 1),
    "ksdd2": marked(lambda values: values > 0, lambda record: 1),
    "severstal": Truth(runs),
    "crackforest": Truth(run_text),
    "realclutch": marked(lambda values: values >= 128, lambda record: 1),
    "synthclutch": marked(lambda values: values >= 128, lambda record: 1),
    "coco": Truth(regions),
    "csem-misd": Truth(foreground, {"illuminations": [101, 905], "outside": "ignore"}, dark),
}
