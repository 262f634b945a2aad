"""Operating points: chosen on validation as torchmetrics and plain search would, applied to test as they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bench.score.object_scores import AtThreshold
from bench.score.operating import choose_points, operating
from bench.score.rules import rule_from
from bench.scores import POINTS
from score_splits import SHAPE, SPLITS, drawn
from score_worlds import GRID, flat, observed, random_mask, two_planes


def test_the_rule_of_an_operating_point_is_written_as_rules_are():
    assert [rule_from(rule).text for rule in POINTS.values()] == list(POINTS.values())


@pytest.mark.filterwarnings("ignore:No (positive|negative) samples")
@settings(max_examples=25, deadline=None)
@given(split=SPLITS)
def test_points_of_fixed_recall_and_precision_equal_torchmetrics(split):
    import torch
    from torchmetrics.functional.classification import binary_precision_at_fixed_recall as at_recall
    from torchmetrics.functional.classification import binary_recall_at_fixed_precision as at_precision

    evidence, masks, predictions = drawn(*split)
    truth, p = flat(masks, predictions)
    if not truth.any():
        return
    points = operating(evidence, choose_points(evidence), 0.1)
    given_ = (torch.from_numpy(p), torch.from_numpy(truth).int())
    grid = torch.from_numpy(GRID[1:].copy())
    for name, level in (("recall_50", 0.5), ("recall_80", 0.8), ("recall_90", 0.9)):
        best, threshold = at_recall(*given_, min_recall=level, thresholds=grid)
        reached = points[name]["threshold"] is not None
        assert reached == (float(threshold) <= 1)  # torchmetrics says 1e6 where no threshold keeps the bound
        assert not reached or points[name]["precision"] == pytest.approx(float(best), abs=1e-6)
        assert not reached or points[name]["recall"] >= level
    best, threshold = at_precision(*given_, min_precision=0.9, thresholds=grid)
    point = points["precision_90"]
    if point["threshold"] is not None:
        assert point["precision"] >= 0.9
        assert point["recall"] == pytest.approx(float(best), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(split=SPLITS)
def test_points_of_fixed_false_positives_are_the_best_that_keep_the_bound(split):
    evidence, masks, predictions = drawn(*split)
    truth, p = flat(masks, predictions)
    if not truth.size:
        return
    points = operating(evidence, choose_points(evidence), 0.1)
    for name, level in (("fpr_1_per_mille", 0.001), ("fpr_10_per_mille", 0.01)):
        kept = [k for k in range(1, 1001) if not truth.all() and (p[~truth] >= GRID[k]).mean() <= level]
        if not kept:
            assert points[name]["threshold"] is points[name]["recall"] is None
            continue
        recalls = [(p[truth] >= GRID[k]).mean() if truth.any() else 0.0 for k in kept]
        assert points[name]["recall"] == pytest.approx(max(recalls))
        assert points[name]["false_positive_rate"] <= level


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_points_of_fixed_false_alarms_keep_their_bound_there_and_at_every_higher_threshold(seed):
    rng = np.random.default_rng(seed)
    masks = [np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8), random_mask(rng, SHAPE)]
    blurred = [ndimage.gaussian_filter(rng.random(mask.shape), 1) for mask in masks]
    evidence = observed(masks, [two_planes(((p - p.min()) / np.ptp(p)).astype(np.float32)) for p in blurred])
    points = choose_points(evidence)
    for name, level in (("alarm_per_10_clean_images", 0.1), ("alarm_per_clean_image", 1.0)):
        rates = [AtThreshold(evidence, k, 0.1).false_alarms_per_clean_image for k in range(1, 1001)]
        over = [k for k, rate in enumerate(rates, 1) if rate > level]
        assert points[name] is None if over and over[-1] == 1000 else points[name] > max(over, default=0)
        if points[name] is not None and over:
            lowest = AtThreshold(evidence, over[-1] + 1, 0.1).object_recall
            assert AtThreshold(evidence, points[name], 0.1).object_recall <= (lowest or 0)


def test_a_point_chosen_on_validation_is_applied_to_test_as_it_is():
    validation, test = drawn("random", "noisy", 1)[0], drawn("random", "noisy", 2)[0]
    there, here = (operating(evidence, choose_points(validation), 0.1)["recall_80"] for evidence in (validation, test))
    assert there["threshold"] == here["threshold"]
    assert there["recall"] >= 0.8
    assert here["recall"] != there["recall"]
    assert here["rule"] == "recall>=0.8 on validation"
