"""Pooled scores against scikit-learn and torchmetrics, on random splits and on degenerate ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from bench.errors import DataError
from bench.score.metrics import average_precision
from bench.score.object_scores import AtThreshold
from bench.score.regions import region_overlap
from bench.score.summary import choices_of, summarise
from bench.score.thresholds import choose_threshold, pooled, threshold_at
from score_splits import ANSWERS, SHAPE, SPLITS, drawn
from score_worlds import GRID, flat, observed


def scored(evidence, k=None, found=0.1):
    threshold = choose_threshold(evidence) if k is None else threshold_at(k, evidence)
    also = choices_of(evidence, each=False)
    return summarise(evidence, threshold, found=found, also=also)


@settings(max_examples=30, deadline=None)
@given(split=SPLITS, k=st.integers(1, 1000))
def test_pooled_scores_equal_scikit_learns(split, k):
    evidence, masks, predictions = drawn(*split)
    truth, p = flat(masks, predictions)
    if not truth.size:
        return
    summary, positive = scored(evidence, k), p >= GRID[k]
    expected = {
        "precision": sklearn_metrics.precision_score(truth, positive, zero_division=0),
        "recall": sklearn_metrics.recall_score(truth, positive, zero_division=0),
        "f1": sklearn_metrics.f1_score(truth, positive, zero_division=0),
        "f2": sklearn_metrics.fbeta_score(truth, positive, beta=2, zero_division=0),
        "iou": sklearn_metrics.jaccard_score(truth, positive, zero_division=0),
        "accuracy": sklearn_metrics.accuracy_score(truth, positive),
    }
    assert {name: summary[name] for name in expected} == pytest.approx(expected)


@settings(max_examples=25, deadline=None)
@given(split=SPLITS, k=st.integers(1, 1000))
def test_pooled_scores_equal_torchmetrics(split, k):
    import torch
    from torchmetrics.functional import classification as of_torch

    evidence, masks, predictions = drawn(*split)
    truth, p = flat(masks, predictions)
    if not truth.size:
        return
    summary, given_ = scored(evidence, k), (torch.from_numpy(p >= GRID[k]).int(), torch.from_numpy(truth).int())
    expected = {
        "precision": of_torch.binary_precision(*given_),
        "recall": of_torch.binary_recall(*given_),
        "f1": of_torch.binary_f1_score(*given_),
        "f2": of_torch.binary_fbeta_score(*given_, beta=2.0),
        "iou": of_torch.binary_jaccard_index(*given_),
        "accuracy": of_torch.binary_accuracy(*given_),
    }
    numbers = {name: 0.0 if value.isnan() else float(value) for name, value in expected.items()}  # its 0/0 of IoU
    assert {name: summary[name] for name in expected} == pytest.approx(numbers, abs=1e-6)


@pytest.mark.filterwarnings("ignore:No positive class found")
@settings(max_examples=40, deadline=None)
@given(split=SPLITS)
def test_average_precision_equals_scikit_learns_on_the_grid(split):
    evidence, masks, predictions = drawn(*split)
    truth, p = flat(masks, predictions)
    if truth.size:
        bins = np.searchsorted(GRID[1:], p, side="right")
        expected = sklearn_metrics.average_precision_score(truth, bins) if truth.any() else 0.0
        assert average_precision(pooled(evidence)) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(split=SPLITS)
def test_every_share_of_a_summary_lies_between_zero_and_one_and_raises_no_alarm(split):
    evidence, masks, _ = drawn(*split)
    if all((mask == 255).all() for mask in masks):
        return
    assert not any(flag.startswith("alarm") for flag in scored(evidence)["flags"])


@pytest.mark.parametrize("answer", sorted(ANSWERS))
def test_a_split_of_ignored_pixels_only_is_refused_rather_than_scored(answer):
    rng = np.random.default_rng(0)
    mask = np.full(SHAPE, 255, np.uint8)
    evidence = observed([mask], [ANSWERS[answer](rng, mask)])
    with pytest.raises(DataError, match="valid pixel"):
        choose_threshold(evidence)
    assert region_overlap(evidence) is None
    assert AtThreshold(evidence, 500, 0.1).clean_images == 0
