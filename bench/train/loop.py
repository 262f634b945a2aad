"""The one training loop, flat on purpose: change it here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.errors import Diverged, LossNotFinite
from bench.suite.schema import Recipe
from bench.train.checkpoint import Checkpoint, Moving
from bench.train.compiling import compiled
from bench.train.convergence import convergence_epoch
from bench.train.delivery import Crops, deliver
from bench.train.device import synchronise
from bench.train.forward import forward, normalisation, place, precise, targets_of
from bench.train.interval import epochs_between_validations
from bench.train.optimise import learning_rates, optimiser_of
from bench.train.randomness import AUGMENT, DROPOUT, ORDER, borrowed, stream
from bench.train.validate import Validator, choose_setting
from bench.types import Task

if TYPE_CHECKING:
    import torch

    State: TypeAlias = dict[str, torch.Tensor]
    Loss: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    Augment: TypeAlias = Callable[[torch.Tensor, torch.Tensor, torch.Generator], tuple[torch.Tensor, torch.Tensor]]

Event: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Fitted:
    """A trained model as state dicts on the CPU, and how it got there.

    ``history`` has one entry per validation: epoch, step, train_loss (mean since the last validation),
    validation_loss, validation_f1, threshold. ``best_state`` is of ``best_epoch``: the highest pooled
    validation F1, the earlier one of equals. ``convergence_epoch`` is None when not reached.
    ``seconds`` is the time from the first step to the last validation. ``choice`` is what validation chose of a model
    that has nothing to fit. ``continued`` are the steps after which it went on from a checkpoint, ``earlier_s`` what of
    ``seconds`` was before.
    """

    best_state: State
    last_state: State
    history: list[Event]
    convergence_epoch: int | None
    best_epoch: int
    seconds: float
    choice: str | None = None
    continued: Sequence[int] = ()
    earlier_s: float = 0.0


def fit(
    *,
    model: torch.nn.Module,
    crops: Crops,
    tiles: Crops,
    constants: tuple[Sequence[float], Sequence[float]],
    recipe: Recipe,
    loss: Loss,
    augment: Sequence[Augment],
    task: Task,
    seed: int,
    device: torch.device,
    progress: Callable[[Event], None],
    checkpoint: Checkpoint | None = None,
) -> Fitted:
    """Train on the crops, validate on the tiles; the model ends with the last step's weights.

    ``constants`` are mean and deviation per channel, of the training split or of the pretraining run's.

    One event per epoch: epoch, epochs, step, steps, train_loss, seconds since the first step, and what a validation
    adds to ``history`` with its own seconds (``validation_s``).
    A model without trainable parameters takes no step; of those that are :class:`bench.types.Choosing` the setting is
    chosen. With a recipe of no epochs every model is left as it is.
    ``checkpoint`` keeps where the training is and lets it go on from there; without one nothing is kept.

    Raises:
        Diverged: a loss or a weight is no longer finite; names the step.
        Stopped: it was asked to stop, and the checkpoint is written.
    """
    import torch

    model = place(model, device)
    normalise = normalisation(*constants, device)
    validator = Validator(deliver(tiles, device), device, normalise, loss, task, recipe.batch, recipe.precision)
    if not recipe.epochs or not any(parameter.requires_grad for parameter in model.parameters()):
        choice = choose_setting(model, validator) if recipe.epochs else None
        state = copied(model, device)
        return Fitted(state, state, [], None, 0, 0.0, choice)
    delivery = deliver(crops, device)
    generator = torch.Generator().manual_seed(stream(seed, AUGMENT))
    per_epoch = batches(recipe)
    steps = recipe.epochs * per_epoch
    passes = model if recipe.compile == "none" else compiled(model, recipe.compile)
    optimiser, rate = optimiser_of(model, recipe), learning_rates(steps, recipe)
    every = epochs_between_validations(recipe, len(tiles))
    kept = checkpoint or Checkpoint()
    moving = Moving(model, optimiser, generator, device)
    with borrowed(stream(seed, DROPOUT), device), kept.heeding():
        course = kept.restored(moving)
        pause = partial(kept.after_step, moving, course)
        for epoch in range(max(1, -(-course.step // per_epoch)), recipe.epochs + 1):
            model.train()
            rows = epoch_rows(len(crops), epoch, recipe, stream(seed, ORDER))
            for images, mask in delivery.batches(islice(rows, course.step - (epoch - 1) * per_epoch, None)):
                for group in optimiser.param_groups:
                    group["lr"] = rate(course.step)
                batch = normalise(images)
                for change in augment:
                    batch, mask = change(batch, mask, generator)
                with precise(recipe.precision, device):
                    logits = forward(passes, batch)
                value = loss(logits, targets_of(mask, task))
                optimiser.zero_grad(set_to_none=True)
                value.backward()  # type: ignore[no-untyped-call]  # torch
                optimiser.step()
                course.losses.append(value.detach())  # stays on the device: reading it would wait for the step
                course.step += 1
                pause()
            train_loss = mean_loss(course.losses, course.step, epoch, recipe)
            event: Event = {"epoch": epoch, "step": course.step, "train_loss": train_loss}
            if epoch % every == 0 or epoch == recipe.epochs:
                validating = time.perf_counter()
                check_weights(model, course.step, epoch, recipe)
                validation_loss, f1, threshold = validator(model, pause)
                check_finite(validation_loss, "validation loss", course.step, epoch, recipe)
                event |= {"validation_loss": validation_loss, "validation_f1": f1, "threshold": threshold}
                course.history.append(dict(event))
                event["validation_s"] = time.perf_counter() - validating
                course.losses.clear()
                if f1 > course.best_f1:
                    course.best_f1, course.best_epoch, course.best_state = f1, epoch, copied(model, device)
            progress(event | {"epochs": recipe.epochs, "steps": steps, "seconds": kept.seconds(course)})
            if recipe.budget == "until-convergence" and converged(course.history) is not None:
                break
    seconds = kept.seconds(course)  # the last validation has been read, so the device is at rest
    last_state = course.best_state if course.best_epoch == epoch else copied(model, device)
    return Fitted(
        course.best_state,
        last_state,
        course.history,
        converged(course.history),
        course.best_epoch,
        seconds,
        continued=course.continued,
        earlier_s=course.seconds,
    )


def batches(recipe: Recipe) -> int:
    """Steps per epoch."""
    return -(-recipe.epoch_crops // recipe.batch)


def epoch_rows(crops: int, epoch: int, recipe: Recipe, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of the draw for each step of an epoch (counted from 1): at most ``batch`` each, sizes differ by at most 1.

    Epochs are consecutive slices of an endless order: the draw's own order once, then one seeded
    permutation after another. Even sizes spare batch norm a last batch of one crop.
    """
    places = np.arange((epoch - 1) * recipe.epoch_crops, epoch * recipe.epoch_crops)
    rounds, rows = np.divmod(places, crops)
    for number in np.unique(rounds):
        if number > 0:
            here = rounds == number
            rows[here] = np.random.default_rng([seed, number]).permutation(crops)[rows[here]]
    yield from np.array_split(rows, batches(recipe))


