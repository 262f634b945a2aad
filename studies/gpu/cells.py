"""Cells an hour, with one and with several on the GPU: a run of small models each, in a store of its own."""

from __future__ import annotations

import json
import time

from studies.gpu.commands import bench
from studies.gpu.data import write_pairs
from studies.gpu.figures import Part
from studies.gpu.sizes import Sizes
from studies.gpu.step import device_here

AT_ONCE = 4


def measure(part: Part, sizes: Sizes) -> None:
    """Wall time of the same cells, one and several at once; the start of the workers counts."""
    folder = part.place
    write_pairs(folder / "pairs", sizes)
    recipe = {
        "epochs": sizes.cell_epochs,
        "epoch_crops": 10 * sizes.steps,
        "batch": min(8, sizes.batch),
        "precision": sizes.precision,
        "warmup_steps": 5,
    }
    suite = {
        "name": "small",
        "data": {"folder": str(folder / "pairs")},
        "axes": {
            "dataset": ["folder"],
            "crop": ["uniform"],
            "crop_size": [sizes.crop // 2],
            "model": [{"use": "unet", "settings": dict(sizes.small)}],
            "seed": list(range(sizes.cells)),
        },
        "recipe": recipe,
    }
    file = folder / "small.yaml"
    file.write_text(json.dumps(suite), encoding="utf-8")
    hourly = {}
    for at_once in (1, AT_ONCE):
        number = f"runtime.cells_per_device={at_once}" if device_here().type == "cuda" else f"runtime.workers={at_once}"
        started = time.perf_counter()
        bench(folder / f"{at_once}", "run", str(file), "-x", number)
        hourly[at_once] = 3600 * sizes.cells / (time.perf_counter() - started)
        said = f"{hourly[at_once]:,.0f} cells an hour, of {sizes.cells} cells"
        part.figure(f"small models, {at_once} at once", hourly[at_once], said)
    gain = hourly[AT_ONCE] / hourly[1]
    part.figure(f"{AT_ONCE} at once against one", gain, f"{gain:.2f} x", 1.5)
