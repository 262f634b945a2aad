"""A miniature in the COCO detection format, with every form of segmentation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.api import Bool, Image, write_png

ANNOTATIONS = "annotations.json"
SHAPES = ("polygon", "counts", "text", "clean")
"""What marks the defect on the images of the miniature, by turns."""


def example(folder: Path) -> None:
    """Write ten small parts, each seen from two sides, marked in all three forms, with one crowd and a stray image."""
    rng = np.random.default_rng(0)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(20):
        name, shape, category = f"part{number // 2}_{('front', 'back')[number % 2]}.png", SHAPES[number % 4], number % 3
        marked = np.zeros((40, 56), np.bool_)
        row, column = (int(place) for place in rng.integers(4, 20, 2))
        if shape != "clean":
            marked[row : row + 3 + 6 * (category // 2), column : column + 18] = True
        image: Image = rng.integers(60, 120, (40, 56, 1), dtype=np.uint8)
        image[marked] += 90
        write_png(folder / "images" / name, image)
        images.append({"id": number + 1, "file_name": name, "width": 56, "height": 40})
        if shape != "clean":
            region = {"id": 100 + number, "image_id": number + 1, "category_id": (2, 2, 5)[category], "iscrowd": 0}
            annotations.append(region | {"segmentation": _segmentation(marked, shape)})
    crowd = np.zeros((40, 56), np.bool_)
    crowd[34:38, 2:50] = True
    annotations.append(
        {"id": 200, "image_id": 1, "category_id": 2, "iscrowd": 1, "segmentation": _segmentation(crowd, "counts")}
    )
    _write(folder / ANNOTATIONS, images=images, annotations=annotations, categories=[
        {"id": 5, "name": "dent", "supercategory": "defect"}, {"id": 2, "name": "scratch", "supercategory": "defect"},
    ])  # fmt: skip
    write_png(folder / "images" / "unlabelled.png", np.full((40, 56), 90, np.uint8))
    (folder / "images" / "Thumbs.db").write_bytes(b"not an image")


def _write(path: Path, **lists: Sequence[Mapping[str, Any]]) -> None:
    """One line per entry."""
    parts = [f'"{key}": [\n' + ",\n".join(map(json.dumps, entries)) + "\n]" for key, entries in lists.items()]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _segmentation(marked: Bool, form: str) -> Any:
    """A rectangle as a polygon, or any region as plain or compressed counts."""
    from pycocotools import mask as coco

    if form == "polygon":
        (top, *_, bottom), (left, *_, right) = (np.flatnonzero(marked.any(axis=axis)).tolist() for axis in (1, 0))
        return [[left, top, right + 1, top, right + 1, bottom + 1, left, bottom + 1]]
    if form == "text":
        packed = coco.encode(np.asfortranarray(marked.astype(np.uint8)))
        return {"size": list(marked.shape), "counts": packed["counts"].decode("ascii")}
    steps = np.flatnonzero(np.diff(marked.T.ravel().astype(np.int8), prepend=0))
    return {"size": list(marked.shape), "counts": np.diff(steps, prepend=0, append=marked.size).tolist()}
