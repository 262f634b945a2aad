"""Rules that choose a threshold on validation: how they are written, and what they choose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import fbeta_score, precision_score, recall_score

from bench.errors import DataError, SettingsError
from bench.score.ranges import believed
from bench.score.rules import Rule, rule_from, threshold_of
from bench.score.thresholds import choose_threshold
from bench.scores import SCORES
from score_worlds import GRID, flat, noisy, observed, two_planes, world


def murky(seed):
    """A split that no threshold separates."""
    rng = np.random.default_rng(seed)
    return world(seed, predict=lambda mask: noisy(rng, mask, 0.9))


@pytest.mark.parametrize(
    "text",
    ["best-f1", "best-f2", "best-iou", "0.5", "0.123", "recall>=0.9", "precision>=0.5", "fpr<=0.01", "alarms<=2"],
)
def test_a_rule_is_written_as_it_is_read(text):
    assert rule_from(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "best-f3",
        "f1",
        "",
        "recall>=",
        "recall<=0.9",
        "fpr>=0.1",
        "recall>=1.5",
        "recall>=0",
        "1.5",
        "0",
        "0.12345",
        "nan",
    ],
)
def test_what_is_no_rule_is_refused_with_what_to_write(text):
    with pytest.raises(SettingsError, match=r"write best-f1|on the grid|out of range"):
        rule_from(text)


def test_the_rule_of_the_protocol_chooses_what_the_protocol_chooses():
    evidence = observed(*murky(1))
    assert threshold_of(Rule("best", score="f1"), evidence) == choose_threshold(evidence)


def test_a_fixed_threshold_is_the_same_whatever_validation_says():
    chosen = [threshold_of(rule_from("0.5"), observed(*murky(seed))) for seed in (1, 2)]
    assert [threshold.index for threshold in chosen] == [500, 500]
    assert chosen[0].f1 != chosen[1].f1


def test_no_threshold_of_the_grid_has_a_higher_f2_than_the_one_of_best_f2():
    masks, predictions = murky(3)
    truth, p = flat(masks, predictions)
    chosen = threshold_of(rule_from("best-f2"), observed(masks, predictions))
    scores = [fbeta_score(truth, p >= t, beta=2, zero_division=0) for t in GRID[1::10]]
    assert fbeta_score(truth, p >= GRID[chosen.index], beta=2) >= max(scores)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), level=st.sampled_from([0.3, 0.7, 0.95]))
def test_a_bound_is_kept_and_no_kept_threshold_of_the_grid_does_better(seed, level):
    masks, predictions = murky(seed)
    truth, p = flat(masks, predictions)
    evidence = observed(masks, predictions)
    if not truth.any():
        return
    coarse = [(recall_score(truth, p >= t), precision_score(truth, p >= t, zero_division=0)) for t in GRID[1::40]]
    for rule, bound, gain in ((f"recall>={level}", 0, 1), (f"precision>={level}", 1, 0)):
        kept = [values for values in coarse if values[bound] >= level]
        try:
            index = threshold_of(rule_from(rule), evidence).index
        except DataError:
            assert not kept
            continue
        reached = recall_score(truth, p >= GRID[index]), precision_score(truth, p >= GRID[index], zero_division=0)
        assert reached[bound] >= level
        assert not kept or reached[gain] >= max(values[gain] for values in kept) - 1e-12


def test_a_bound_that_validation_cannot_keep_is_an_error_and_not_a_guess():
    mask = np.array([[1, 0, 0, 0]], np.uint8)
    blind = observed([mask], [two_planes(np.full(mask.shape, 0.4, np.float32))], classes=1)
    with pytest.raises(DataError, match=r"no threshold reaches precision>=0.9 on validation"):
        threshold_of(rule_from("precision>=0.9"), blind)


def test_false_alarms_melting_into_one_component_do_not_keep_a_bound():
    mask = np.zeros((9, 9), np.uint8)
    spots = np.full(mask.shape, 0.1, np.float32)
    spots[::4, ::4] = 0.9  # nine spots at high thresholds, one component that covers all at the lowest
    evidence = observed([mask], [two_planes(spots)])
    assert threshold_of(rule_from("alarms<=1"), evidence).value > 0.9


@pytest.mark.parametrize("value", [1.2, -0.1, float("nan"), float("inf")])
@pytest.mark.parametrize("field", sorted({row.name for row in SCORES if row.range == (0, 1)}))
def test_an_impossible_share_is_null_with_an_alarm_that_names_it(field, value):
    checked, alarms = believed({"outer": {field: value, "images": 3}, "f1": 0.5})
    assert checked == {"outer": {field: None, "images": 3}, "f1": 0.5}
    assert [alarm.split()[1] for alarm in alarms] == [f"outer.{field}"]


def test_possible_scores_pass_as_they_are():
    scores = {"f1": 1.0, "recall": 0.0, "ap": None, "false_alarms": 17, "types": {"a": {"pixels": 9, "recall": 0.5}}}
    assert believed(scores) == (scores, [])


def test_two_rules_never_share_a_name() -> None:
    texts = [Rule("recall", level).text for level in (0.9, 0.9999999, 1.0)]
    assert texts == ["recall>=0.9", "recall>=0.9999999", "recall>=1"]
