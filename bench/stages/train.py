"""The stage ``train``: a model fitted on crops, from scratch or on from the weights of a pretraining run."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import PluginError, StoreError, one_line
from bench.jobs import Epoch
from bench.stages.cell_run import BEST, LAST, CellRun, Note, finish, last_is_best
from bench.stages.crops import drawn
from bench.stages.environment import device
from bench.stages.forms import Stored, stored
from bench.stages.graph import Stage
from bench.stages.provenance import provenance
from bench.store.store import checkpoint_path
from bench.suite.schema import Recipe
from bench.train.checkpoint import Checkpoint
from bench.train.device import unsettled
from bench.train.history import write_history
from bench.train.loop import Fitted, fit
from bench.train.memory import PeakMemory
from bench.train.model_contract import planes_by_chance
from bench.train.pace import Pace, pace
from bench.train.randomness import initialised
from bench.train.weights import Weights, load_weights, save_weights
from bench.words import plural

if TYPE_CHECKING:
    import torch

Constants = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and deviation per channel, on the scale of the stored dtype."""

BITS = ("python", "device", "threads", "packages", "driver", "cuda")
"""What of the provenance must be as it was for a training to go on to the same bits."""

UNSETTLED = "not deterministic on {}: {}"
"""Badge of a cell whose training may give other bits the next time: device and operation, as torch calls it."""


def trained(run: CellRun) -> Note:
    """Finish the stage; the checkpoint of its training is of no use then."""
    note = finish(run, "train", run_train)
    checkpoint_path(run.folder("train")).unlink(missing_ok=True)
    return note


def checkpoint_of(run: CellRun) -> Checkpoint:
    """The checkpoint of a training on this machine, with these versions."""
    told = provenance(run.threads)
    made_with = {name: told[name] for name in BITS}
    return Checkpoint(checkpoint_path(run.folder("train")), run.job.checkpoint_s, made_with, run.stop)


def run_train(run: CellRun, stage: Stage, folder: Path) -> Note:
    """Fit the model, on from the weights of a pretraining run where there is one; leaves the best weights.

    Those of the last step are left where they are others.

    Those weights bring their normalisation. Nothing is drawn for a model that has nothing to fit.
    """
    facts = stage.facts
    tiles = stored(run, "tiles")
    model, constants = starting_point(run, stage, tiles)
    check_planes(run, facts["model"])
    recipe = Recipe.model_validate_json(json.dumps(facts["recipe"]))
    fitting = recipe.epochs > 0 and any(p.requires_grad for p in model.parameters())
    crops = drawn(run) if fitting else tiles
    on = device(run.threads)
    peak = PeakMemory(on)
    events: list[Mapping[str, Any]] = []

    def told(event: Mapping[str, Any]) -> None:
        events.append(event)
        run.report("train", event["epoch"], event["epochs"], _figures(event), Epoch.of(event))

    if fitting:
        run.report("train", 0, recipe.epochs, "")
    started = time.perf_counter()
    with unsettled() as operations:
        fitted = fit(
            model=model,
            crops=crops,
            tiles=tiles,
            constants=constants,
            recipe=recipe,
            loss=run.built("loss", facts["loss"]),
            augment=[run.built("augment", used) for used in facts["augment"]],
            task=run.task,
            seed=facts["seed"],
            device=on,
            progress=told,
            checkpoint=checkpoint_of(run),
        )
    kept = {BEST: fitted.best_state}
    if not last_is_best(fitted.history, fitted.best_epoch):
        kept[LAST] = fitted.last_state  # read by the predict stage; equal ones are not stored twice
    for name, state in kept.items():
        save_weights(folder / name, Weights(state, *constants, run.task, facts["model"]))
    write_history(folder, fitted.history)
    return {
        "seconds": fitted.earlier_s + time.perf_counter() - started,
        "fitted": fitting,
        "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "output_stride": int(getattr(model, "output_stride", 1)),
        "convergence_epoch": fitted.convergence_epoch,
        "best_epoch": fitted.best_epoch,
        "choice": fitted.choice,
        "continued": list(fitted.continued),
        "badges": [UNSETTLED.format(on.type, operation) for operation in operations],
        **(_cost(fitted, recipe, peak, pace(events)) if fitting else {}),
    }


def _cost(fitted: Fitted, recipe: Recipe, peak: PeakMemory, pace: Pace) -> dict[str, Any]:
    """Crops seen per second of the loop, validations included, seconds of both, and the peak of memory."""
    epochs = fitted.history[-1]["epoch"] if fitted.history else 0
    crops = recipe.epoch_crops * epochs
    highest = peak.read()
    return {
        "crops_per_s": crops / fitted.seconds if fitted.seconds > 0 else None,
        "epochs": epochs,
        "validations": len(fitted.history),
        "step_s": pace.step_s,
        "validation_s": pace.validation_s,
        "peak_memory_bytes": highest.bytes,
        "peak_memory_of": highest.of,
    }


def starting_point(run: CellRun, stage: Stage, tiles: Stored) -> tuple[torch.nn.Module, Constants]:
    """The model before its first step, and the mean and deviation per channel that its images are normalised with.

    Raises:
        StoreError: the weights of the pretraining run are gone, or do not fit the model.
    """
    model = build_model(run, stage.facts["model"], stage.facts["seed"])
    if "pretrain" not in stage.needs:
        assert tiles.mean is not None
        assert tiles.std is not None
        return model, (tuple(tiles.mean), tuple(tiles.std))
    path = run.places.stage("train", stage.needs["pretrain"]) / BEST
    stored = load_weights(path)
    try:
        model.load_state_dict(stored.state)
    except RuntimeError as error:
        raise StoreError(
            f"{path}: these weights do not fit the model ({one_line(error)}); "
            f"delete {path.parent}, then run the suite again"
        ) from None
    return model, (stored.mean, stored.std)


def check_planes(run: CellRun, used: Mapping[str, Any]) -> None:
    """Refuse a model of a third party that has the planes of this task by chance; built-in ones are tested.

    Two planes are no chance where all classes are one.

    Raises:
        PluginError: it gives as many for another number of classes.
    """
    if run.task.classes == 1 or run.catalog.find("model", used["use"]).provider.ours:
        return
    if planes_by_chance(lambda task: run.built("model", used, task), run.task):
        raise PluginError(
            f"the model {used['use']!r} gives {plural(1 + run.task.classes, 'plane')} whatever the number of classes: "
            "it must give one for the background and one for each of task.classes"
        )


def _figures(at: Mapping[str, Any]) -> str:
    """What the progress display shows of an epoch."""
    text = f"loss {at['train_loss']:.3f}"
    if "validation_f1" in at:
        text += f", validation F1 {at['validation_f1']:.3f}"
    return text


def build_model(run: CellRun, used: Mapping[str, Any], seed: int) -> torch.nn.Module:
    """Build a model with weights drawn from ``seed``, leaving torch's global generator as it was."""
    model: torch.nn.Module = initialised(lambda: run.built("model", used, run.task), seed)
    return model
