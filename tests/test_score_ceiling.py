"""The truth at an output stride: exact without a stride, falling with it, and equal to torch's resampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.score.ceiling import ceiling, round_trip
from score_worlds import random_mask


def masks_of(seed: int, number: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [random_mask(rng, (45, 70)) for _ in range(number)]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), size=st.sampled_from([16, 32, 64]), overlap=st.sampled_from([0.0, 0.25, 0.5]))
def test_without_a_stride_the_truth_comes_back_exactly(seed, size, overlap):
    masks = masks_of(seed, 2)
    masks[1][0, 0] = 1
    assert ceiling(iter(masks), iter(masks), size, overlap, 1) == 1.0
    truth = (masks[0] != 0) & (masks[0] != 255)
    np.testing.assert_array_equal(round_trip(masks[0], size, overlap, 1), truth)


@pytest.mark.parametrize("stride", [2, 8])
def test_threads_change_no_ceiling(stride):
    validation, test = masks_of(7, 5), masks_of(8, 5)
    alone = ceiling(validation, test, 32, 0.25, stride)
    assert ceiling(iter(validation), iter(test), 32, 0.25, stride, threads=2) == alone


def test_a_coarser_stride_has_a_lower_ceiling():
    values = [ceiling(masks_of(1), masks_of(2), 32, 0.25, stride) for stride in (1, 2, 4, 8, 16)]
    assert values == sorted(values, reverse=True)
    assert values[0] == 1
    assert 0 < values[-1] < 0.9


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_one_tile_is_pooled_and_enlarged_as_torch_does(stride):
    import torch
    from torch.nn import functional as F

    mask = random_mask(np.random.default_rng(3), (32, 32))
    truth = torch.from_numpy(((mask != 0) & (mask != 255)).astype(np.float32))[None, None]
    coarse = F.avg_pool2d(truth, stride)
    expected = F.interpolate(coarse, size=(32, 32), mode="bilinear", align_corners=False)[0, 0].numpy()
    np.testing.assert_allclose(round_trip(mask, 32, 0.0, stride), expected, atol=1e-5)


def test_a_tile_that_is_no_multiple_of_the_stride_is_filled_and_trimmed():
    mask = np.ones((30, 50), np.uint8)
    np.testing.assert_array_equal(round_trip(mask, 30, 0.25, 8), np.ones(mask.shape))


def test_logits_of_the_same_stride_may_score_higher():
    """So it is no bound: a grid of logits fitted to the mask and enlarged as a model does."""
    import torch
    from sklearn.metrics import f1_score
    from torch.nn import functional as F

    rows, columns = np.mgrid[:64, :64]
    mask = ((rows - 30) ** 2 + (columns - 33) ** 2 < 14**2).astype(np.uint8)
    truth = torch.from_numpy(mask)[None, None].float()
    logits = torch.zeros(1, 1, 8, 8, requires_grad=True)
    optimiser = torch.optim.Adam([logits], 0.5)
    for _ in range(150):
        enlarged = F.interpolate(logits, size=mask.shape, mode="bilinear", align_corners=False)
        optimiser.zero_grad()
        F.binary_cross_entropy_with_logits(enlarged, truth).backward()
        optimiser.step()
    fitted = f1_score(mask.ravel(), (enlarged.detach()[0, 0].numpy() > 0).ravel())
    assert fitted > ceiling([mask], [mask], 64, 0.0, 8) + 0.02


def test_the_threshold_comes_from_validation_alone():
    validation, test = masks_of(4), masks_of(5)
    assert ceiling(validation, test, 32, 0.25, 8) <= ceiling(test, test, 32, 0.25, 8)


def test_a_test_split_without_defects_has_no_ceiling_above_zero():
    assert ceiling(masks_of(6), [np.zeros((40, 40), np.uint8)], 32, 0.25, 4) == 0
