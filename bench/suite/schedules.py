"""Schedules of ``recipe.schedule``: the learning rate over the steps, without torch.

A schedule is a function ``(step, steps) -> share of recipe.learning_rate`` over the steps after the warm-up, step 0
first. Lengths are shares of ``steps``, so a suite keeps its shape under another budget. Where ``torch.optim`` has
the schedule, the values are those of its scheduler when stepped after every step.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import accumulate
from math import cos, pi
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from bench.component import Component, listed

Schedule: TypeAlias = Callable[[int, int], float]

Final = Annotated[float, Field(ge=0, le=1)]
Inside = Annotated[float, Field(gt=0, lt=1)]
Factor = Annotated[float, Field(gt=0, le=1)]


def constant() -> Schedule:
    """The same rate from the warm-up to the end."""
    return lambda _step, _steps: 1.0


def cosine(*, final: Final = 0.0) -> Schedule:
    """Half a cosine from 1 to ``final`` (Loshchilov and Hutter 2017; torch's CosineAnnealingLR)."""
    return lambda step, steps: final + (1 - final) * _half_cosine(_done(step, steps))


def linear(*, final: Final = 0.0) -> Schedule:
    """A straight line from 1 to ``final`` (torch's LinearLR)."""
    return lambda step, steps: 1 + (final - 1) * _done(step, steps)


def polynomial(*, power: Annotated[float, Field(gt=0)] = 0.9) -> Schedule:
    """``(1 - done) ** power``, ends at 0 (torch's PolynomialLR; 0.9 is DeepLab's)."""
    return lambda step, steps: float((1 - _done(step, steps)) ** power)


def step(*, every: Inside = 0.3, factor: Factor = 0.1) -> Schedule:
    """Times ``factor`` after each share ``every`` of the steps (torch's StepLR)."""
    return lambda step, steps: factor ** (step // max(1, round(every * steps)))


def multi_step(*, at: list[Inside] = [0.5, 0.75], factor: Factor = 0.1) -> Schedule:  # noqa: B006 - a settings default
    """Times ``factor`` at each of the shares ``at`` of the steps (torch's MultiStepLR)."""
    shares = tuple(at)
    return lambda step, steps: factor ** sum(step >= round(share * steps) for share in shares)


def exponential(*, final: Factor = 0.01) -> Schedule:
    """Times the same factor after every step, down to ``final`` (torch's ExponentialLR)."""
    return lambda step, steps: float(final ** _done(step, steps))


def one_cycle(
    *,
    rise: Inside = 0.3,
    start: Factor = 0.04,
    final: Final = 4e-6,
    shape: Literal["cosine", "linear"] = "cosine",
) -> Schedule:
    """Up from ``start`` to 1 over the share ``rise``, then down to ``final`` (Smith 2018; torch's OneCycleLR).

    torch's defaults: ``start`` is 1 / div_factor, ``final`` is start / final_div_factor. Momentum is not cycled.
    """

    def rate(step: int, steps: int) -> float:
        top, last = rise * steps - 1, steps - 1
        if step <= top:
            low, done = start, step / top if top > 0 else 1.0
        else:
            low, done = final, 1 - (step - top) / (last - top)
        return low + (1 - low) * (done if shape == "linear" else _half_cosine(1 - done))

    return rate


def cosine_restarts(
    *,
    cycles: Annotated[int, Field(gt=0, le=1000)] = 4,
    growth: Annotated[int, Field(gt=0, le=10)] = 1,
    final: Final = 0.0,
) -> Schedule:
    """``cycles`` half cosines from 1 to ``final``, each ``growth`` times as long as the one before.

    Loshchilov and Hutter 2017; torch's CosineAnnealingWarmRestarts.
    """
    lengths = [growth**number for number in range(cycles)]
    *starts, total = accumulate(lengths, initial=0)

    def rate(step: int, steps: int) -> float:
        place = step * total  # in whole numbers of 1 / steps: a restart is never a rounding error late
        cycle = bisect_right(starts, place // steps) - 1
        return final + (1 - final) * _half_cosine((place - starts[cycle] * steps) / (lengths[cycle] * steps))

    return rate


def _done(step: int, steps: int) -> float:
    """Share of the steps that lie behind."""
    return step / max(1, steps)


def _half_cosine(done: float) -> float:
    """From 1 to 0."""
    return 0.5 * (1 + cos(pi * done))


SCHEDULES: Mapping[str, Component[Schedule]] = listed(
    {
        constant: "the same rate from the warm-up to the end",
        cosine: "half a cosine down over the whole budget",
        linear: "a straight line down over the whole budget",
        polynomial: "(1 - done) to a power, down to 0",
        step: "a factor after each share of the budget",
        multi_step: "a factor at given shares of the budget",
        exponential: "the same factor after every step",
        one_cycle: "up and down once; the recipe's warm-up comes before it",
        cosine_restarts: "several half cosines, each from the top",
    }
)
"""Name to component, in the order of ``bench list schedules``."""
