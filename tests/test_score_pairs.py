"""Estimates over seeds and groups, differences of levels, and Holm's adjustment, against independent references."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from bench.errors import DataError
from bench.scores import F1
from bench.statistics.comparisons import against_reference, all_pairs, holm
from bench.statistics.estimates import Estimate, added, block, estimate, group_part, mean_estimate, seed_part
from studies.worlds import World

shares = st.floats(0, 1)


@dataclass(frozen=True)
class MeanOfGroups:
    """A metric whose value is a plain mean over groups: TP / (TP + FN), where every group has one positive pixel."""

    range = (0.0, 1.0)

    def value(self, counts: Any) -> Any:
        return counts[..., 0] / (counts[..., 0] + counts[..., 2])


def of_values(values: np.ndarray) -> np.ndarray:
    """Counts ``[..., seeds, groups, 4]`` whose groups have these values under :class:`MeanOfGroups`."""
    nothing = np.zeros_like(values)
    return np.stack([values, nothing, 1 - values, nothing], axis=-1)


def normal_values(seed: int, *shape: int) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).normal(0.6, 0.1, shape), 0.01, 0.99)


def counts_of_levels(seed: int = 0, levels: int = 3, seeds: int = 4, groups: int = 30, **more: Any) -> np.ndarray:
    return World("any", **more).counts((1, levels, seeds), groups, np.random.default_rng(seed))[0]


def test_with_one_seed_the_error_of_a_plain_mean_is_that_of_scipy() -> None:
    values = normal_values(1, 1, 25)
    found = mean_estimate(of_values(values), MeanOfGroups())
    assert found.value == pytest.approx(values.mean())
    assert found.error == pytest.approx(stats.sem(values[0]))


def test_groups_of_two_values_give_the_t_interval_of_scipy() -> None:
    values = np.tile([0.3, 0.7], 10)[None]
    found = mean_estimate(of_values(values), MeanOfGroups())
    expected = stats.t.interval(0.95, 19, values.mean(), stats.sem(values[0]))
    np.testing.assert_allclose(found.interval(), expected)


def test_the_group_part_lies_within_scipys_bootstrap_of_the_mean() -> None:
    values = normal_values(2, 1, 200)
    found = mean_estimate(of_values(values), MeanOfGroups())
    scipys = stats.bootstrap((values[0],), np.mean, n_resamples=4000, rng=np.random.default_rng(0))
    assert found.error == pytest.approx(scipys.standard_error, rel=0.05)


def test_without_a_spread_over_groups_the_interval_is_the_t_interval_over_seeds() -> None:
    of_seeds = normal_values(3, 5)
    found = mean_estimate(of_values(np.repeat(of_seeds[:, None], 12, axis=1)), MeanOfGroups())
    expected = stats.t.interval(0.95, 4, of_seeds.mean(), stats.sem(of_seeds))
    np.testing.assert_allclose(found.interval(), expected)


def test_with_equal_seeds_the_error_is_that_over_groups() -> None:
    values = np.repeat(normal_values(4, 1, 40), 3, axis=0)
    three, one = (mean_estimate(of_values(v), MeanOfGroups()) for v in (values, values[:1]))
    assert three.error == pytest.approx(one.error)
    assert three.freedom == pytest.approx(one.freedom)


def test_two_levels_without_a_spread_over_groups_are_compared_as_welch_does() -> None:
    of_seeds = normal_values(5, 2, 4)
    counts = of_values(np.repeat(of_seeds[:, None, :, None], 8, axis=3))
    found = against_reference([block(counts, MeanOfGroups())], 0)[0]
    welch = stats.ttest_ind(of_seeds[1], of_seeds[0], equal_var=False)
    assert found.p == pytest.approx(welch.pvalue)
    interval = welch.confidence_interval()
    np.testing.assert_allclose(found.estimate.interval(), [interval.low, interval.high])


def test_two_levels_of_the_same_trainings_are_compared_as_the_paired_t_test_does() -> None:
    of_seeds = normal_values(5, 2, 4)
    counts = of_values(np.repeat(of_seeds[:, None, :, None], 8, axis=3))
    joined = replace(block(counts, MeanOfGroups()), trainings=(0, 0))
    found = against_reference([joined], 0)[0]
    paired = stats.ttest_rel(of_seeds[1], of_seeds[0])
    assert found.p == pytest.approx(paired.pvalue)
    interval = paired.confidence_interval()
    np.testing.assert_allclose(found.estimate.interval(), [interval.low, interval.high])


def test_levels_of_other_trainings_are_compared_as_if_none_were_in_common() -> None:
    alone = block(counts_of_levels(12)[:, None], F1)
    joined = replace(alone, trainings=(0, 1, 0))
    for (first, second), one, other in zip(
        ((0, 1), (0, 2), (1, 2)), all_pairs([joined]), all_pairs([alone]), strict=True
    ):
        same = (one.estimate.error, one.estimate.freedom) == (other.estimate.error, other.estimate.freedom)
        assert same == ((first, second) != (0, 2))


def test_a_level_does_not_differ_from_itself() -> None:
    counts = counts_of_levels(13)[[0, 0, 1]]
    itself, other, _ = all_pairs([replace(block(counts[:, None], F1), trainings=(0, 0, 2))])
    assert (itself.estimate.value, itself.estimate.error, itself.p) == (0, 0, 1)
    assert other.estimate.error > 0


@pytest.mark.parametrize(("seeds", "groups"), [(3, 30), (5, 150)])
def test_the_interval_of_a_difference_of_the_same_trainings_covers(seeds: int, groups: int) -> None:
    """Trainings differ by 0.1, what two ways of testing make of one by 0.01, and a group's part in that by 0.05."""
    rng = np.random.default_rng(14)
    trainings = rng.normal(0.5, 0.1, (2000, 1, 1, seeds, 1))
    ways = rng.normal(0, 0.01, (2000, 2, 1, seeds, 1)) + rng.normal(0, 0.05, (2000, 2, 1, 1, groups))
    worlds = block(of_values(trainings + ways), MeanOfGroups())
    low, high = np.moveaxis(all_pairs([replace(worlds, trainings=(0, 0))])[0].estimate.interval(), -1, 0)
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(0.95, abs=0.015)
    wide_low, wide_high = np.moveaxis(all_pairs([worlds])[0].estimate.interval(), -1, 0)
    assert np.mean((wide_low <= 0) & (wide_high >= 0)) > 0.99
    assert np.median(wide_high - wide_low) > 3 * np.median(high - low)


