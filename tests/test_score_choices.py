"""The interval that includes the choice of the threshold, in worlds where validation chooses it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.scores import F1
from studies.choices import CHOOSERS, GRID, HEAD, Chooser, Covered, choices_lines, chosen, coverage
from studies.worlds import World

BAR = 0.93
WORLDS = 300


@pytest.mark.parametrize(("validation", "groups", "seeds"), [(12, 150, 3), (60, 150, 5)])
@pytest.mark.parametrize("chooser", [CHOOSERS[0], CHOOSERS[4]], ids=lambda chooser: chooser.world.name)
def test_the_interval_with_the_choice_covers_what_it_says(
    chooser: Chooser, validation: int, groups: int, seeds: int
) -> None:
    found = coverage(chooser, validation, groups, seeds, WORLDS, np.random.default_rng(1))
    covered, width = found.rechosen
    assert stats.binom.cdf(round(covered * WORLDS), WORLDS, BAR) > 1e-3
    assert covered >= found.fixed[0]
    assert width > found.fixed[1]


def test_where_few_validation_groups_choose_the_threshold_held_fixed_does_not_cover_and_chosen_anew_does() -> None:
    world = World("few choose", seed_sd=0.1, defective=0.3, false=0.075)
    found = coverage(Chooser(world, steep=1.5), 12, 400, 3, WORLDS, np.random.default_rng(2))
    assert stats.binom.cdf(round(found.fixed[0] * WORLDS), WORLDS, BAR) < 1e-3
    assert stats.binom.cdf(round(found.rechosen[0] * WORLDS), WORLDS, BAR) > 1e-3


@pytest.mark.parametrize("steep", [0.5, 1.5])
def test_unlimited_groups_are_what_many_groups_come_to(steep: float) -> None:
    chooser, rng = Chooser(World("one seed", seed_sd=0.0), steep), np.random.default_rng(0)
    of_seed = np.full((1, 1), 0.4)
    many = F1.value(sum(chooser.counts(of_seed, 20_000, rng).sum(axis=(0, 1, 2)) for _ in range(5)))
    exact = chooser.world.pooled_f1(0.4 - GRID, 0.4 + 2 * steep * GRID)
    assert np.abs(many - exact).max() < 0.02
    assert many[chosen(exact_counts(exact))] == pytest.approx(many.max(), abs=0.01)


def exact_counts(f1: np.ndarray) -> np.ndarray:
    """Counts whose F1 is this at every threshold."""
    found = f1 / (2 - f1)
    none = np.zeros_like(f1)
    return np.stack([found, 1 - found, none, none], axis=-1)


def test_a_line_of_the_table_says_coverage_and_width() -> None:
    row = Covered("w", 12, 50, 3, (0.9312, 0.2), (0.9549, 0.254))
    assert choices_lines([row]) == [["w", "12", "50", "3", "93.1 (20)", "95.5 (25)"]]
    assert len(HEAD) == 6
