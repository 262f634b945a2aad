"""The suite ``cropping`` in a reduced form: its board, and its wall time beside the script's for as many crops."""

from __future__ import annotations

import json
import time
from pathlib import Path

from studies.gpu.commands import bench
from studies.gpu.figures import Part
from studies.gpu.sizes import Sizes

SUITE = Path(__file__).with_name("cropping.yaml")


def measure(part: Part, sizes: Sizes) -> None:
    """Run it whole, and keep the table of its board."""
    folder = part.place
    changed = [word for override in sizes.cropping for word in ("-x", override)]
    started = time.perf_counter()
    bench(folder, "run", str(SUITE), *changed)
    wall = time.perf_counter() - started
    board = json.loads((folder / "runs/cropping-reduced/leaderboard.json").read_text(encoding="utf-8"))
    cells = len(board["cells"])
    part.figure("reduced cropping", wall, f"{cells} cells in {wall:.0f} s, from the command to the board")
    script = part.path.with_name("step.json")
    if script.is_file() and not sizes.cropping:
        figures = json.loads(script.read_text(encoding="utf-8"))["figures"]
        rate = next((one["value"] for one in figures if one["name"].startswith("script: ")), None)
        if rate:
            ratio = cells * 20 * 1000 / rate / wall
            part.figure("the script for as many crops, training alone", ratio, f"{ratio:.2f} x the time", 5.0)
    lines = (folder / "runs/cropping-reduced/leaderboard.md").read_text(encoding="utf-8").splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|"))
    last = next((number for number, line in enumerate(lines[first:], first) if not line.startswith("|")), len(lines))
    part.table("\n".join(lines[first:last]))
