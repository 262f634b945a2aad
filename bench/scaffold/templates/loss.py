"""A loss: cross-entropy with smoothed labels; the place for your own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from bench.api import IGNORED, About, Component, hookimpl

if TYPE_CHECKING:
    import torch

    Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

NAME = "my-plugin"


def build(*, smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1) -> Loss:
    """Mean over valid pixels of ``float[N, 1 + K, h, w]`` against ``int64[N, h, w]``; 0 if no pixel is valid."""

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        from torch.nn.functional import cross_entropy

        total = cross_entropy(logits.float(), targets, ignore_index=IGNORED, label_smoothing=smoothing, reduction="sum")
        return total / (targets != IGNORED).sum().clamp_min(1)

    return loss


@hookimpl
def bench_losses() -> Iterable[Component[Any]]:
    """Offer the loss."""
    yield Component(NAME, build, about=About("cross-entropy with smoothed labels"))