def copied(model: torch.nn.Module, device: torch.device) -> State:
    """The state dict, copied to the CPU; from a GPU into pinned memory, with one wait for all of it."""
    import torch

    copies = {}
    for name, tensor in model.state_dict().items():
        copy = torch.empty_like(tensor, device="cpu", pin_memory=device.type == "cuda")
        copies[name] = copy.copy_(tensor, non_blocking=True)
    synchronise(device)
    return copies


def converged(history: Sequence[Event]) -> int | None:
    """Epoch of convergence of a history, see :func:`bench.train.convergence.convergence_epoch`."""
    return convergence_epoch([event["epoch"] for event in history], [event["validation_loss"] for event in history])


def mean_loss(losses: Sequence[torch.Tensor], step: int, epoch: int, recipe: Recipe) -> float:
    """Mean of the losses of the steps that end with ``step``.

    Raises:
        Diverged: one of them is not finite; names the first such step.
    """
    import torch

    values = torch.stack(list(losses)).double().cpu().numpy()
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        first = int(wrong[0])
        check_finite(float(values[first]), "training loss", step - len(values) + first + 1, epoch, recipe)
    return float(values.mean())


def check_weights(model: torch.nn.Module, step: int, epoch: int, recipe: Recipe) -> None:
    """Look at every floating tensor of the state once.

    Raises:
        Diverged: one holds NaN or infinity.
    """
    import torch

    floating = [tensor for tensor in model.state_dict().values() if tensor.is_floating_point()]
    if not bool(torch.stack([tensor.isfinite().all() for tensor in floating]).all()):
        raise Diverged(_not_finite(float("nan"), "state of the model", step, epoch, recipe))


def check_finite(value: float, what: str, step: int, epoch: int, recipe: Recipe) -> None:
    """Refuse a loss of NaN or infinity.

    Raises:
        LossNotFinite: which loss, when, and what to change.
    """
    if not isfinite(value):
        raise LossNotFinite(_not_finite(value, what, step, epoch, recipe))


def _not_finite(value: float, what: str, step: int, epoch: int, recipe: Recipe) -> str:
    return (
        f"the {what} is {value} at step {step} (epoch {epoch} of {recipe.epochs}); lower recipe.learning_rate "
        f"(now {recipe.learning_rate:g}), lengthen recipe.warmup_steps or set recipe.precision: float32"
    )
