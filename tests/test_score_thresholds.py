"""The threshold is the best of the grid on validation, also where nothing is worth choosing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from bench.errors import DataError
from bench.score.metrics import swept
from bench.score.thresholds import best_index, choose_threshold, pooled_f1
from bench.scores import F1
from score_worlds import GRID, flat, observed, two_planes, world


def scored(truth: list[int], p: list[float]):
    mask, values = np.array([truth], np.uint8), np.array([p], np.float32)
    return observed([mask], [two_planes(values)], classes=1)


def test_no_threshold_of_the_grid_beats_the_chosen_one():
    masks, predictions = world(1)
    truth, p = flat(masks, predictions)
    scores = [f1_score(truth, p >= threshold, zero_division=0) for threshold in GRID[1::10]]
    evidence = observed(masks, predictions)
    chosen = choose_threshold(evidence)
    assert chosen.f1 >= max(scores)
    assert chosen.f1 == pytest.approx(f1_score(truth, p >= np.float32(chosen.value)))
    assert chosen.f1 == pooled_f1(evidence, chosen.index)
    assert chosen.value == chosen.index / 1000
    assert chosen.flags == ()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1000), st.booleans()), min_size=1, max_size=12))
def test_ties_go_to_the_middle_of_the_longest_plateau(pixels):
    positive, negative = np.zeros(1001, np.int64), np.zeros(1001, np.int64)
    for bin, true in pixels:
        (positive if true else negative)[bin] += 1
    counts = swept(positive, negative)
    f1 = F1.value(counts)
    index, value = best_index(counts)
    runs, k = [], 1
    while k <= 1000:  # a plain walk over the plateaus
        end = k
        while end < 1000 and f1[end + 1] == f1[k]:
            end += 1
        if f1[k] == f1[1:].max():
            runs.append((end - k + 1, -k))
        k = end + 1
    length, start = max(runs)
    assert index == (-start) + (length - 1) // 2
    assert value == f1[index]


def test_the_middle_of_a_plateau_is_chosen():
    chosen = choose_threshold(scored([1, 0], [0.8, 0.2]))  # every k of 201..800 is right
    assert (chosen.index, chosen.f1) == (500, 1.0)


def test_without_positives_the_middle_of_the_grid_is_chosen_and_flagged():
    chosen = choose_threshold(scored([0, 0, 0], [0.1, 0.9, 0.4]))
    assert (chosen.value, chosen.f1, chosen.flags) == (0.5, 0.0, ("no true positives",))


@pytest.mark.parametrize(("value", "index", "f1"), [(0.0, 500, 0.0), (0.4, 200, 2 / 3), (1.0, 500, 2 / 3)])
def test_constant_predictions_call_everything_positive_if_they_can_and_are_flagged(value, index, f1):
    chosen = choose_threshold(scored([1, 0], [value, value]))
    assert chosen.index == index
    assert chosen.f1 == pytest.approx(f1)
    assert "constant predictions" in chosen.flags


def test_true_pixels_below_the_grid_are_flagged():
    chosen = choose_threshold(scored([1, 0], [0.0004, 0.5]))
    assert chosen.flags == ("no true pixel is reached at any threshold",)
    assert chosen.f1 == 0


@pytest.mark.parametrize("evidence", [observed([], []), scored([255, 255], [0.1, 0.2])])
def test_nothing_to_choose_on_is_an_error(evidence):
    with pytest.raises(DataError, match="no valid pixel"):
        choose_threshold(evidence)
