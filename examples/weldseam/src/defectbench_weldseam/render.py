"""Rendering the seams: a bright rippled bead on ground steel, with cracks, pores and undercuts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.api import Bool, Float64, write_png

SEAMS, FRAMES = 12, 3
HEIGHT, WIDTH = 64, 96
STEP_MM = 12.0

Marks = Mapping[str, Bool]
"""Kind to ``bool[H, W]``."""


def write_seams(folder: Path) -> None:
    """Write every seam: the third frame of each is clean, as are all of the last seam."""
    for seam in range(SEAMS):
        place = folder / f"seam_{seam:02d}"
        frames = [_write_frame(place, seam, frame) for frame in range(FRAMES)]
        table = {"process": ("TIG", "MAG")[seam % 2], "frames": frames}
        (place / "seam.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    (folder / "seam_00" / "Thumbs.db").write_bytes(b"not an image")


def _write_frame(place: Path, seam: int, frame: int) -> dict[str, object]:
    """Write image and masks of one frame; its row for the table."""
    rng = np.random.default_rng([seam, frame])
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    middle = HEIGHT / 2 + 3 * np.sin((columns + 40 * frame) / 30 + seam)
    across = (rows - middle) / (HEIGHT / 5)
    clean = frame == FRAMES - 1 or seam == SEAMS - 1
    marks = {} if clean else _marks(across, columns, rng)
    grey = 70 + 70 * np.exp(-(across**4)) * (1 + 0.12 * np.sin(columns / 2.5 + across**2))
    for mark in marks.values():
        grey[mark] *= 0.45
    grey += rng.normal(0, 4, grey.shape)
    name = f"frame_{frame:02d}.png"
    write_png(place / name, grey.clip(0, 255).astype(np.uint8))
    return {"image": name, "position_mm": STEP_MM * frame, "defects": _write_marks(place, frame, marks)}


def _marks(across: Float64, columns: npt.NDArray[np.int64], rng: np.random.Generator) -> Marks:
    """A crack along the bead, a pore in it and an undercut at its edge, each in a third of the width."""
    thirds = rng.permutation(3) * (WIDTH // 3)
    from_crack, from_pore, from_undercut = ((columns - third) / (WIDTH / 3) for third in thirds)
    crack = np.abs(across - 0.3 * np.sin(6 * from_crack)) < 0.12
    pore = np.hypot((from_pore - 0.5) * WIDTH / 3, across * HEIGHT / 5) < rng.uniform(3, 6)
    undercut = np.abs(across - 1.0) < 0.15
    return {
        "crack": crack & (from_crack > 0.2) & (from_crack < 0.8),
        "pore": pore,
        "undercut": undercut & (from_undercut > 0.1) & (from_undercut < 0.9),
    }


def _write_marks(place: Path, frame: int, marks: Marks) -> list[dict[str, object]]:
    """Write one file per defect and tell its box; of every second undercut only the box is told."""
    defects: list[dict[str, object]] = []
    for number, (kind, mark) in enumerate(marks.items()):
        (top, *_, bottom), (left, *_, right) = (np.flatnonzero(mark.any(axis)).tolist() for axis in (1, 0))
        inside = mark[top : bottom + 1, left : right + 1]
        file = None if kind == "undercut" and frame % 2 else f"frame_{frame:02d}_{number}.png"
        if file:
            write_png(place / file, np.where(inside, 255, 0).astype(np.uint8))
        defects.append({"kind": kind, "box": [left, top, inside.shape[1], inside.shape[0]], "mask": file})
    return defects
