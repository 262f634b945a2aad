"""The stage ``crops``: the bank of training crops that a strategy draws."""

from __future__ import annotations

import time
from pathlib import Path

from bench.crops.bank import Bank, build_bank, open_bank
from bench.stages.cell_run import CROPS, CellRun, Note, finish
from bench.stages.environment import threads
from bench.stages.graph import Stage
from bench.stages.images import stored_images
from bench.stages.provenance import provenance


def drawn(run: CellRun) -> Bank:
    """The bank of training crops, drawn first where it is not on disk."""
    finish(run, "crops", run_crops)
    return run.bank("crops")


def run_crops(run: CellRun, stage: Stage, folder: Path) -> Note:
    """Draw and store the training crops."""
    facts = stage.facts
    images = stored_images(run)
    started = time.perf_counter()
    strategy = run.built("crop", facts["crop"], facts["size"])
    elsewhere = {e.group for split in ("validation", "test") for e in run.images(split).entries}
    build_bank(
        folder / CROPS,
        key=stage.key,
        index=run.images("train"),
        source=images,
        strategy=strategy,
        size=facts["size"],
        crops=facts["crops"],
        seed=facts["seed"],
        provenance=provenance(),
        workers=threads(),
        progress=run.counted("crops"),
        other_groups=elsewhere,
    )
    drawn = open_bank(folder / CROPS).provenance["draw"]
    return {"seconds": time.perf_counter() - started, "draw": drawn, "inert": drawn["inert"]}
