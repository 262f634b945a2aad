"""The stage ``tiles``: the fixed tiles of the validation images, and what training images have in common."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from bench.crops.bank import build_tiles
from bench.stages.cell_run import TILES, CellRun, Note
from bench.stages.environment import threads
from bench.stages.graph import Stage
from bench.stages.kinds import kind_of
from bench.stages.provenance import provenance


def run_tiles(run: CellRun, stage: Stage, folder: Path) -> Note:
    """Store the fixed validation tiles, mean and deviation of the training images, and the kind of those as read."""
    build_tiles(
        folder / TILES,
        key=stage.key,
        training=run.images("train"),
        validation=run.images("validation"),
        source=run.source,
        size=stage.facts["size"],
        provenance=provenance(),
        workers=threads(),
        progress=run.counted("tiles"),
    )
    return {"images": asdict(kind_of(run.index))}