def test_with_one_seed_levels_are_compared_as_the_paired_t_test_does_but_for_its_degrees_of_freedom() -> None:
    values = normal_values(6, 2, 1, 1, 30)
    found = against_reference([block(of_values(values), MeanOfGroups())], 0)[0].estimate
    paired = stats.ttest_rel(values[1, 0, 0], values[0, 0, 0])
    assert found.value / found.error == pytest.approx(paired.statistic)


def test_satterthwaites_degrees_of_freedom_equal_those_of_welchs_test() -> None:
    first, second = normal_values(7, 6), normal_values(8, 3) * 3
    both = added([seed_part(first), seed_part(second)])
    assert both.freedom == pytest.approx(stats.ttest_ind(first, second, equal_var=False).df)


def test_what_is_hard_for_both_levels_cancels_in_their_difference() -> None:
    counts = counts_of_levels(9, seed_sd=0.05, both_sd=0.05, group_sd=1.5)[:, None]
    pair = against_reference([block(counts, F1)], 0)[0].estimate
    alone = [mean_estimate(level[0], F1).error for level in counts[:2]]
    assert pair.error < 0.5 * np.hypot(*alone)


def test_one_group_that_decides_leaves_few_degrees_of_freedom() -> None:
    even = group_part(np.tile([0.0, 1.0], 20))
    alone = group_part(np.eye(40)[0])
    assert even.freedom == 39
    assert alone.freedom < 3


@given(arrays(np.float64, (3, 9), elements=shares))
@settings(max_examples=50, deadline=None)
def test_the_interval_of_a_share_holds_the_share_and_stays_in_its_range(values: np.ndarray) -> None:
    found = mean_estimate(of_values(values), MeanOfGroups())
    low, high = found.share_interval()
    assert 0 <= low <= found.value + 1e-12
    assert found.value - 1e-12 <= high <= 1


