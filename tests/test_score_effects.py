"""Marginal means and interactions against plain sums over the cells."""

from __future__ import annotations

import numpy as np
import pytest

from bench.scores import F1
from bench.statistics.comparisons import against_reference
from bench.statistics.effects import interaction, marginal_means
from bench.statistics.estimates import Block, block
from studies.worlds import World


def scores_of(seed: int = 0, levels: int = 3, contexts: int = 4, seeds: int = 3, groups: int = 25) -> Block:
    counts = World("any").counts((contexts, levels, seeds), groups, np.random.default_rng(seed))
    return block(np.swapaxes(counts, 0, 1), F1)


def test_a_marginal_mean_is_the_plain_mean_over_contexts_and_seeds() -> None:
    one = scores_of()
    np.testing.assert_allclose([m.value for m in marginal_means([one])], one.values.mean(axis=(1, 2)))


def test_contexts_of_several_data_sets_count_equally() -> None:
    first, second = scores_of(contexts=1), scores_of(1, contexts=3, groups=40)
    expected = np.concatenate([first.values.mean(axis=2), second.values.mean(axis=2)], axis=1).mean(axis=1)
    np.testing.assert_allclose([m.value for m in marginal_means([first, second])], expected)


def test_a_difference_of_levels_is_the_mean_of_the_differences_inside_contexts() -> None:
    one = scores_of()
    found = against_reference([one], 0)[1].estimate
    assert found.value == pytest.approx((one.values[2] - one.values[0]).mean())


def test_deviations_of_an_interaction_add_up_to_nothing() -> None:
    one = scores_of()
    found = interaction([one], [[np.arange(4) == k] for k in range(4)], 0)
    for level in (1, 2):
        assert sum(d.deviation.value for d in found if d.level == level) == pytest.approx(0)


def test_effects_inside_a_level_of_the_other_axis_are_those_of_its_contexts_alone() -> None:
    one = scores_of()
    found = interaction([one], [[np.array([True, False, True, False])], [np.array([False, True, False, True])]], 0)
    alone = Block(one.values[:, [0, 2]], one.without[:, [0, 2]])
    expected = against_reference([alone], 0)[0].estimate
    assert (found[0].level, found[0].other) == (1, 0)
    assert found[0].effect.value == pytest.approx(float(expected.value))
    assert found[0].effect.error == pytest.approx(float(expected.error))


def test_of_two_levels_of_the_other_axis_both_deviate_alike_and_count_once() -> None:
    one = scores_of(levels=2, contexts=2)
    first, second = interaction([one], [[np.arange(2) == k] for k in range(2)], 0)
    assert first.deviation.value == pytest.approx(-second.deviation.value)
    assert first.p == second.p == pytest.approx(float(first.deviation.p_value()))


def test_a_planted_interaction_is_found_and_the_level_that_has_it_is_named() -> None:
    world = World("clear", seed_sd=0.05, group_sd=0.4, both_sd=0.1)
    rng = np.random.default_rng(3)
    plain = world.counts((2, 2, 5), 80, rng)
    strange = world.counts((1, 2, 5), 80, rng, better=1.5)
    one = block(np.swapaxes(np.concatenate([plain, strange]), 0, 1), F1)
    found = interaction([one], [[np.arange(3) == k] for k in range(3)], 0)
    assert found[2].p < 0.05
    assert found[2].deviation.value == pytest.approx(2 / 3 * (world.truth(1.5) - world.truth()), rel=0.35)


def test_seeds_that_all_models_share_do_not_average_out() -> None:
    one = scores_of(contexts=1, seeds=3)
    fourfold = Block(np.repeat(one.values, 4, axis=1), np.repeat(one.without, 4, axis=1))
    alone, together = marginal_means([one])[0], marginal_means([fourfold])[0]
    assert together.error == pytest.approx(float(alone.error))
