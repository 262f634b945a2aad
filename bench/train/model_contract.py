"""What every model must do, checked on a built component; the tests and plugin authors use the same check."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from bench.errors import BenchError, named_line
from bench.train.randomness import initialised
from bench.types import Task
from bench.words import plural

if TYPE_CHECKING:
    import torch

CHANNELS = (1, 3, 5)
SIDE = 64
ROUNDING = 1e-3
"""Logits of an image alone and beside another may differ by so much of their range: batches are added up otherwise."""


def breaches_of_model(build: Callable[[Task], torch.nn.Module], classes: int = 2) -> list[str]:
    """Every sentence of the model contract that is broken; empty for a sound model.

    Built for 1, 3 and 5 channels and run on the CPU: shape and finiteness of the logits for a batch of two
    and of one, gradients of all trainable parameters, in evaluation the same logits for an image alone and beside
    another, state_dict round trip.
    """
    found: list[str] = []
    for channels in CHANNELS:
        task = Task(channels, classes)
        try:
            breaches = _breaches(initialised(partial(build, task), seed=0), task)
        except BenchError as error:
            breaches = [f"refuses to be built ({error})"]
        found += [f"with {plural(channels, 'channel')}: {breach}" for breach in breaches]
    grey = partial(build, Task(CHANNELS[0], classes))
    return found or [*_mixing(grey), *_round_trip(grey)]


def planes_by_chance(build: Callable[[Task], torch.nn.Module], task: Task) -> bool:
    """Whether a model that serves a task gives as many planes when it is built for one class more: by chance then.

    One that cannot be built or run for that is judged by its own task alone.
    """
    import torch

    other = Task(task.channels, task.classes + 1)
    try:
        model = initialised(partial(build, other), seed=0).eval()
        with torch.inference_mode():
            planes = model(_noise(1, task.channels)).shape[1]
    except Exception:  # a plugin's model may raise anything
        return False
    return bool(planes == 1 + task.classes)


def _noise(batch: int, channels: int, seed: int = 0) -> torch.Tensor:
    import torch

    return torch.randn(batch, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def _breaches(model: torch.nn.Module, task: Task) -> list[str]:
    import torch

    found: list[str] = []
    for training, batch in product((True, False), (2, 1)):
        model.train(training)
        try:
            logits = model(_noise(batch, task.channels, seed=batch))
        except Exception as error:  # a plugin's model may raise anything
            mode = "training" if training else "evaluation"
            found.append(f"a batch of {batch} in {mode} raises {type(error).__name__}: {error}")
            continue
        wanted = (batch, 1 + task.classes, SIDE, SIDE)
        if not isinstance(logits, torch.Tensor):
            found.append(f"returns {type(logits).__name__}, not a tensor of logits")
        elif tuple(logits.shape) != wanted:
            found.append(f"logits have shape {tuple(logits.shape)}, not {wanted}")
        elif not bool(logits.isfinite().all()):
            found.append("logits of normal noise are not finite")
        elif training and batch == 2:
            found += _without_gradient(model, logits)
    return found


def _without_gradient(model: torch.nn.Module, logits: torch.Tensor) -> list[str]:
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if trainable:
        logits.square().sum().backward()  # type: ignore[no-untyped-call]  # torch
    missing = [name for name, p in trainable.items() if p.grad is None or not bool(p.grad.isfinite().all())]
    return [f"no finite gradient reaches {name}" for name in missing]


def _mixing(build: Callable[[], torch.nn.Module]) -> list[str]:
    """In evaluation an image must not see the others of its batch: predictions would depend on the batch size."""
    import torch

    model = initialised(build, seed=0).eval()
    images = _noise(2, CHANNELS[0])
    with torch.inference_mode():
        together, again = model(images), model(images)
        alone = torch.cat([model(image[None]) for image in images])
    if not torch.equal(together, again):
        return []  # it is random, which the round trip tells
    per_class = together.transpose(0, 1).flatten(1)
    scale = per_class.amax(1) - per_class.amin(1) + 1e-2 * per_class.abs().amax(1)
    apart = (together - alone).abs().transpose(0, 1).flatten(1).amax(1)
    if bool((apart <= ROUNDING * scale).all()):
        return []
    return ["in evaluation it gives an image other logits alone than beside another: treat the images one by one"]


def _round_trip(build: Callable[[], torch.nn.Module]) -> list[str]:
    """A second model with the first one's state must give the same logits bit for bit."""
    import torch

    first, second = (initialised(build, seed).eval() for seed in (0, 1))
    try:
        second.load_state_dict(first.state_dict())
    except Exception as error:  # a plugin's model may raise anything
        return [f"its own state_dict cannot be loaded: {named_line(error)}"]
    images = _noise(1, CHANNELS[0])
    with torch.inference_mode():
        same = torch.equal(first(images), second(images))
    return [] if same else ["a second model with the same state_dict gives other logits"]
