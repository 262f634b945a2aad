"""The contract of augmentation: shapes, types, classes, masks that stay on their images, and a given generator."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from bench.component import Component
from bench.testing.clauses import Breach, Sentences, asked, function_of, in_turn, kept, ran
from bench.types import IGNORED
from bench.words import shown

if TYPE_CHECKING:
    import torch

SIDE, BATCH, SEEDS = 32, 4, range(8)
TILE = 4
"""Side in pixels of the tiles that image and mask show alike: a mirrored or moved pattern correlates little."""
AGREEING = 0.6
"""Least correlation of an image that shows its mask; blur, noise and erased parts leave more."""


def breaches_of_augment(component: Component[Any]) -> list[str]:
    """Every clause on batches of one and of three channels, with eight states of the generator."""
    build = partial(function_of, component, "(images, masks, generator)")
    clauses = product((1, 3), SEEDS, (changing, repeating, moving, agreeing))
    return kept(in_turn(*(asked(build, clause, channels, seed) for channels, seed, clause in clauses)))


def _batch(channels: int, *, numbered: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Normal noise, or pixels that carry their own number; masks of 0, 2 and 255, whose mean is none of them."""
    import torch

    images = torch.randn(BATCH, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    if numbered:
        images = torch.arange(float(images.numel())).reshape(images.shape)
    masks = torch.zeros(BATCH, SIDE, SIDE, dtype=torch.uint8)
    masks[:, 4:10, 3:14], masks[:, -5:, -2:], masks[-1] = 2, IGNORED, IGNORED
    return images, masks


def _applied(augment: Any, batch: tuple[torch.Tensor, torch.Tensor], seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    images, masks = (tensor.clone() for tensor in batch)
    generator = torch.Generator().manual_seed(seed)
    found: Any = ran(f"a batch {shown(images)}", augment, images, masks, generator)
    pair = isinstance(found, tuple) and len(found) == 2 and all(isinstance(each, torch.Tensor) for each in found)
    if not pair:
        raise Breach(f"it returned {shown(found)}: it must return the tuple (images, masks)")
    return found[0], found[1]


def changing(augment: Any, channels: int, seed: int) -> Sentences:
    """Shapes and types are kept, images stay finite, masks gain no class; 255 may appear where nothing is known."""
    batch = _batch(channels)
    images, masks = _applied(augment, batch, seed)
    for before, after, name in zip(batch, (images, masks), ("images", "masks"), strict=True):
        if after.shape != before.shape or after.dtype != before.dtype:
            raise Breach(f"it turned {name} {shown(before)} into {shown(after)}: shape and type must be kept")
    if not bool(images.isfinite().all()):
        yield "it makes pixels that are not finite"
    gained = sorted(set(masks.flatten().tolist()) - {0, 2, IGNORED})
    if gained:
        yield f"masks of values 0, 2 and 255 gained the values {gained}: resample masks by the nearest pixel"


def repeating(augment: Any, channels: int, seed: int) -> Sentences:
    """An equal generator gives an equal result."""
    import torch

    batch = _batch(channels)
    first, second = _applied(augment, batch, seed), _applied(augment, batch, seed)
    if not all(torch.equal(one, other) for one, other in zip(first, second, strict=True)):
        yield "equal generators give different results: draw from the generator that is given, from nothing else"


def moving(augment: Any, channels: int, seed: int) -> Sentences:
    """Where it only moves pixels, the masks move with them."""
    import torch

    batch = _batch(channels, numbered=True)
    images, masks = _applied(augment, batch, seed)
    if images.shape != batch[0].shape or not torch.equal(images.flatten().sort().values, batch[0].flatten()):
        return  # it changes grey levels, so what moved where cannot be read off
    pixel = images[:, 0].long()
    origin = pixel // (channels * SIDE * SIDE) * SIDE * SIDE + pixel % (SIDE * SIDE)
    if not torch.equal(masks, batch[1].flatten()[origin.clamp(0, batch[1].numel() - 1)]):
        yield "it moves the images but not the masks in the same way: every mask must stay on its image"


def agreeing(augment: Any, channels: int, seed: int) -> Sentences:
    """An image that shows its own mask still shows it, whatever else happens to its grey levels."""
    import torch

    pattern = torch.rand(BATCH, SIDE // TILE, SIDE // TILE, generator=torch.Generator().manual_seed(0)) < 0.5
    marked = pattern.repeat_interleave(TILE, 1).repeat_interleave(TILE, 2)
    shown_alike = (8.0 * marked - 4.0)[:, None].repeat(1, channels, 1, 1), 2 * marked.to(torch.uint8)
    images, masks = _applied(augment, shown_alike, seed)
    for image, mask in zip(images, masks, strict=True):
        found = _correlation(image, mask)
        if found is not None and found < AGREEING:
            yield (
                "images that show their own masks do not agree with them afterwards "
                f"(correlation {found:.1f}): every mask must stay on its image"
            )
            return


def _correlation(image: torch.Tensor, mask: torch.Tensor) -> float | None:
    """Of the channel that follows the mask best, brighter or darker; None where image or mask shows nothing."""
    import torch

    known = mask != IGNORED
    rows = torch.cat([image[:, known].double(), (mask[known] == 2)[None].double()])
    if rows.shape[1] < TILE * TILE:
        return None
    varying = rows.std(dim=1) > 1e-6
    if not varying[-1] or varying.sum() < 2:
        return None
    return float(rows[varying].corrcoef()[-1, :-1].abs().max())
