"""Images of noise with bright squares, which are the defects, and their masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.images import write_png

IMAGES, SIDE = 10, 48


def write_parts(folder: Path, images: int = IMAGES, side: int = SIDE) -> None:
    """Write so many images of this side, each with a square, into ``images`` and ``masks`` of a folder."""
    for number in range(images):
        rng = np.random.default_rng(number)
        image = rng.integers(20, 60, (side, side), dtype=np.uint8)
        mask = np.zeros((side, side), np.uint8)
        row, column = rng.integers(4, side - 12, 2)
        mask[row : row + 8, column : column + 8] = 255
        image[mask > 0] += 120
        write_png(folder / "images" / f"part{number:02d}.png", image)
        write_png(folder / "masks" / f"part{number:02d}.png", mask)