@given(st.floats(0.01, 0.99), st.floats(1e-6, 10), st.floats(2, 100))
def test_the_interval_of_a_share_is_symmetric_on_the_logit_scale(value: float, error: float, freedom: float) -> None:
    low, high = Estimate(np.float64(value), np.float64(error), np.float64(freedom)).share_interval()
    mirrored = Estimate(np.float64(1 - value), np.float64(error), np.float64(freedom)).share_interval()
    assert [low, high] == pytest.approx([1 - mirrored[1], 1 - mirrored[0]], abs=1e-9)


def test_a_collapsed_level_has_an_interval_of_no_width_at_zero() -> None:
    counts = counts_of_levels(levels=1)[0]
    counts[..., 2] += counts[..., 0]
    counts[..., 0] = 0
    assert mean_estimate(counts, F1).share_interval().tolist() == [0, 0]


def test_levels_with_equal_counts_are_not_told_apart() -> None:
    counts = np.repeat(counts_of_levels(levels=1), 2, axis=0)[:, None]
    counts[..., :, :] = counts[:1]
    assert against_reference([block(np.zeros_like(counts), F1)], 0)[0].p == 1


def test_a_reference_is_compared_with_all_others_and_pairs_with_each_other_once() -> None:
    scores = [block(counts_of_levels(levels=4)[:, None], F1)]
    assert [(one.first, one.second) for one in against_reference(scores, 2)] == [(0, 2), (1, 2), (3, 2)]
    assert len(all_pairs(scores)) == 6


def test_averages_of_two_data_sets_have_independent_groups() -> None:
    first, second = (block(counts_of_levels(seed, levels=1, seeds=1)[:, None], F1) for seed in (1, 2))
    both = estimate([first, second], [np.array([[0.5]])] * 2)
    alone = [estimate([one], [np.array([[1.0]])]) for one in (first, second)]
    assert both.value == pytest.approx(np.mean([one.value for one in alone]))
    assert both.error == pytest.approx(np.hypot(*(one.error for one in alone)) / 2)


def test_leading_axes_are_worlds_of_their_own() -> None:
    counts = World("any").counts((3, 2, 4), 20, np.random.default_rng(0))[:, :, None]
    together = against_reference([block(counts, F1)], 0)[0]
    for number in range(3):
        alone = against_reference([block(counts[number], F1)], 0)[0]
        assert together.p[number] == pytest.approx(float(alone.p))


@pytest.mark.parametrize("shape", [(0, 5), (3, 1), (3, 0)])
def test_an_interval_needs_a_seed_and_two_groups(shape: tuple[int, int]) -> None:
    with pytest.raises(DataError, match="at least one seed and two groups"):
        mean_estimate(np.ones((*shape, 4)), F1)


def holm_by_hand(p: list[float]) -> list[float]:
    """The smallest level at which each hypothesis is rejected, sought step by step."""

    def rejected(alpha: float) -> set[int]:
        out: set[int] = set()
        for place, k in enumerate(sorted(range(len(p)), key=lambda k: p[k])):
            if p[k] > alpha / (len(p) - place):
                break
            out.add(k)
        return out

    levels = sorted({min(1.0, value * rest) for value in p for rest in range(1, len(p) + 1)} | {1.0})
    return [next((a for a in levels if k in rejected(a * (1 + 1e-12))), 1.0) for k in range(len(p))]


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=7))
@settings(deadline=None)
def test_holms_adjustment_equals_the_stepwise_procedure(p: list[float]) -> None:
    assert holm(np.array(p)) == pytest.approx(holm_by_hand(p))


@given(st.lists(shares, min_size=1, max_size=7))
def test_holms_adjustment_lies_between_none_and_bonferronis(p: list[float]) -> None:
    adjusted, plain = holm(np.array(p)), np.array(p)
    assert np.all(adjusted >= plain)
    assert np.all(adjusted <= np.minimum(1, plain * len(p)) + 1e-15)


def test_families_are_adjusted_row_by_row() -> None:
    p = np.random.default_rng(0).random((4, 5))
    np.testing.assert_array_equal(holm(p), np.stack([holm(row) for row in p]))


def test_what_rounding_leaves_of_equal_scores_is_no_difference() -> None:
    residue = Estimate(np.array([7.4e-17, 0.0, 0.1]), np.array([0.0, 0.0, 0.0]), np.array([2.0, 2.0, 2.0]))
    assert residue.p_value().tolist() == [1.0, 1.0, 0.0]
