"""The summary of a split: its keys, its degenerate cases, and its agreement with plain counting."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import average_precision_score, f1_score

from bench.errors import DataError
from bench.score.summary import summarise
from bench.score.thresholds import Threshold, choose_threshold
from score_worlds import defect_probability, flat, noisy, observed, random_mask, two_planes, world

PROMISED = """images groups defective_groups positive_share threshold f1 precision recall f2 accuracy iou ap f1_half
floor f1_interval interval_note types object_recall objects false_alarms false_alarms_per_clean_image flags
image_counts"""


def summary_of(evidence, threshold=None, found=0.1):
    chosen = threshold or choose_threshold(evidence)
    return summarise(evidence, chosen, found=found)


def constant(value):
    return lambda mask: two_planes(np.full(mask.shape, value, np.float32))


@pytest.mark.parametrize("predict", [None, constant(0), constant(0.5), constant(1)])
@pytest.mark.parametrize("empty", [False, True])
def test_every_promised_key_is_there_and_the_whole_is_plain_json(predict, empty):
    masks, predictions = world(1, predict=predict)
    if empty:
        masks = [np.zeros_like(mask) for mask in masks]
    summary = summary_of(observed(masks, predictions))
    assert set(PROMISED.split()) <= set(summary)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_scores_equal_plain_counting():
    masks, predictions = world(2)
    evidence = observed(masks, predictions)
    truth, p = flat(masks, predictions)
    summary = summary_of(evidence)
    positive = p >= np.float32(summary["threshold"])
    assert summary["f1"] == pytest.approx(f1_score(truth, positive))
    assert summary["f1_half"] == pytest.approx(f1_score(truth, p >= np.float32(0.5)))
    assert summary["floor"] == pytest.approx(f1_score(truth, np.ones_like(truth)))
    assert summary["ap"] == pytest.approx(average_precision_score(truth, p), abs=5e-3)
    assert summary["positive_share"] == pytest.approx(truth.mean())
    assert summary["flags"] == []
    low, high = summary["f1_interval"]
    assert low <= summary["f1"] <= high


def test_recall_objects_and_groups_per_type_equal_plain_counting():
    masks, predictions = world(3, images=4)
    groups = ["one", "one", "two", "three"]
    evidence = observed(masks, predictions, groups=groups)
    summary = summary_of(evidence, found=0.5)
    for c, row in enumerate(summary["types"].values(), 1):
        hits = [defect_probability(q) >= np.float32(summary["threshold"]) for q in predictions]
        of_class = [mask == c for mask in masks]
        assert row["pixels"] == sum(m.sum() for m in of_class)
        assert row["groups"] == len({g for g, m in zip(groups, of_class, strict=True) if m.any()})
        got = sum((h & m).sum() for h, m in zip(hits, of_class, strict=True))
        assert row["recall"] == pytest.approx(got / row["pixels"])
        shares = []
        for hit, inside in zip(hits, of_class, strict=True):
            labels, number = ndimage.label(inside, np.ones((3, 3)))
            shares += ndimage.mean(hit, labels, range(1, number + 1)).tolist() if number else []
        assert row["objects"] == len(shares)
        assert row["object_recall"] == pytest.approx(np.mean(np.array(shares) >= 0.5))
    assert summary["groups"] == 3
    assert summary["objects"] == sum(row["objects"] for row in summary["types"].values())
    assert sum(row["objects"] for row in summary["sizes"].values()) == summary["objects"]


def test_false_alarms_are_counted_per_clean_image():
    clean, defective = np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8)
    defective[5:8, 5:8] = 1
    two_spots = np.zeros(clean.shape, np.float32)
    two_spots[2:4, 2:4] = two_spots[15, 15] = 0.9  # misses the defect where there is one
    hit_and_spot = two_spots.copy()
    hit_and_spot[6, 6] = 0.9
    shown = [two_planes(p) for p in (two_spots, 0 * two_spots, hit_and_spot, two_spots)]
    summary = summary_of(observed([clean, clean, defective, defective], shown), Threshold(0.5, 500, 1.0))
    assert summary["false_alarms"] == 6
    assert summary["clean_images"] == 2
    assert summary["false_alarms_per_clean_image"] == 1.0


def test_a_probability_of_exactly_one_half_is_positive_in_f1_at_one_half():
    mask = np.array([[1, 0]], np.uint8)
    summary = summary_of(observed([mask], [two_planes(np.array([[0.5, 0.499]], np.float32))]))
    assert summary["f1_half"] == 1.0


def test_a_class_that_does_not_occur_has_no_recall_rather_than_a_zero():
    mask = np.zeros((10, 10), np.uint8)
    mask[2:5, 2:5] = 1
    summary = summary_of(observed([mask], [two_planes((mask > 0).astype(np.float32))]))
    nothing = {"pixels": 0, "groups": 0, "objects": 0}
    assert summary["types"]["b"] == nothing | dict.fromkeys(["recall", "object_recall", "overlap", "f1_alone"])
    assert summary["class_balanced_recall"] == 1.0
    assert summary["false_alarms_per_clean_image"] is None


def test_the_class_balanced_recall_is_the_mean_over_classes():
    summary = summary_of(observed(*world(4)))
    assert summary["class_balanced_recall"] == pytest.approx(np.mean([r["recall"] for r in summary["types"].values()]))


def test_truth_drawn_two_pixels_wider_is_forgiven_by_the_tolerance():
    mask = np.zeros((30, 30), np.uint8)
    mask[10:20, 10:20] = 1
    wide = np.zeros(mask.shape, np.float32)
    wide[8:22, 8:22] = 1
    tolerance = summary_of(observed([mask], [two_planes(wide)], tolerance=2))["tolerance"]
    assert tolerance == {
        "pixels": 2,
        "f1_truth_dilated": 1.0,
        "f1_truth_eroded": pytest.approx(2 * 36 / (36 + 196)),
        "f1_band_left_out": 1.0,
    }


def test_where_borders_leave_no_true_pixel_there_is_no_tolerance_score():
    mask = np.zeros((16, 24), np.uint8)
    mask[7:9, 2:20] = 1
    found = summary_of(observed([mask], [two_planes((mask > 0).astype(np.float32))], tolerance=2))["tolerance"]
    assert (found["f1_truth_eroded"], found["f1_band_left_out"]) == (None, None)
    assert 0 < found["f1_truth_dilated"] < 1


def test_tolerance_scores_equal_scipys_dilation_and_erosion():
    rng = np.random.default_rng(5)
    mask = random_mask(rng)
    mask[mask == 255] = 0
    mask[8:24, 10:30] = 1
    prediction = noisy(rng, mask)
    tolerance = summary_of(observed([mask], [prediction]), Threshold(0.4, 400, 0.5))["tolerance"]
    square, positive = np.ones((5, 5), bool), defect_probability(prediction) >= np.float32(0.4)
    dilated = ndimage.binary_dilation(mask > 0, square)
    eroded = ndimage.binary_erosion(mask > 0, square, border_value=1)
    sure = eroded | ~dilated
    assert eroded.any()
    assert tolerance["f1_truth_dilated"] == pytest.approx(f1_score(dilated.ravel(), positive.ravel()))
    assert tolerance["f1_truth_eroded"] == pytest.approx(f1_score(eroded.ravel(), positive.ravel()))
    assert tolerance["f1_band_left_out"] == pytest.approx(f1_score(eroded[sure], positive[sure]))


def test_few_groups_with_defects_make_the_interval_unreliable():
    masks, predictions = world(6)
    note = summary_of(observed(masks, predictions))["interval_note"]
    assert note == "one seed: interval over groups only; interval unreliable (3 groups with defects)"


def test_thirty_groups_with_defects_are_enough():
    mask = np.zeros((4, 4), np.uint8)
    mask[1, 1] = 1
    evidence = observed([mask] * 30, [two_planes((mask > 0).astype(np.float32))] * 30)
    assert summary_of(evidence)["interval_note"] == "one seed: interval over groups only"


def test_a_collapsed_model_scores_zero_with_flags():
    masks, predictions = world(7, predict=constant(0))
    summary = summary_of(observed(masks, predictions))
    assert summary["f1"] == summary["precision"] == 0
    assert "constant predictions" in summary["flags"]
    assert any("0/0" in flag for flag in summary["flags"])


def test_flags_of_the_threshold_are_passed_on():
    evidence = observed(*world(8))
    summary = summary_of(evidence, replace(choose_threshold(evidence), flags=("no true positives",)))
    assert "threshold: no true positives" in summary["flags"]


def test_counts_per_image_are_kept_for_later_comparisons():
    masks, predictions = world(9)
    evidence = observed(masks, predictions)
    kept = summary_of(evidence)["image_counts"]
    assert kept["ids"] == list(evidence.ids)
    assert np.sum(kept["counts"]) == sum((mask != 255).sum() for mask in masks)


def test_a_split_without_images_is_refused():
    with pytest.raises(DataError, match="nothing to score"):
        summary_of(observed([], []), Threshold(0.5, 500, 0.0))


def test_a_single_group_has_no_interval():
    masks, predictions = world(3, images=3)
    assert summary_of(observed(masks, predictions, groups=["one"] * 3))["f1_interval"] is None
