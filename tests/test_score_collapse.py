"""Collapse as an outcome of its own, and the flags of rows: against scipy and plain counting."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from bench.scores import F1
from bench.statistics.collapse import Share, collapsed, compared_shares, fisher, floors
from bench.statistics.comparisons import all_pairs, holm, of_unlike_seeds, to_reference
from bench.statistics.estimates import Block, block, mean_estimate
from bench.statistics.flags import GAP, LEAST_GAP, carried, fallen_apart
from studies.worlds import POSITIVE, World


@st.composite
def shares(draw: st.DrawFn, most: int = 12) -> Share:
    of = draw(st.integers(1, most))
    return Share(draw(st.integers(0, of)), of)


@given(shares())
def test_the_interval_of_a_share_is_scipys_exact_one(share: Share) -> None:
    expected = stats.binomtest(share.count, share.of).proportion_ci(0.95, "exact")
    assert share.interval() == pytest.approx((expected.low, expected.high))


@given(shares(), shares())
def test_two_shares_are_compared_as_scipys_exact_test_does(first: Share, second: Share) -> None:
    table = [[one.count, one.of - one.count] for one in (first, second)]
    assert fisher(first, second) == pytest.approx(stats.fisher_exact(table).pvalue)


@given(st.lists(shares(), min_size=1, max_size=5))
def test_shares_of_a_column_are_one_family_of_all_pairs(rows: list[Share]) -> None:
    pairs = list(combinations(range(len(rows)), 2))
    found = compared_shares(rows)
    assert list(found) == pairs
    plain = np.array([fisher(rows[first], rows[second]) for first, second in pairs])
    assert list(found.values()) == pytest.approx(holm(plain).tolist() if pairs else [])


def test_three_seeds_can_never_tell_two_shares_apart_and_ten_can() -> None:
    assert fisher(Share(0, 3), Share(3, 3)) == pytest.approx(0.1)
    assert fisher(Share(0, 10), Share(7, 10)) < 0.05


def test_the_floor_is_that_of_calling_every_pixel_a_defect() -> None:
    counts = World("any").counts((1, 1, 1), 20_000, np.random.default_rng(0))[0, 0, 0]
    positive = counts[:, [0, 2]].sum() / counts.sum()
    assert floors(counts) == pytest.approx(2 * positive / (1 + positive))
    assert floors(counts) == pytest.approx(2 * POSITIVE / (1 + POSITIVE), rel=0.1)


@pytest.mark.parametrize(
    ("score", "lost"), [(0.0, True), (0.01, True), (0.06, True), (0.07, False), (0.3, False), (0.61, False)]
)
def test_a_training_has_collapsed_that_hardly_rises_above_the_floor(score: float, lost: bool) -> None:
    scores = np.array([[0.55, score, 0.5], [0.61, 0.6, np.nan]])
    assert collapsed(scores, np.float64(0.01)).tolist() == [[False, lost, False], [False, False, False]]


def test_where_nothing_rises_above_the_floor_all_have_collapsed() -> None:
    assert collapsed(np.array([[0.01, 0.0], [0.02, 0.02]]), np.float64(0.02)).all()


@given(arrays(np.float64, (3, 4), elements=st.floats(0, 1)), st.floats(0, 0.9))
def test_who_scores_below_a_collapsed_training_has_collapsed_too(scores: np.ndarray, floor: float) -> None:
    gone = collapsed(scores, np.float64(floor))
    assert gone[scores <= floor].all()
    if gone.any():
        assert gone[scores <= scores[gone].max()].all()


def test_trainings_of_a_world_collapse_as_often_as_it_says_and_none_is_missed() -> None:
    world = World("any", collapse=0.25)
    counts = world.counts((400, 2, 5), 50, np.random.default_rng(1))
    scores = F1.value(counts.sum(axis=-2))
    floor = floors(counts[:, :1, :1])
    gone = collapsed(scores, floor)
    np.testing.assert_array_equal(gone, counts[..., 2].sum(axis=-1) == 0)
    assert stats.binomtest(int(gone.sum()), gone.size, 0.25).pvalue > 1e-3


SEEDS = st.integers(3, 10)


def even_rows(rows: int, seeds: int, start: int) -> np.ndarray:
    """Rows whose seeds lie as far from each other as from the next, in any order."""
    rng = np.random.default_rng(start)
    return 0.5 + 0.01 * rng.permuted(np.tile(np.linspace(-1, 1, seeds), (rows, 1)), axis=1)


@given(SEEDS, st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_a_seed_far_from_all_others_is_flagged_in_its_row_alone(seeds: int, start: int, row: int) -> None:
    scores = even_rows(4, seeds, start)
    scores[row, start % seeds] = 0.2
    assert fallen_apart(scores).tolist() == [number == row for number in range(4)]


@given(SEEDS, st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_two_heaps_are_flagged_whatever_their_sizes(seeds: int, low: int, start: int) -> None:
    scores = even_rows(5, seeds, start)
    scores[2, : min(low, seeds - 1)] -= 0.3
    assert fallen_apart(scores).tolist() == [False, False, True, False, False]


@given(arrays(np.float64, (3, 5), elements=st.floats(0, 1)), st.permutations(range(5)), st.permutations(range(3)))
def test_neither_the_order_of_seeds_nor_that_of_rows_matters(
    scores: np.ndarray, seeds: list[int], rows: list[int]
) -> None:
    np.testing.assert_array_equal(fallen_apart(scores[rows][:, seeds]), fallen_apart(scores)[rows])


@given(arrays(np.float64, (2, 3), elements=st.floats(0, 1)))
def test_a_training_that_is_not_there_changes_nothing(scores: np.ndarray) -> None:
    padded = np.concatenate([scores, np.full((2, 2), np.nan)], axis=1)
    np.testing.assert_array_equal(fallen_apart(padded), fallen_apart(scores))


@given(arrays(np.float64, (3, 4), elements=st.floats(0.5, 0.59)))
def test_seeds_within_nine_points_never_fall_apart(scores: np.ndarray) -> None:
    assert not fallen_apart(scores).any()


def test_equal_seeds_and_rows_without_any_are_not_flagged() -> None:
    assert not fallen_apart(np.full((2, 4), 0.7)).any()
    assert not fallen_apart(np.full((2, 4), np.nan)).any()


def test_the_rule_holds_the_widest_gap_against_the_usual_difference_of_two_seeds() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        angles = rng.normal(0.8, 0.02, (3, 4))
        angles[0, 0] -= rng.uniform(0, 0.5)
        usual = np.median([abs(a - b) for row in angles for a, b in combinations(row, 2)])
        gaps = [max(b - a for a, b in zip(sorted(row)[:-1], sorted(row)[1:], strict=True)) for row in angles]
        expected = [gap > GAP * usual and gap > LEAST_GAP for gap in gaps]
        assert fallen_apart(np.sin(angles) ** 2).tolist() == expected


def test_the_shares_of_the_groups_add_up_to_the_group_part() -> None:
    counts = World("any").counts((1, 1, 1), 30, np.random.default_rng(4))[0, 0]
    without = block(counts[None, None], F1).without[0, 0]
    shares_of_groups = carried(without, mean_estimate(counts, F1).error ** 2)
    assert shares_of_groups.sum() == pytest.approx(1)
    assert shares_of_groups.argmax() == np.abs(without - without.mean()).argmax()


def test_groups_carry_nothing_where_there_is_no_variance() -> None:
    assert carried(np.full(5, 0.4), np.float64(0)).tolist() == [0] * 5


def levels(seed: int, seeds: int, count: int = 2) -> Block:
    return block(World("any").counts((1, count, seeds), 40, np.random.default_rng(seed))[0][:, None], F1)


def test_levels_of_unlike_seeds_are_compared_as_levels_of_like_ones() -> None:
    both = levels(5, 4)
    expected = all_pairs([both])[0].estimate
    sides = [Block(both.values[[k]], both.without[[k]]) for k in range(2)]
    found = of_unlike_seeds(*sides)
    for part in ("value", "error", "freedom"):
        assert getattr(found, part) == pytest.approx(float(getattr(expected, part)))


def test_without_a_spread_over_groups_unlike_seeds_are_compared_as_welch_does() -> None:
    rng = np.random.default_rng(6)
    scores = [rng.uniform(0.4, 0.6, 6), rng.uniform(0.4, 0.6, 3)]
    sides = [Block(one[None, None], np.full((1, 1, 8), one.mean())) for one in scores]
    found = of_unlike_seeds(*sides)
    assert found.p_value() == pytest.approx(stats.ttest_ind(*scores, equal_var=False).pvalue)


def test_differences_to_a_reference_are_those_of_all_pairs_with_their_p() -> None:
    pairs = all_pairs([levels(7, 3, 4)])
    of_pair = {(one.first, one.second): one for one in pairs}
    for one in to_reference(pairs, 2):
        assert one.second == 2
        same = of_pair.get((one.first, 2)) or of_pair[2, one.first]
        assert one.p == same.p
        sign = 1 if same.second == 2 else -1
        assert one.estimate.value == pytest.approx(sign * float(same.estimate.value))
