"""Per-region overlap, objects and sizes against scipy's labels, on random splits and on degenerate ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, ndimage

from bench.score.object_scores import AtThreshold
from bench.score.parts import size_scores
from bench.score.regions import LIMIT, mean_overlap, region_overlap
from bench.score.summary import summarise
from bench.score.thresholds import threshold_at
from score_splits import ANSWERS, SPLITS, drawn
from score_worlds import GRID, defect_probability, observed, two_planes

EIGHT = np.ones((3, 3), int)


def components(masks):
    """Image number and pixels of every true component, by scipy."""
    found = []
    for number, mask in enumerate(masks):
        for kind in (1, 2):
            labels, count = ndimage.label(mask == kind, EIGHT)
            found += [(number, labels == label) for label in range(1, count + 1)]
    return found


def overlap_by_hand(masks, predictions, limit):
    """Area under mean overlap over false-positive rate, from labels and comparisons alone."""
    ps, parts = [defect_probability(prediction) for prediction in predictions], components(masks)
    background = [mask == 0 for mask in masks]
    x, y = [0.0], [0.0]
    for t in GRID[::-1]:
        false = sum(int((p[b] >= t).sum()) for p, b in zip(ps, background, strict=True))
        x.append(false / sum(int(b.sum()) for b in background))
        y.append(float(np.mean([(ps[image][inside] >= t).mean() for image, inside in parts])))
    cut = next(i for i, rate in enumerate(x) if rate > limit) if x[-1] > limit else len(x)
    share = (limit - x[cut - 1]) / (x[cut] - x[cut - 1])
    edge = y[cut - 1] + share * (y[cut] - y[cut - 1])
    return integrate.trapezoid([*y[:cut], edge], [*x[:cut], limit]) / limit


@settings(max_examples=25, deadline=None)
@given(split=SPLITS, limit=st.sampled_from([0.05, LIMIT, 0.99]))
def test_region_overlap_equals_an_integral_over_scipys_labels_and_is_never_above_one(split, limit):
    evidence, masks, predictions = drawn(*split)
    value = region_overlap(evidence, limit)
    if not components(masks) or not any((mask == 0).any() for mask in masks):
        assert value is None
    else:
        assert value == pytest.approx(overlap_by_hand(masks, predictions, limit), abs=1e-9)
        assert 0 <= value <= 1


def test_region_overlap_is_one_for_the_truth_and_half_the_limit_for_a_blind_guess():
    masks, right = drawn("one defect pixel", "perfect", 1)[1:]
    assert region_overlap(observed(masks, right)) == 1
    undecided = [ANSWERS["undecided"](None, mask) for mask in masks]
    assert region_overlap(observed(masks, undecided)) == pytest.approx(LIMIT / 2)


def test_region_overlap_counts_a_small_defect_as_much_as_a_large_one():
    mask = np.zeros((30, 30), np.uint8)
    mask[2:12, 2:12], mask[20, 20] = 1, 1
    only_large = (mask == 1).astype(np.float32)
    only_large[20, 20] = 0
    evidence = observed([mask], [two_planes(only_large)])
    assert mean_overlap(evidence)[500] == 0.5
    assert summarise(evidence, threshold_at(500, evidence), found=0.1)["recall"] > 0.99


def objects_by_hand(masks, predictions, t, found):
    """Found and missed defects and false alarms by scipy's labels, and alarms by image."""
    ps = [defect_probability(prediction) >= t for prediction in predictions]
    hits = [(ps[image][inside]).mean() >= found for image, inside in components(masks)]
    alarms = []
    for mask, positive in zip(masks, ps, strict=True):
        labels, count = ndimage.label(positive & (mask != 255), EIGHT)
        truth = (mask != 0) & (mask != 255)
        alarms.append(sum(not (truth & (labels == label)).any() for label in range(1, count + 1)))
    return sum(hits), len(hits) - sum(hits), alarms


@settings(max_examples=40, deadline=None)
@given(split=SPLITS, k=st.integers(1, 1000), found=st.sampled_from([0.1, 0.5, 1.0]))
def test_object_scores_equal_counting_scipys_components(split, k, found):
    evidence, masks, predictions = drawn(*split)
    hits, missed, alarms = objects_by_hand(masks, predictions, GRID[k], found)
    own = AtThreshold(evidence, k, found)
    assert own.object_recall == (pytest.approx(hits / (hits + missed)) if hits + missed else None)
    assert own.object_precision == (pytest.approx(hits / (hits + sum(alarms))) if hits + sum(alarms) else None)
    all_three = hits + missed + sum(alarms)
    assert own.object_f1 == (pytest.approx(2 * hits / (hits + all_three)) if all_three else None)
    clean = [n for m, n in zip(masks, alarms, strict=True) if (m != 255).any() and not ((m != 0) & (m != 255)).any()]
    assert (own.false_alarms, own.clean_images) == (sum(alarms), len(clean))
    assert own.false_alarms_per_clean_image == (pytest.approx(np.mean(clean)) if clean else None)
    assert own.clean_images_with_alarm == (pytest.approx(np.mean(np.array(clean) > 0)) if clean else None)


@settings(max_examples=25, deadline=None)
@given(split=SPLITS, k=st.integers(1, 1000))
def test_scores_by_size_equal_counting_scipys_components_and_add_up(split, k):
    evidence, masks, predictions = drawn(*split)
    sizes, parts = size_scores(evidence, k, 0.5), components(masks)
    assert sum(row["objects"] for row in sizes.values()) == len(parts)
    ps = [defect_probability(prediction) >= GRID[k] for prediction in predictions]
    false = sum(int((p & (mask == 0)).sum()) for p, mask in zip(ps, masks, strict=True))
    for row in sizes.values():
        if not row["objects"]:
            assert row["recall"] is row["overlap"] is row["f1_alone"] is row["largest_area"] is None
            continue
        mine = [(i, inside) for i, inside in parts if row["smallest_area"] <= inside.sum() <= row["largest_area"]]
        got, pixels = (
            sum(int(part.sum()) for part in parts) for parts in ([ps[i][m] for i, m in mine], [m for _, m in mine])
        )
        assert (row["objects"], row["pixels"]) == (len(mine), pixels)
        assert row["recall"] == pytest.approx(got / pixels)
        assert row["overlap"] == pytest.approx(np.mean([ps[i][m].mean() for i, m in mine]))
        assert row["object_recall"] == pytest.approx(np.mean([ps[i][m].mean() >= 0.5 for i, m in mine]))
        assert row["f1_alone"] == pytest.approx(2 * got / (got + pixels + false) if got + pixels + false else 0)


def test_a_quartile_of_size_holds_its_own_upper_limit():
    mask = np.zeros((9, 9), np.uint8)
    for area, row in enumerate(range(0, 9, 2), 1):
        mask[row, :area] = 1
    sizes = size_scores(observed([mask], [ANSWERS["perfect"](None, mask)]), 500, 0.1)
    assert [row["largest_area"] for row in sizes.values()] == [2, 3, 4, 5]
    assert [row["objects"] for row in sizes.values()] == [2, 1, 1, 1]
