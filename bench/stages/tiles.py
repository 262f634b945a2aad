"""The stage ``tiles``: the fixed tiles of the validation images, and what training images have in common."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from bench.crops.bank import build_tiles
from bench.stages.cell_run import TILES, CellRun, Note
from bench.stages.environment import threads
from bench.stages.graph import Stage
from bench.stages.images import stored_images
from bench.stages.kinds import kind_of
from bench.stages.provenance import provenance


def run_tiles(run: CellRun, stage: Stage, folder: Path) -> Note:
    """Store the fixed validation tiles, mean and deviation of the training images, and the kind of those as read."""
    images = stored_images(run)
    started = time.perf_counter()
    build_tiles(
        folder / TILES,
        key=stage.key,
        training=run.images("train"),
        validation=run.images("validation"),
        source=images,
        size=stage.facts["size"],
        provenance=provenance(),
        workers=threads(),
        progress=run.counted("tiles"),
    )
    return {"seconds": time.perf_counter() - started, "images": asdict(kind_of(run.index))}
