"""The stage ``crops``: the training crops that a strategy draws, as positions or as a bank."""

from __future__ import annotations

import time
from pathlib import Path

from bench.crops.bank import build_bank
from bench.crops.cuts import DRAW, build_draw
from bench.crops.tables import read_tables
from bench.stages.cell_run import CROPS, CellRun, Note, finish
from bench.stages.environment import threads
from bench.stages.forms import Stored, image_source, serves, stored, wants_bank
from bench.stages.graph import Stage
from bench.stages.provenance import provenance


def noted_crops(run: CellRun) -> Note:
    """The note of the training crops, drawn first where they are not on disk in a form that serves."""
    return finish(run, "crops", run_crops, lambda folder: serves(run, folder))


def drawn(run: CellRun) -> Stored:
    """The training crops, drawn first where they are not on disk in a form that serves."""
    noted_crops(run)
    return stored(run, "crops")


def run_crops(run: CellRun, stage: Stage, folder: Path) -> Note:
    """Draw the training crops, and store them or where they lie."""
    facts = stage.facts
    source = image_source(run)
    started = time.perf_counter()
    bank = wants_bank(run, source, facts["crops"], facts["size"])
    build, path = (build_bank, folder / CROPS) if bank else (build_draw, folder / DRAW)
    build(
        path,
        key=stage.key,
        index=run.images("train"),
        source=source,
        strategy=run.built("crop", facts["crop"], facts["size"]),
        size=facts["size"],
        crops=facts["crops"],
        seed=facts["seed"],
        provenance=provenance(),
        workers=threads(),
        progress=run.counted("crops"),
        other_groups={entry.group for split in ("validation", "test") for entry in run.images(split).entries},
    )
    drawn = read_tables(path).provenance["draw"]
    return {"seconds": time.perf_counter() - started, "draw": drawn, "inert": drawn["inert"]}
