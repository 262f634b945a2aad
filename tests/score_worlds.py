"""Small random masks and predictions for the tests of scoring, and plain ways to count."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bench.score.evidence import Collector, Evidence
from bench.types import Float32, Mask

GRID = (np.arange(1001) / 1000).astype(np.float32)


def random_mask(rng: np.random.Generator, shape: tuple[int, int] = (33, 47), classes: int = 2) -> Mask:
    """A few overlapping rectangles of every class and a band of ignored pixels."""
    mask = np.zeros(shape, np.uint8)
    for value in (*range(1, classes + 1), *range(1, classes + 1), 255):
        top, left = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        mask[top : top + rng.integers(1, 12), left : left + rng.integers(1, 12)] = value
    return mask


def two_planes(p: Float32) -> Float32:
    """Background and defect planes whose ``1 - background`` is the given probability to rounding."""
    return np.stack([np.float32(1) - p, p]).astype(np.float32)


def defect_probability(probabilities: Float32) -> Float32:
    return np.float32(1) - probabilities[0]


def noisy(rng: np.random.Generator, mask: Mask, noise: float = 0.5) -> Float32:
    """A prediction that knows something of the truth."""
    truth = (mask != 0) & (mask != 255)
    p = np.clip(0.7 * truth + noise * rng.random(mask.shape), 0, 1).astype(np.float32)
    return two_planes(p)


def observed(
    masks: Sequence[Mask],
    predictions: Sequence[Float32],
    *,
    classes: int = 2,
    groups: Sequence[str] | None = None,
    tolerance: int = 2,
    threshold: int | None = None,
) -> Evidence:
    names = tuple("abcdefgh"[:classes])
    collector = Collector(names, tolerance=tolerance, threshold=threshold)
    for number, (mask, prediction) in enumerate(zip(masks, predictions, strict=True)):
        group = groups[number] if groups else f"group {number}"
        collector.observe(f"image {number}", group, prediction, mask)
    return collector.evidence()


def world(
    seed: int, images: int = 3, predict: Callable[[Mask], Float32] | None = None
) -> tuple[list[Mask], list[Float32]]:
    """Masks and predictions of a small split."""
    rng = np.random.default_rng(seed)
    masks = [random_mask(rng) for _ in range(images)]
    return masks, [predict(mask) if predict else noisy(rng, mask) for mask in masks]


def flat(masks: Sequence[Mask], predictions: Sequence[Float32]) -> tuple[np.ndarray, np.ndarray]:
    """Truth and probability of all valid pixels, as scikit-learn takes them."""
    valid = [mask != 255 for mask in masks]
    truth = np.concatenate([mask[keep] != 0 for mask, keep in zip(masks, valid, strict=True)])
    p = np.concatenate([defect_probability(q)[keep] for q, keep in zip(predictions, valid, strict=True)])
    return truth, p
