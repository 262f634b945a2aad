"""Weights of windows: equal sums per stratum, checked against window means taken one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from bench.api import CropStrategy, Float32, Image, Mask

from defectbench_weldseam.grey_strata import build


@dataclass(frozen=True)
class Square:
    """A row of an index."""

    id: str
    group: str = "part"
    height: int = 9
    width: int = 9
    pixels: tuple[int, ...] = (81, 0)


@dataclass(frozen=True)
class Squares:
    """An index of two images, as a strategy sees it."""

    classes: tuple[str, ...] = ("defect",)
    entries: tuple[Square, ...] = (Square("a"), Square("b"))


def weights_of(strategy: CropStrategy, image: Image, mask: Mask) -> Float32:
    (part,) = strategy.parts()
    weights = part.positions(image, mask)
    assert weights.dtype == np.float32
    return weights.astype(np.float32)


def means_one_by_one(image: Image, mask: Mask, size: int) -> dict[tuple[int, int], float]:
    """Mean of the real pixels of every window that has some."""
    means = {}
    for top in range(mask.shape[0] - size + 1):
        for left in range(mask.shape[1] - size + 1):
            window = slice(top, top + size), slice(left, left + size)
            real = mask[window] != 255
            if real.any():
                means[top, left] = float(image[window].sum(axis=2)[real].mean())
    return means


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("wide", [False, True])
def test_every_stratum_that_holds_a_window_weighs_the_same(seed: int, wide: bool) -> None:
    rng = np.random.default_rng(seed)
    size, strata = int(rng.integers(1, 8)), int(rng.integers(2, 7))
    shape = int(rng.integers(8, 20)), 17, 1 + seed % 3
    image: Image = rng.integers(0, 60_000, shape, np.uint16) if wide else rng.integers(0, 255, shape, np.uint8)
    mask = np.where(rng.random(image.shape[:2]) < 0.4, 255, 0).astype(np.uint8)
    weights = weights_of(build(size, strata=strata), image, mask)
    means = means_one_by_one(image, mask, size)
    low, high = min(means.values()), max(means.values())
    totals = [0.0] * strata
    for corner, mean in means.items():
        totals[min(strata - 1, int((mean - low) / (high - low) * strata))] += float(weights[corner])
    assert [total for total in totals if total] == pytest.approx([1.0] * sum(total > 0 for total in totals), rel=1e-5)
    assert weights.sum() == pytest.approx(sum(totals), rel=1e-5)


def test_a_flat_image_is_one_stratum() -> None:
    weights = weights_of(build(4), np.full((9, 9, 1), 50, np.uint8), np.zeros((9, 9), np.uint8))
    assert np.allclose(weights, 1 / 36)


def test_padding_is_neither_dark_nor_drawn() -> None:
    image = np.full((8, 12, 1), 200, np.uint8)
    image[:, 8:] = 0
    mask = np.zeros((8, 12), np.uint8)
    mask[:, 8:] = 255
    weights = weights_of(build(4), image, mask)
    assert (weights[:, 8] == 0).all()
    assert np.ptp(weights[:, :8]) == 0


def test_a_rare_dark_corner_is_met_as_often_as_the_rest() -> None:
    image = np.full((32, 32, 1), 200, np.uint8)
    image[:6, :6] = 0
    weights = weights_of(build(6, strata=2), image, np.zeros((32, 32), np.uint8))
    assert weights[0, 0] > 50 * weights[-1, -1]
    assert weights[:3, :3].sum() > weights[6:, 6:].sum() / 2


def test_every_image_is_drawn_as_often_as_any_other() -> None:
    (part,) = build(4).parts()
    assert part.images(Squares()).tolist() == [1.0, 1.0]
