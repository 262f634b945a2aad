"""E, read off the validation-loss curve."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.train.convergence import MINIMUM, convergence_epoch


def curve(*losses: float) -> tuple[list[int], list[float]]:
    return [5 * (i + 1) for i in range(len(losses))], list(losses)


def test_a_curve_that_falls_and_then_stands_still_converged_where_it_stopped_falling():
    falling = [2.0 - 0.1 * i for i in range(15)]
    epochs, losses = curve(*falling, *[falling[-1]] * 30)
    assert convergence_epoch(epochs, losses) == 5 * 16  # the median of three lags one validation


def test_a_curve_that_keeps_falling_has_not_converged():
    epochs, losses = curve(*(0.99**i for i in range(200)))
    assert convergence_epoch(epochs, losses) is None


def test_a_fall_slower_than_the_slope_over_the_patience_is_standing_still():
    epochs, losses = curve(*(1.0 - 0.00005 * i for i in range(60)))
    assert convergence_epoch(epochs, losses) == 5


def test_fewer_validations_than_the_minimum_never_converge():
    epochs, losses = curve(*[1.0] * (MINIMUM - 1))
    assert convergence_epoch(epochs, losses) is None
    assert convergence_epoch(*curve(*[1.0] * MINIMUM)) == 5


def test_a_single_lucky_validation_is_not_progress():
    losses = [1.0 / (1 + i) for i in range(12)] + [0.08] * 30
    lucky = [*losses]
    lucky[25] = 1e-3
    assert convergence_epoch(*curve(*lucky)) == convergence_epoch(*curve(*losses))


def test_an_overfitting_curve_converged_at_its_bottom():
    losses = [*np.linspace(2, 1, 12), *np.linspace(1, 3, 30)]
    assert convergence_epoch(*curve(*losses)) in (5 * 12, 5 * 13)


@given(st.lists(st.floats(0.01, 10), min_size=0, max_size=80), st.integers(1, 60))
def test_what_comes_after_convergence_does_not_change_it(losses, more):
    """So stopping there and training on give the same E."""
    epochs, losses = curve(*losses)
    answer = convergence_epoch(epochs, losses)
    longer = convergence_epoch(*curve(*losses, *[0.001] * more))
    assert answer is None or answer == longer
    assert answer is None or answer in epochs


@given(st.lists(st.floats(0.01, 10), max_size=60), st.floats(0.1, 10))
def test_the_unit_of_the_loss_does_not_matter_for_powers_of_two(losses, factor):
    scale = 2.0 ** round(np.log2(factor))
    epochs, losses = curve(*losses)
    assert convergence_epoch(epochs, losses) == convergence_epoch(epochs, [scale * loss for loss in losses])
