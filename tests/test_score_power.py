"""What a comparison could have found, against repetitions that were made one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.scores import F1
from bench.statistics.comparisons import ALPHA, FEWEST_SEEDS, family
from bench.statistics.estimates import Block, block
from bench.statistics.power import FOUND, Scatter, detectable, groups_for, mean_scatter, power, scatter_of, seeds_for
from studies.worlds import World

REPETITIONS = 100_000
WITHIN = 0.01
"""Six standard errors of a share of so many repetitions, and what the steps of the chi-squares leave."""


def found_by_repetition(difference: float, scatter: Scatter, seeds: int, members: int) -> float:
    """The share in which two rows of normal scores over groups of normal ease are told apart, by scipy's words."""
    rng = np.random.default_rng(7)
    rows = np.sqrt(scatter.seeds) * rng.normal(size=(scatter.sides, REPETITIONS, seeds))
    value = difference + rows.mean(axis=2).sum(axis=0)
    value += np.sqrt(scatter.groups) * rng.normal(size=REPETITIONS)
    of_seeds = rows.var(axis=2, ddof=1) / seeds
    of_groups = scatter.groups * rng.chisquare(scatter.freedom, REPETITIONS) / scatter.freedom
    variance = of_seeds.sum(axis=0) + of_groups
    freedom = variance**2 / ((of_seeds**2).sum(axis=0) / (seeds - 1) + of_groups**2 / scatter.freedom)
    p = 2 * stats.t.sf(np.abs(value) / np.sqrt(variance), freedom)
    return float(np.mean(p < ALPHA / members))


@pytest.mark.parametrize(
    ("scatter", "seeds", "members"),
    [
        (Scatter(0.02**2, 0.01**2, 40), 3, 4),
        (Scatter(0.02**2, 0.01**2, 40), 5, 10),
        (Scatter(0.02**2, 0.04**2, 10), 3, 1),
        (Scatter(0.005**2, 0.03**2, 6), 3, 4),
        (Scatter(0.04**2, 0.001**2, 60), 10, 2),
        (Scatter(0.01**2, 0.004**2, 29, sides=1), 3, 3),
        (Scatter(0.01**2, 0.004**2, 29, sides=1), 5, 1),
    ],
)
def test_the_difference_that_can_be_found_is_found_in_four_of_five_repetitions(
    scatter: Scatter, seeds: int, members: int
) -> None:
    difference = detectable(scatter, seeds, members)
    assert found_by_repetition(difference, scatter, seeds, members) == pytest.approx(FOUND, abs=WITHIN)
    half = found_by_repetition(difference / 2, scatter, seeds, members)
    assert power(difference / 2, scatter, seeds, members) == pytest.approx(half, abs=WITHIN)


def test_where_nothing_differs_the_share_found_is_the_error_of_the_step() -> None:
    scatter = Scatter(0.02**2, 0.02**2, 20)
    assert power(0, scatter, 5, 4) == pytest.approx(found_by_repetition(0, scatter, 5, 4), abs=WITHIN)
    assert power(0, scatter, 5, 4) < 1.3 * ALPHA / 4


def test_without_any_scatter_every_difference_is_found() -> None:
    still = Scatter(0.0, 0.0, 1.0)
    assert detectable(still, 3, 4) == 0
    assert seeds_for(0.05, still, 4) == FEWEST_SEEDS


scatters = st.builds(Scatter, st.floats(1e-6, 1e-2), st.floats(1e-6, 1e-2), st.floats(8, 100))


@settings(max_examples=15, deadline=None)
@given(scatters, st.integers(3, 12), st.integers(1, 20))
def test_more_seeds_more_groups_and_fewer_comparisons_never_find_less(
    scatter: Scatter, seeds: int, members: int
) -> None:
    """More groups where groups alone scatter: else they leave more weight to the few degrees of freedom of seeds."""
    slack = 0.03  # the same holds a little of seeds
    difference = detectable(scatter, seeds, members)
    assert power(difference, scatter, seeds + 1, members) >= FOUND - slack
    assert power(difference, scatter, seeds, members + 1) <= FOUND + slack
    still = replace(scatter, seeds=0.0)
    difference = detectable(still, seeds, members)
    assert power(difference, still.over(1.5), seeds, members) >= FOUND


@settings(max_examples=15, deadline=None)
@given(scatters, st.integers(1, 10))
def test_the_seeds_told_are_the_fewest_that_find_it(scatter: Scatter, members: int) -> None:
    seeds = seeds_for(0.05, scatter, members)
    if seeds is None:
        assert detectable(scatter, 1000, members) > 0.05 * (1 - 1e-4)
    else:
        assert power(0.05, scatter, seeds, members) >= FOUND
        assert seeds == FEWEST_SEEDS or power(0.05, scatter, seeds - 1, members) < FOUND


def test_no_number_of_seeds_mends_too_few_groups_and_no_number_of_groups_too_few_seeds() -> None:
    of_groups, of_seeds = Scatter(0.001**2, 0.05**2, 10), Scatter(0.05**2, 0.001**2, 10)
    assert seeds_for(0.05, of_groups, 4) is None
    assert seeds_for(0.05, of_seeds, 4) is not None
    assert groups_for(0.05, of_seeds, 3, 4, 20) is None
    more = groups_for(0.05, of_groups, 3, 4, 20)
    assert more is not None
    assert power(0.05, of_groups.over(more / 20), 3, 4) >= FOUND > power(0.05, of_groups.over((more - 1) / 20), 3, 4)


@pytest.mark.parametrize(("trainings", "sides"), [(None, 2), ((0, 0, 0), 1), ((0, 0, 2), 2)])
def test_the_scatter_is_that_of_the_difference_as_it_is_estimated(
    trainings: tuple[int, ...] | None, sides: int
) -> None:
    """One pair: its error is made of the scatter; several pairs: the means over them."""
    rng = np.random.default_rng(1)
    one = Block(rng.uniform(size=(3, 2, 4)), rng.uniform(size=(3, 2, 9)), trainings=trainings)
    seeds = one.values.shape[-1]
    of_seeds, of_groups = [], []
    for pair in ((1, 0), (2, 0)):
        scatter = scatter_of([one], [pair])
        (difference,) = family([one], [pair])
        assert scatter.sides * scatter.seeds / seeds + scatter.groups == pytest.approx(difference.estimate.error**2)
        of_seeds.append(scatter.sides * scatter.seeds)
        of_groups.append(scatter.groups)
    both = scatter_of([one], [(1, 0), (2, 0)])
    assert both.sides == sides
    assert both.sides * both.seeds == pytest.approx(np.mean(of_seeds))
    assert both.groups == pytest.approx(np.mean(of_groups))


@pytest.mark.parametrize(("groups", "seeds"), [(20, 3), (150, 3), (150, 5)])
def test_in_simulated_factories_a_difference_is_found_as_often_as_was_said(groups: int, seeds: int) -> None:
    world, better, worlds = World("balanced"), 0.8, 300
    counts = world.counts((worlds, 5, seeds), groups, np.random.default_rng(1), better=better)
    pairs = [(level, 0) for level in range(1, 5)]
    found = np.mean(family([block(counts[:, :, None], F1)], pairs)[-1].p < ALPHA)
    typical = mean_scatter([scatter_of([block(one[:, None], F1)], pairs) for one in counts[:60]])
    said = power(world.truth(better) - world.truth(), typical, seeds, len(pairs))
    assert said == pytest.approx(float(found), abs=0.1)
