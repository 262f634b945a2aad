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

    return _turned((horizontal, lambda pixels: pixels.flip(-1)), (vertical, lambda pixels: pixels.flip(-2)))


def rotations() -> Augment:
    """Turn each image by 0, 90, 180 or 270 degrees, equally likely; images that are not square by 0 or 180."""

    return _turned((0.5, lambda pixels: pixels.flip((-2, -1))), (0.5, _upright_turned))


def _upright_turned(pixels: torch.Tensor) -> torch.Tensor:
    """Square images turned by 90 degrees; others, which would not fit their batch, as they are."""
    return pixels.rot90(1, (-2, -1)) if pixels.shape[-1] == pixels.shape[-2] else pixels


def _turned(*turns: tuple[float, Turn]) -> Augment:
    """Turn each image and its mask with the probability of each of ``turns``, one after the other."""

    def turn_all(
        images: torch.Tensor, masks: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        # drawn on the CPU, so that every device decides alike, into memory from which a GPU copies by itself
        chances = torch.rand(
            len(images), len(turns), generator=generator, dtype=torch.float64, pin_memory=images.is_cuda
        )
        chances = chances.to(images.device, non_blocking=True)
        for chance, (probability, turn) in zip(chances.T, turns, strict=True):
            chosen = chance < probability
            images = torch.where(chosen[:, None, None, None], turn(images), images)
            masks = torch.where(chosen[:, None, None], turn(masks), masks)
        return images, masks

    return turn_all


@hookimpl
def bench_augment() -> Iterable[Component[Any]]:
    """``flips`` and ``rotations``."""
    yield Component("flips", flips, about=About("mirror left-right and top-bottom"))
    yield Component("rotations", rotations, about=About("turn by multiples of 90 degrees"))
