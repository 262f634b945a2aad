"""Writing the miniature of a release: pictures from grey levels, and the stray files that real folders hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.api import Float64, Mask


def pixels(levels: Float64) -> Mask:
    """Grey levels as ``uint8``; those outside 0 to 255 become the nearest of the two."""
    return np.clip(levels, 0, 255).astype(np.uint8)


def write_jpg(path: Path, levels: Float64, quality: int = 95) -> None:
    """Write levels ``[H, W]`` or ``[H, W, 3]``."""
    from PIL import Image as Pillow

    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(pixels(levels)).save(path, quality=quality)


def write_stray(path: Path) -> None:
    """Write what is no image under any name."""
    path.write_bytes(b"not an image")


def write_copy(path: Path) -> None:
    """Copy a file as file managers do: ``000 (copy).png`` beside ``000.png``."""
    path.with_name(f"{path.stem} (copy){path.suffix}").write_bytes(path.read_bytes())
