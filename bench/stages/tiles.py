"""The stage ``tiles``: the fixed tiles of the validation images, and what training images have in common."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

from bench.crops.bank import build_tiles
from bench.crops.cuts import DRAW, build_tile_positions
from bench.stages.cell_run import TILES, CellRun, Note, finish
from bench.stages.environment import threads
from bench.stages.forms import image_source, serves
from bench.stages.graph import Stage
from bench.stages.kinds import kind_of
from bench.stages.provenance import provenance


def tiled(run: CellRun) -> Note:
    """The note of the validation tiles, laid first where they are not on disk in a form that serves."""
    return finish(run, "tiles", run_tiles, lambda folder: serves(run, folder))


def run_tiles(run: CellRun, stage: Stage, folder: Path) -> Note:
    """Lay the fixed validation tiles, take mean and deviation of the training images, and note their kind as read.

    Where there is an image store it holds the pixels of the tiles already, so they are positions.
    """
    source = image_source(run)
    started = time.perf_counter()
    stores = run.job.delivery == "crops"
    build, path = (build_tiles, folder / TILES) if stores else (build_tile_positions, folder / DRAW)
    build(
        path,
        key=stage.key,
        training=run.images("train"),
        validation=run.images("validation"),
        source=source,
        size=stage.facts["size"],
        provenance=provenance(),
        workers=threads(),
        progress=run.counted("tiles"),
    )
    return {"seconds": time.perf_counter() - started, "images": asdict(kind_of(run.index))}
