"""Small releases in the COCO detection format, and regions encoded by pycocotools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as oracle

from bench.api import BenchError, write_png
from bench.types import Dataset

HEIGHT, WIDTH = 12, 16
SQUARE = [[2, 3, 8, 3, 8, 7, 2, 7]]
IMAGE = {"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}
REGION = {"id": 7, "image_id": 1, "category_id": 3, "iscrowd": 0, "segmentation": SQUARE}
CATEGORIES = [{"id": 9, "name": "dent"}, {"id": 3, "name": "scratch"}]


def listing(*regions: dict[str, Any], images: Any = (IMAGE,), categories: Any = CATEGORIES) -> dict[str, Any]:
    return {"images": list(images), "annotations": list(regions), "categories": categories}


def write_release(root: Path, document: Any) -> None:
    """One image, 16 wide and 12 high, and this document: bytes, text, or what becomes JSON."""
    text = document if isinstance(document, (str, bytes)) else json.dumps(document)
    (root / "annotations.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    write_png(root / "images" / "a.png", np.full((HEIGHT, WIDTH, 1), 50, np.uint8))


def read_whole(dataset: Dataset) -> None:
    for record in dataset.records():
        dataset.load(record.id)


def refusal_of(dataset: Dataset) -> str | None:
    """The message with which a data set is refused, held to one line that names the file; None if it is read."""
    try:
        read_whole(dataset)
    except BenchError as error:
        message = str(error)
    else:
        return None
    assert "\n" not in message
    assert "annotations.json" in message
    return message


def lengths(mask: np.ndarray) -> list[int]:
    """Runs down the columns, pixel by pixel."""
    counts, level = [0], 0
    for value in mask.T.ravel().tolist():
        if value != level:
            counts.append(0)
            level = value
        counts[-1] += 1
    return counts


def text(mask: np.ndarray) -> str:
    packed: bytes = oracle.encode(np.asfortranarray(mask))["counts"]
    return packed.decode("ascii")


def marked(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[rows, columns] = 1
    return mask


def runs(mask: np.ndarray, **changes: Any) -> dict[str, Any]:
    return {"size": list(mask.shape), "counts": lengths(mask), **changes}
