"""After memory ran out in a training: the largest half of its batch that fits, tried here in a few steps.

The batch is never changed without a word: batch norm would see another one under an equal id.
"""

from __future__ import annotations

import gc
import json
import os
from typing import TYPE_CHECKING

from bench.catalog import Catalog
from bench.engine.failures import is_out_of_memory
from bench.jobs import Job, Report
from bench.stages.cell_run import CellRun
from bench.stages.environment import device
from bench.stages.train import build_model
from bench.suite.schema import Recipe
from bench.train.forward import forward, place, precise
from bench.train.optimise import optimiser_of

if TYPE_CHECKING:
    import torch

STEPS = 2
"""The optimiser takes its memory in the first step."""


def halved(job: Job, catalog: Catalog, report: Report) -> str | None:
    """What to do for a cell whose training ran out of memory alone on its device; None where others were beside it."""
    if os.environ.get("BENCH_CELLS_PER_DEVICE", "1") != "1":
        return None
    run = CellRun(job, catalog, report)
    recipe = Recipe.model_validate_json(json.dumps(run.stages["train"].facts["recipe"]))
    batch = recipe.batch
    while batch > 1:
        batch //= 2
        report("smaller batch", recipe.batch - batch, recipe.batch, "")
        if _fits(run, recipe, batch):
            return (
                f"recipe.batch is {recipe.batch}; of its halves {batch} is the largest that fits here, tried in "
                f"{STEPS} steps: write recipe.batch: {batch} (the cell then has another id)"
            )
    return f"recipe.batch is {recipe.batch}, and not even 1 fits here: choose a smaller crop or model"


def _fits(run: CellRun, recipe: Recipe, batch: int) -> bool:
    """Whether training steps with so many crops fit into memory; their content does not matter."""
    import torch

    on = device(run.threads)
    gc.collect()  # what the training held is gone with its frames
    if on.type == "cuda":
        torch.cuda.empty_cache()
    try:
        _step(run, recipe, batch, on)
    except Exception as error:
        behind: BaseException | None = error
        while behind is not None and not is_out_of_memory(behind):
            behind = behind.__cause__
        if behind is None:
            raise
        return False
    return True


def _step(run: CellRun, recipe: Recipe, batch: int, on: torch.device) -> None:
    import torch

    facts, size = run.stages["train"].facts, run.stages["tiles"].facts["size"]
    model = place(build_model(run, facts["model"], facts["seed"]), on).train()
    optimiser = optimiser_of(model, recipe)
    loss = run.built("loss", facts["loss"])
    images = torch.zeros(batch, run.task.channels, size, size, device=on)
    targets = torch.zeros(batch, size, size, dtype=torch.int64, device=on)
    for _ in range(STEPS):
        with precise(recipe.precision, on):
            logits = forward(model, images)
        optimiser.zero_grad(set_to_none=True)
        loss(logits, targets).backward()
        optimiser.step()
