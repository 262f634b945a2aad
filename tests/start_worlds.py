"""Folders as people keep their images and masks: small pictures under several habits."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

PARTS, VIEWS = 8, ("top", "side")


def photograph(path: Path, seed: int, size: tuple[int, int] = (64, 80)) -> None:
    """A grainy grey picture of ``(height, width)``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(40, 200, size).astype(np.uint8)
    Image.fromarray(pixels).save(path)


def drawing(path: Path, seed: int, *, level: int = 255, size: tuple[int, int] = (64, 80), clean: bool = False) -> None:
    """A mask with one rectangle of 10 to 14 pixels, or with nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = np.zeros(size, np.uint8)
    if not clean:
        row, column, side = np.random.default_rng(seed).integers((2, 2, 10), (40, 50, 15))
        mask[row : row + side, column : column + side] = level
    Image.fromarray(mask).save(path)


def two_folders(root: Path) -> None:
    """``images/part1_top.png`` and ``masks/part1_top.png``, every fourth part clean."""
    for seed, (part, view) in enumerate((part, view) for part in range(PARTS) for view in VIEWS):
        photograph(root / "images" / f"part{part}_{view}.png", seed)
        drawing(root / "masks" / f"part{part}_{view}.png", seed, clean=part % 4 == 3)


def suffixes(root: Path) -> None:
    """``0001.jpg`` and ``0001_mask.png`` in one folder, masks of 0 and 1."""
    for seed in range(12):
        photograph(root / f"{seed:04d}.jpg", seed)
        drawing(root / f"{seed:04d}_mask.png", seed, level=1)


def prefixes(root: Path) -> None:
    """``Bilder/img_001.png`` and ``Annotationen/gt_001.png``: folders in a language that nobody taught us."""
    for seed in range(12):
        photograph(root / "Bilder" / f"img_{seed:03d}.png", seed)
        drawing(root / "Annotationen" / f"gt_{seed:03d}.png", seed)


def same_names(root: Path) -> None:
    """``plate01_a.jpg`` and ``plate01_a.png`` in one folder: only pixels tell which is the mask."""
    for seed, (part, view) in enumerate((part, view) for part in range(PARTS) for view in "ab"):
        photograph(root / f"plate{part:02d}_{view}.jpg", seed)
        drawing(root / f"plate{part:02d}_{view}.png", seed)


def one_folder_of_images(root: Path) -> None:
    """The same in a folder ``Imgs``: a name that all pictures share tells nothing."""
    same_names(root / "Imgs")


def class_folders(root: Path) -> None:
    """``dent/images/1.png`` and ``dent/masks/1.png``, and clean ones in ``good``; names come back in every folder."""
    for first, kind in ((0, "dent"), (50, "scratch")):
        for seed in range(6):
            photograph(root / kind / "images" / f"{seed}.png", first + seed)
            drawing(root / kind / "masks" / f"{seed}.png", first + seed)
    for seed in range(6):
        photograph(root / "good" / "images" / f"{seed}.png", 100 + seed)


def clean_apart(root: Path) -> None:
    """``defective/a1.png`` with ``labels/a1.png``, and ``ok/b1.png`` without."""
    for seed in range(10):
        photograph(root / "defective" / f"a{seed}.png", seed)
        drawing(root / "labels" / f"a{seed}.png", seed)
        photograph(root / "ok" / f"b{seed}.png", 100 + seed)


def no_words(root: Path) -> None:
    """``shots/p1-x.jpg`` and ``drawn/p1-x_mk.jpg``: neither words nor separators that are known, lossy masks."""
    for seed, (part, view) in enumerate((part, view) for part in range(PARTS) for view in "xy"):
        photograph(root / "shots" / f"p{part}-{view}.jpg", seed)
        drawing(root / "drawn" / f"p{part}-{view}_mk.png", seed)


def numbered_classes(root: Path) -> None:
    """Masks of 0, 1 and 2, with a file of names."""
    for seed in range(12):
        photograph(root / "images" / f"{seed}.png", seed)
        drawing(root / "labels" / f"{seed}.png", seed, level=1 + seed % 2)
    (root / "classes.txt").write_text("background\nscratch\ndent\n")


def coco_file(root: Path) -> None:
    """``annotations/instances.json`` and ``photos/``: rectangles as polygons."""
    images, annotations = [], []
    for seed in range(12):
        photograph(root / "photos" / f"{seed}.png", seed)
        images.append({"id": seed, "file_name": f"{seed}.png", "width": 80, "height": 64})
        left, top = 5 + seed, 8
        polygon = [left, top, left + 12, top, left + 12, top + 9, left, top + 9]
        annotations.append({"id": seed, "image_id": seed, "category_id": 1, "segmentation": [polygon], "iscrowd": 0})
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "dent"}]}
    (root / "annotations").mkdir(parents=True)
    (root / "annotations" / "instances.json").write_text(json.dumps(document))


HABITS: Mapping[str, Callable[[Path], None]] = {
    "two_folders": two_folders,
    "suffixes": suffixes,
    "prefixes": prefixes,
    "same_names": same_names,
    "one_folder_of_images": one_folder_of_images,
    "class_folders": class_folders,
    "clean_apart": clean_apart,
    "no_words": no_words,
    "numbered_classes": numbered_classes,
    "coco_file": coco_file,
}
