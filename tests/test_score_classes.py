"""Scores of classes against scikit-learn's, with thresholds that validation chose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from bench.score.parts import choose_class_thresholds, mean_over_types, type_scores
from bench.score.summary import Choices, Whole
from score_splits import SHAPE, drawn
from score_worlds import GRID, observed, random_mask


def softmaxed(rng, mask, classes=2):
    """Three planes that know something of the truth."""
    logits = rng.normal(size=(classes + 1, *mask.shape)) + 2 * (mask == np.arange(classes + 1)[:, None, None])
    odds = np.exp(logits)
    return (odds / odds.sum(axis=0)).astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 1000))
def test_scores_of_each_class_and_their_means_equal_scikit_learns(seed, k):
    rng = np.random.default_rng(seed)
    masks = [random_mask(rng, SHAPE) for _ in range(3)]
    predictions = [softmaxed(rng, mask) for mask in masks]
    evidence = observed(masks, predictions)
    own = choose_class_thresholds(evidence)
    types = type_scores(evidence, k, 0.1, own)
    valid = [mask != 255 for mask in masks]
    kinds = np.concatenate([mask[keep] for mask, keep in zip(masks, valid, strict=True)])
    ps = np.concatenate([q[1:, keep] for q, keep in zip(predictions, valid, strict=True)], axis=1).T
    truth, positive = kinds[:, None] == [1, 2], ps >= GRID[k]
    if not truth.any(axis=0).all():
        assert Whole(evidence, k, 0.1, Choices(classes=own)).macro_classes < 2
        return
    for name, score in (
        ("precision", sklearn_metrics.precision_score),
        ("recall", sklearn_metrics.recall_score),
        ("f1", sklearn_metrics.f1_score),
        ("iou", sklearn_metrics.jaccard_score),
    ):
        expected = score(truth, positive, average=None, zero_division=0)
        assert [row[name] for row in types.values()] == pytest.approx(list(expected))
        mean = score(truth, positive, average="macro", zero_division=0)
        assert mean_over_types(types, name) == pytest.approx(mean)
    bins = np.searchsorted(GRID[1:], ps.ravel(), side="right").reshape(ps.shape)
    expected = sklearn_metrics.average_precision_score(truth, bins, average="macro")
    assert mean_over_types(types, "ap") == pytest.approx(expected)


def test_a_threshold_of_its_own_per_class_is_the_best_one_on_validation():
    rng = np.random.default_rng(3)
    masks = [random_mask(rng, SHAPE) for _ in range(4)]
    evidence = observed(masks, [softmaxed(rng, mask) for mask in masks])
    own = choose_class_thresholds(evidence)
    for common in (200, 400, 600):
        for row in type_scores(evidence, common, 0.1, own).values():
            assert row["f1_own"] >= row["f1"]


def test_a_class_that_validation_lacks_has_no_threshold_of_its_own():
    rng = np.random.default_rng(4)
    both, one = random_mask(rng, SHAPE), np.zeros(SHAPE, np.uint8)
    both[0, 0], both[0, 5], one[3:6, 3:6] = 1, 2, 1
    own = choose_class_thresholds(observed([one], [softmaxed(rng, one)]))
    assert own[0] is not None
    assert own[1] is None
    types = type_scores(observed([both], [softmaxed(rng, both)]), 500, 0.1, own)
    assert types["b"]["f1_own"] is None
    assert mean_over_types(types, "f1_own") is None
    assert mean_over_types(types, "f1") is not None


def test_a_class_that_does_not_occur_has_no_scores_rather_than_zeros():
    rng = np.random.default_rng(6)
    mask = np.zeros(SHAPE, np.uint8)
    mask[3:6, 3:6] = 1
    evidence = observed([mask], [softmaxed(rng, mask)])
    own = choose_class_thresholds(evidence)
    types = type_scores(evidence, 500, 0.1, own)
    assert {value for name, value in types["b"].items() if name not in ("pixels", "objects", "groups")} == {None}
    assert Whole(evidence, 500, 0.1, Choices(classes=own)).macro_classes == 1
    assert mean_over_types(types, "f1") == types["a"]["f1"]


def test_under_union_a_type_has_recall_and_no_precision_of_its_own():
    row = type_scores(drawn("random", "noisy", 5)[0], 500, 0.1, None)["a"]
    assert "recall" in row
    assert "precision" not in row
