"""Metrics against scikit-learn and torchmetrics, on ordinary and on degenerate predictions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from bench.component import complete
from bench.errors import SettingsError
from bench.score.metrics import ImageF1, average_precision, bench_metrics, image_counts
from bench.score.thresholds import curves, pooled
from bench.types import Prediction
from score_worlds import flat, noisy, observed, random_mask, two_planes, world

OFFERED = {component.name: component for component in bench_metrics()}
POOLED = {name: component.build() for name, component in OFFERED.items() if name != "f1_image"}


def of_sklearn(name, truth, positive):
    if name == "accuracy":
        return sklearn_metrics.accuracy_score(truth, positive)
    function = {
        "f1": sklearn_metrics.f1_score,
        "f2": lambda *a, **k: sklearn_metrics.fbeta_score(*a, beta=2, **k),
        "precision": sklearn_metrics.precision_score,
        "recall": sklearn_metrics.recall_score,
        "iou": sklearn_metrics.jaccard_score,
    }[name]
    return function(truth, positive, zero_division=0)


def constant(value):
    return lambda mask: two_planes(np.full(mask.shape, value, np.float32))


@pytest.mark.parametrize("predict", [None, constant(0), constant(0.3), constant(0.5), constant(1)])
@pytest.mark.parametrize("truth", ["random", "empty", "full"])
def test_metrics_equal_scikit_learns_at_grid_thresholds(predict, truth):
    masks, predictions = world(1, predict=predict)
    if truth != "random":
        masks = [np.where(mask == 255, mask, np.uint8(truth == "full")) for mask in masks]
    counts, (true, p) = pooled(observed(masks, predictions)), flat(masks, predictions)
    for k in (1, 50, 300, 301, 500, 700, 999, 1000):
        for name, metric in POOLED.items():
            expected = of_sklearn(name, true, p >= np.float32(k / 1000))
            assert metric.value(counts[k]) == pytest.approx(expected, abs=1e-12), (name, k)


@pytest.mark.filterwarnings("ignore:No positive class found")
@pytest.mark.parametrize("predict", [None, constant(0), constant(0.3), constant(1)])
@pytest.mark.parametrize("empty", [False, True])
def test_average_precision_equals_scikit_learns_on_the_binned_scores(predict, empty):
    masks, predictions = world(2, predict=predict)
    if empty:
        masks = [np.where(mask == 255, mask, np.uint8(0)) for mask in masks]
    true, p = flat(masks, predictions)
    bins = np.searchsorted((np.arange(1, 1001) / 1000).astype(np.float32), p, side="right")
    expected = sklearn_metrics.average_precision_score(true, bins)
    assert average_precision(pooled(observed(masks, predictions))) == pytest.approx(expected, abs=1e-12)


def test_average_precision_on_the_grid_is_close_to_that_of_the_exact_scores():
    masks, predictions = world(3, images=6)
    exact = sklearn_metrics.average_precision_score(*flat(masks, predictions))
    assert average_precision(pooled(observed(masks, predictions))) == pytest.approx(exact, abs=2e-3)


def test_curves_equal_torchmetrics_binned_precision_recall_curve():
    import torch
    from torchmetrics.functional.classification import binary_precision_recall_curve

    masks, predictions = world(4)
    true, p = flat(masks, predictions)
    grid = torch.from_numpy((np.arange(1001) / 1000).astype(np.float32))
    precision, recall, _ = binary_precision_recall_curve(torch.from_numpy(p), torch.from_numpy(true.astype(int)), grid)
    drawn = curves(observed(masks, predictions))
    np.testing.assert_allclose(drawn["recall"], recall.numpy()[:-1], atol=1e-6)
    predicted = drawn["precision"] > 0  # what torchmetrics gives for 0 / 0 is not its promise
    np.testing.assert_allclose(drawn["precision"][predicted], precision.numpy()[:-1][predicted], atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_every_metric_stays_in_its_range_and_recall_falls_with_the_threshold(seed):
    drawn = curves(observed(*world(seed)))
    for name, values in drawn.items():
        assert values.shape == (1001,)
        assert values.dtype == np.float64
        assert ((values >= 0) & (values <= 1) | np.isnan(values)).all(), name
    assert np.isfinite(drawn["accuracy"]).all()
    assert (np.diff(drawn["recall"]) <= 0).all()


@settings(max_examples=25, deadline=None)
@given(counts=st.lists(st.integers(0, 10**9), min_size=4, max_size=4))
def test_any_counts_give_a_value_in_range_and_batches_equal_single_calls(counts):
    single = np.array(counts, np.float64)
    for metric in POOLED.values():
        low, high = metric.range
        value = metric.value(single)
        assert low <= value <= high
        np.testing.assert_array_equal(metric.value(np.stack([single, single])), [value, value])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_perfect_prediction_beats_its_opposite(seed):
    mask = random_mask(np.random.default_rng(seed))
    mask[0, 0], mask[-1, -1] = 1, 0  # at least one pixel of each kind
    truth = (mask != 0).astype(np.float32)
    perfect, opposite = (pooled(observed([mask], [two_planes(p)]))[500] for p in (truth, 1 - truth))
    for metric in POOLED.values():
        assert metric.value(perfect) == 1
        assert metric.value(opposite) < 1


def test_the_order_of_images_is_irrelevant():
    masks, predictions = world(5)
    forward = pooled(observed(masks, predictions))
    np.testing.assert_array_equal(forward, pooled(observed(masks[::-1], predictions[::-1])))


def test_counts_per_image_add_up_to_the_valid_pixels_and_to_the_pooled_counts():
    masks, predictions = world(6)
    evidence = observed(masks, predictions)
    counts = image_counts(evidence, 400)
    assert counts.sum(axis=1).tolist() == [(mask != 255).sum() for mask in masks]
    np.testing.assert_array_equal(counts.sum(axis=0), pooled(evidence)[400])


def test_the_mean_over_images_differs_from_the_pooled_value_and_equals_scikit_learns_mean():
    masks, predictions = world(7)
    rows = [ImageF1().observe(prediction_of(m, p), 0.4) for m, p in zip(masks, predictions, strict=True)]
    each = [of_sklearn("f1", *at(0.4, *flat([m], [p]))) for m, p in zip(masks, predictions, strict=True)]
    value = ImageF1().value(np.sum(rows, axis=0))
    assert value == pytest.approx(np.mean(each))
    assert value != pytest.approx(of_sklearn("f1", *at(0.4, *flat(masks, predictions))), abs=1e-6)


@pytest.mark.parametrize(("empty", "expected"), [("leave-out", 0.5), ("one", 2 / 3), ("zero", 1 / 3)])
def test_an_image_without_true_and_predicted_positives_counts_as_the_policy_says(empty, expected):
    counts = np.array([[5, 0, 0, 5], [0, 3, 0, 7], [0, 0, 0, 10]], np.float64)  # perfect, false alarm, empty
    metric = OFFERED["f1_image"].build(**complete(OFFERED["f1_image"], {"empty": empty}))
    assert metric.value(metric.rows(counts).sum(axis=0)) == pytest.approx(expected)


def test_an_unknown_policy_for_empty_images_is_refused():
    with pytest.raises(SettingsError, match="empty"):
        complete(OFFERED["f1_image"], {"empty": "skip"})


def prediction_of(mask, prediction):
    return Prediction("a", np.float32(1) - prediction[0], mask, ("a", "b"))


def at(threshold, truth, p):
    return truth, p >= np.float32(threshold)


def test_noise_alone_makes_the_metrics_differ_from_perfect():
    mask = random_mask(np.random.default_rng(8))
    counts = pooled(observed([mask], [noisy(np.random.default_rng(8), mask, noise=1.0)]))[500]
    assert 0 < POOLED["f1"].value(counts) < 1
