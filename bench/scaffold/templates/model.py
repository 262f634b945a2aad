"""A model: three convolutions at full resolution; the place for your own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from bench.api import About, Component, Task, hookimpl

if TYPE_CHECKING:
    import torch

NAME = "my-plugin"


def build(task: Task, /, *, width: Annotated[int, Field(gt=0)] = 16) -> torch.nn.Module:
    """Map ``float[N, channels, h, w]`` to logits ``float[N, 1 + classes, h, w]``."""
    import torch

    return torch.nn.Sequential(
        torch.nn.Conv2d(task.channels, width, 5, padding=2),
        torch.nn.ReLU(),
        torch.nn.Conv2d(width, width, 5, padding=2),
        torch.nn.ReLU(),
        torch.nn.Conv2d(width, 1 + task.classes, 1),
    )


@hookimpl
def bench_models() -> Iterable[Component[Any]]:
    """Offer the model."""
    yield Component(NAME, build, about=About("three convolutions at full resolution"))
