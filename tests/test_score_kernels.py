"""The histogram is exact for every float32, and refuses what is no probability."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import Diverged, TrainingError
from bench.score.evidence import bins_of
from bench.score.zones import ANY, histogram
from score_worlds import GRID


def brute_force_bins(p: np.ndarray) -> np.ndarray:
    """Count the thresholds k / 1000, k = 1..1000, that are not above p, one by one."""
    return sum((p >= threshold).astype(np.int64) for threshold in GRID[1:])


def histogram_of(p: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    values = np.atleast_2d(np.asarray(p, np.float32))
    where = np.zeros(values.shape, np.uint8) if mask is None else mask
    return histogram(values, where, ANY, 2, complement=False)


def around_the_grid() -> np.ndarray:
    steps = [GRID, *(np.nextafter(GRID, np.float32(end)) for end in (0, 1))]
    steps += [np.nextafter(step, np.float32(end)) for step in steps[1:] for end in (0, 1)]
    tiny = np.array([0, np.finfo(np.float32).tiny, np.finfo(np.float32).smallest_subnormal, 1], np.float32)
    return np.unique(np.concatenate([*steps, tiny]))


def test_values_at_and_next_to_every_grid_point_fall_into_their_exact_bin():
    p = around_the_grid()
    expected = np.bincount(brute_force_bins(p), minlength=1001)
    np.testing.assert_array_equal(histogram_of(p).sum(axis=0), expected)
    assert expected[:1000].min() >= 2, "the sample must reach every bin from both sides; only 1 itself is in bin 1000"


def test_the_compiled_bins_of_single_values_equal_brute_force_after_the_complement():
    background = around_the_grid()
    expected = brute_force_bins(np.float32(1) - background)
    np.testing.assert_array_equal(bins_of(background[None])[0], expected)
    counts = histogram(background[None], np.zeros((1, background.size), np.uint8), ANY, 2, complement=True)
    np.testing.assert_array_equal(counts.sum(axis=0), np.bincount(expected, minlength=1001))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40))
def test_any_float32_falls_into_its_exact_bin(values):
    p = np.array(values, np.float32)
    np.testing.assert_array_equal(histogram_of(p).sum(axis=0), np.bincount(brute_force_bins(p), minlength=1001))


@pytest.mark.parametrize("size", [1, 3, 511, 512, 513, 2 * 512 + 5, (1 << 18) + 7])
def test_no_pixel_is_lost_at_the_end_of_a_block_or_strip(size):
    rng = np.random.default_rng(size)
    p = np.where(rng.random(size) < 0.5, rng.random(size), 0.25).astype(np.float32)
    mask = rng.choice(np.array([0, 255], np.uint8), size)
    expected = np.bincount(np.searchsorted(GRID[1:], p[mask == 0], side="right"), minlength=1001)
    for shape in ((1, size), (size, 1)):
        counts = histogram(p.reshape(shape), mask.reshape(shape), ANY, 2, complement=False)
        np.testing.assert_array_equal(counts.sum(axis=0), expected)


@pytest.mark.parametrize("value", [1.0000001, -1e-7, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 700])
def test_a_value_outside_0_to_1_is_an_error(value, place):
    p = np.full(701, 0.5, np.float32)
    p[place] = value
    with pytest.raises(TrainingError, match="probabilities must lie in"):
        histogram_of(p)


def test_a_nan_is_a_diverged_model_even_under_an_ignored_pixel():
    with pytest.raises(Diverged, match="NaN"):
        histogram_of(np.array([0.5, np.nan], np.float32), np.array([[0, 255]], np.uint8))
