"""The images that the overlays of a cell show, and their binary predictions, which the predict stage keeps."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.arrays import read_arrays
from bench.pictures.sheet import Pick, named, worst
from bench.score.evidence import Evidence
from bench.score.metrics import image_counts
from bench.types import Bool

SHOWN = "shown.npz"
"""File of the predict stage with binary predictions of the images that the overlays show."""

CHOSEN, WORST, LOUDEST = 4, 2, 2
"""Images on a sheet: spread over the defective ones, of lowest F1, of most false positives."""


def picks(test: Evidence, threshold: int) -> list[Pick]:
    """The images of a sheet, each once; the chosen ones are the same for every cell of a data set."""
    counted = {"ids": test.ids, "counts": image_counts(test, threshold).tolist()}
    defective = [test.ids[number] for number in np.unique(test.defects.image)]
    places = np.linspace(0, len(defective) - 1, min(CHOSEN, len(defective))).round().astype(int)
    found = [
        *named(counted, [defective[place] for place in places]),
        *worst(counted, "f1", WORST),
        *worst(counted, "false positives", LOUDEST),
    ]
    return list({pick.id: pick for pick in reversed(found)}.values())[::-1]


def packed(positive: Bool) -> bytes:
    """A binary prediction ``bool[H, W]`` in little memory: at most a bit a pixel."""
    return zlib.compress(np.packbits(positive).tobytes(), 1)


def unpacked(stored: bytes, height: int, width: int) -> Bool:
    """The ``bool[H, W]`` of :func:`packed`."""
    bits = np.frombuffer(zlib.decompress(stored), np.uint8)
    return np.unpackbits(bits, count=height * width).reshape(height, width).astype(bool)


def write_shown(path: Path, predicted: Mapping[str, Bool]) -> None:
    """Keep binary predictions ``bool[H, W]`` by image id."""
    arrays: dict[str, Any] = {f"mask_{number}": mask for number, mask in enumerate(predicted.values())}
    np.savez_compressed(path, allow_pickle=False, ids=np.array(list(predicted), np.str_), **arrays)


def read_shown(path: Path) -> dict[str, Bool]:
    """Image id to binary prediction, as the predict stage kept them."""
    stored = read_arrays(path)
    return {str(id): stored[f"mask_{number}"].astype(bool) for number, id in enumerate(stored["ids"])}
