"""The optimiser and the learning rate of every step, as a recipe asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.component import build
from bench.suite.optimisers import OPTIMISERS
from bench.suite.schedules import SCHEDULES
from bench.suite.schema import Recipe

if TYPE_CHECKING:
    import torch


def optimiser_of(model: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """torch's own optimiser; biases and norms (one axis) are not decayed, as is usual since GPT-2 and in timm."""
    import torch

    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    chosen = build(OPTIMISERS[recipe.optimiser.use], settings=recipe.optimiser.settings)
    create: Any = getattr(torch.optim, chosen.name)
    optimiser: torch.optim.Optimizer = create(
        [group for group in groups if group["params"]], lr=recipe.learning_rate, **chosen.options
    )
    return optimiser


def learning_rates(steps: int, recipe: Recipe) -> Callable[[int], float]:
    """The rate at a step, counted from 0: a straight line up to the schedule's first value, then the schedule.

    The schedule runs over the steps that the warm-up leaves of ``steps``; after them it would end.
    """
    schedule = build(SCHEDULES[recipe.schedule.use], settings=recipe.schedule.settings)
    warmup, peak = recipe.warmup_steps, recipe.learning_rate
    left = max(1, steps - warmup)
    first = peak * schedule(0, left)

    def rate(step: int) -> float:
        return first * (step + 1) / warmup if step < warmup else peak * schedule(step - warmup, left)

    return rate
