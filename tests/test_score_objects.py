"""Components, their overlaps and false alarms, against scipy's labelling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bench.score.evidence import measure
from bench.score.objects import LEVELS, predicted_components, true_defects
from score_worlds import defect_probability, noisy, observed, random_mask, two_planes

EIGHT = np.ones((3, 3), int)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_true_components_areas_boxes_and_overlaps_equal_scipys(seed):
    rng = np.random.default_rng(seed)
    mask = random_mask(rng)
    prediction = noisy(rng, mask)
    p, defects = defect_probability(prediction), measure(("a", "g"), prediction, mask, 2).defects
    expected = []
    for c in (1, 2):
        labels, _ = ndimage.label(mask == c, EIGHT)
        for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
            inside = labels == number
            overlaps = [int((p[inside] >= np.float32(k / 1000)).sum()) for k in (1, 250, 700, 1000)]
            box = (rows.start, columns.start, rows.stop, columns.stop)
            expected.append((c, int(inside.sum()), box, overlaps))
    overlap = np.stack([defects.predicted_pixels(k) for k in (1, 250, 700, 1000)], axis=1)
    columns = zip(
        defects.kind.tolist(), defects.area.tolist(), map(tuple, defects.box.tolist()), overlap.tolist(), strict=True
    )
    assert sorted(columns) == sorted(expected)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), smooth=st.sampled_from([0.0, 1.5]))
def test_predicted_components_equal_scipys_at_every_level(seed, smooth):
    rng = np.random.default_rng(seed)
    mask = random_mask(rng)
    p = ndimage.gaussian_filter(rng.random(mask.shape), smooth)
    prediction = two_planes(((p - p.min()) / np.ptp(p)).astype(np.float32))
    measured = measure(("a", "g"), prediction, mask, 2, threshold=123)
    table = measured.predicted
    found = sorted(
        (level, area, overlap)
        for level, area, overlap, count in zip(table.level, table.area, table.overlap, table.count, strict=True)
        for _ in range(count)
    )
    expected = []
    for k in (*LEVELS, 123):
        labels, truth = labelled(defect_probability(prediction), mask, k)
        for number in range(1, labels.max() + 1):
            inside = labels == number
            expected.append((k, int(inside.sum()), int((inside & truth).sum())))
    assert found == sorted(expected)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_false_alarms_equal_scipys_at_any_threshold(seed):
    rng = np.random.default_rng(seed)
    mask = random_mask(rng)
    prediction = two_planes(rng.random(mask.shape).astype(np.float32))
    alarms = measure(("a", "g"), prediction, mask, 2).alarms
    for k in (1, 2, 137, 500, 501, 998, 1000):
        labels, truth = labelled(defect_probability(prediction), mask, k)
        touching = set(np.unique(labels[truth])) - {0}
        assert alarms[k] == labels.max() - len(touching)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), values=st.integers(1, 6), height=st.integers(1, 24), width=st.integers(1, 24))
def test_components_of_plateaus_and_of_narrow_images_equal_scipys_at_every_bin(seed, values, height, width):
    rng = np.random.default_rng(seed)
    bins = (rng.integers(0, values + 1, (height, width)) * (1000 // values)).astype(np.uint16)
    mask = rng.choice(np.array([0, 0, 0, 0, 1, 255], np.uint8), bins.shape)
    table, alarms = predicted_components(mask, bins, [*range(100, 1001, 100)])
    for k in range(100, 1001, 100):
        labels, truth = labelled(bins, mask, k)
        areas = np.bincount(labels.ravel())[1:]
        overlaps = np.bincount(labels.ravel(), truth.ravel())[1:].astype(int)
        here = table.level == k
        rows = np.repeat(np.stack([table.area, table.overlap], axis=1)[here], table.count[here], axis=0)
        assert sorted(map(tuple, rows.tolist())) == sorted(zip(areas.tolist(), overlaps.tolist(), strict=True))
        assert alarms[k] == np.count_nonzero(overlaps == 0)


def labelled(p, mask, k):
    """Components of the prediction (probabilities, or their bins) at k / 1000 outside ignored pixels, and the truth."""
    truth = (mask != 0) & (mask != 255)
    least = k if p.dtype == np.uint16 else np.float32(k / 1000)
    return ndimage.label((p >= least) & (mask != 255), EIGHT)[0], truth


def test_diagonal_neighbours_are_one_defect_and_touching_classes_are_two():
    mask = np.zeros((8, 8), np.uint8)
    mask[1, 1] = mask[2, 2] = 1
    mask[2, 3] = 2
    evidence = observed([mask], [two_planes(np.zeros(mask.shape, np.float32))])
    assert evidence.defects.kind.tolist() == [1, 2]
    assert evidence.defects.area.tolist() == [2, 1]


def test_a_defect_is_found_from_the_asked_share_of_its_pixels_on():
    mask = np.zeros((6, 30), np.uint8)
    mask[2, 5:25] = 1
    p = np.zeros(mask.shape, np.float32)
    p[2, 5:7] = 0.9
    evidence = observed([mask], [two_planes(p)], classes=1)
    assert evidence.defects.found(500, 0.1).tolist() == [True]
    assert evidence.defects.found(500, 0.11).tolist() == [False]
    assert evidence.defects.found(950, 0.1).tolist() == [False]


def test_tables_of_several_images_number_their_images():
    mask = np.zeros((6, 6), np.uint8)
    other = mask.copy()
    other[0, 0] = other[4, 4] = 1
    empty, full = two_planes(mask.astype(np.float32)), two_planes(np.ones(mask.shape, np.float32))
    evidence = observed([mask, other, other], [full, empty, full])
    assert evidence.defects.image.tolist() == [1, 1, 2, 2]
    assert evidence.defects.predicted_pixels(500).tolist() == [0, 0, 1, 1]
    assert sorted(set(evidence.predicted.image.tolist())) == [0, 2]
    assert evidence.alarms[:, 500].tolist() == [1, 0, 0]


@pytest.mark.parametrize("threshold", [None, 500, 501])
def test_the_chosen_threshold_joins_the_ladder_once(threshold):
    mask = np.zeros((5, 5), np.uint8)
    table = measure(("a", "g"), two_planes(np.ones(mask.shape, np.float32)), mask, 1, threshold=threshold).predicted
    assert sorted(table.level.tolist()) == sorted({*LEVELS} | ({threshold} if threshold else set()))


@pytest.mark.parametrize("share", [0.1, 0.55, 0.7, 1.0])
def test_a_share_that_is_exactly_reached_counts_as_found(share: float) -> None:
    area = 100
    mask = np.ones((1, area), np.uint8)
    bins = np.zeros((1, area), np.uint16)
    bins[0, : round(share * area)] = 900
    assert true_defects(mask, bins, 1).found(500, share).tolist() == [True]
    bins[0, round(share * area) - 1] = 0
    assert true_defects(mask, bins, 1).found(500, share).tolist() == [False]
