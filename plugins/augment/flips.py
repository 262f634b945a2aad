"""Flips and rotations by 90 degrees: on the device, whole batches, one decision per image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from bench.api import About, Component, SettingsError, hookimpl

if TYPE_CHECKING:
    import torch

    Augment = Callable[[torch.Tensor, torch.Tensor, torch.Generator], tuple[torch.Tensor, torch.Tensor]]
    Turn = Callable[[torch.Tensor], torch.Tensor]


def flips(*, horizontal: float = 0.5, vertical: float = 0.5) -> Augment:
    """Mirror each image left-right and top-bottom with these probabilities.

    Raises:
        SettingsError: a probability is not within 0..1.
    """
    if not (0 <= horizontal <= 1 and 0 <= vertical <= 1):
        raise SettingsError(f"flips: probabilities must lie within 0..1, got {horizontal} and {vertical}")

    def flip(
        images: torch.Tensor, masks: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        chance = _uniform(len(images), 2, generator)
        images, masks = _where(chance[:, 0] < horizontal, images, masks, lambda pixels: pixels.flip(-1))
        return _where(chance[:, 1] < vertical, images, masks, lambda pixels: pixels.flip(-2))

    return flip


def rotations() -> Augment:
    """Turn each image by 0, 90, 180 or 270 degrees, equally likely; images that are not square by 0 or 180."""

    def rotate(
        images: torch.Tensor, masks: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        chance = _uniform(len(images), 2, generator)
        images, masks = _where(chance[:, 0] < 0.5, images, masks, lambda pixels: pixels.flip((-2, -1)))
        if images.shape[-1] != images.shape[-2]:
            return images, masks
        return _where(chance[:, 1] < 0.5, images, masks, lambda pixels: pixels.rot90(1, (-2, -1)))

    return rotate


def _uniform(images: int, decisions: int, generator: torch.Generator) -> torch.Tensor:
    """``float64[images, decisions]`` in [0, 1), drawn on the CPU so that every device decides alike."""
    import torch

    return torch.rand(images, decisions, generator=generator, dtype=torch.float64)


def _where(
    chosen: torch.Tensor, images: torch.Tensor, masks: torch.Tensor, turn: Turn
) -> tuple[torch.Tensor, torch.Tensor]:
    """Turn the chosen images and their masks; the others stay as they are."""
    import torch

    chosen = chosen.to(images.device, non_blocking=True)
    images = torch.where(chosen[:, None, None, None], turn(images), images)
    return images, torch.where(chosen[:, None, None], turn(masks), masks)


@hookimpl
def bench_augment() -> Iterable[Component[Any]]:
    """``flips`` and ``rotations``."""
    yield Component("flips", flips, about=About("mirror left-right and top-bottom"))
    yield Component("rotations", rotations, about=About("turn by multiples of 90 degrees"))
