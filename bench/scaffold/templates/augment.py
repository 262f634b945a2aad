"""An augmentation: each image brighter or darker at random; the place for your own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from bench.api import About, Component, hookimpl

if TYPE_CHECKING:
    import torch

    Augment = Callable[[torch.Tensor, torch.Tensor, torch.Generator], tuple[torch.Tensor, torch.Tensor]]

NAME = "my-plugin"


def build(*, strength: Annotated[float, Field(ge=0, lt=1)] = 0.2) -> Augment:
    """Multiply each image ``float[N, C, h, w]`` by a factor within ``1 - strength`` and ``1 + strength``."""

    def dim(images: torch.Tensor, masks: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        # drawn on the CPU so that every device decides alike; pinned so that a GPU copies while the next is prepared
        chance = torch.rand(len(images), generator=generator, pin_memory=images.is_cuda)
        chance = chance.to(images.device, images.dtype, non_blocking=True)
        factor = 1 + strength * (2 * chance - 1)
        return images * factor[:, None, None, None], masks

    return dim


@hookimpl
def bench_augment() -> Iterable[Component[Any]]:
    """Offer the augmentation."""
    yield Component(NAME, build, about=About("brighter or darker at random, image by image"))
