"""Random and degenerate splits: what there may be to find, and what a model may answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from score_worlds import noisy, observed, random_mask, two_planes

SHAPE = (19, 23)


def one_defect_pixel(rng):
    mask = np.zeros(SHAPE, np.uint8)
    mask[tuple(rng.integers(0, SHAPE))] = 1
    return mask


TRUTHS: dict[str, Callable] = {
    "random": lambda rng: random_mask(rng, SHAPE),
    "all empty": lambda rng: np.zeros(SHAPE, np.uint8),
    "all full": lambda rng: np.ones(SHAPE, np.uint8),
    "one defect pixel": one_defect_pixel,
    "an image of one pixel": lambda rng: np.full((1, 1), rng.integers(0, 2), np.uint8),
    "mostly ignored": lambda rng: np.where(rng.random(SHAPE) < 0.9, 255, random_mask(rng, SHAPE)).astype(np.uint8),
}
ANSWERS: dict[str, Callable] = {
    "noisy": lambda rng, mask: noisy(rng, mask, 0.9),
    "blind": lambda rng, mask: two_planes(rng.random(mask.shape).astype(np.float32)),
    "nothing": lambda rng, mask: two_planes(np.zeros(mask.shape, np.float32)),
    "everything": lambda rng, mask: two_planes(np.ones(mask.shape, np.float32)),
    "undecided": lambda rng, mask: two_planes(np.full(mask.shape, 0.5, np.float32)),
    "perfect": lambda rng, mask: two_planes((mask == 1).astype(np.float32)),
    "opposite": lambda rng, mask: two_planes((mask != 1).astype(np.float32)),
}


def drawn(truth, answer, seed, images=3):
    """A split of one kind; its evidence, masks and predictions."""
    rng = np.random.default_rng(seed)
    masks = [TRUTHS[truth](rng) for _ in range(images)]
    predictions = [ANSWERS[answer](rng, mask) for mask in masks]
    return observed(masks, predictions), masks, predictions


SPLITS = st.tuples(st.sampled_from(sorted(TRUTHS)), st.sampled_from(sorted(ANSWERS)), st.integers(0, 10_000))
