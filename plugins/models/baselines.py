"""Baselines with nothing to fit: the floor that a trained model must leave behind."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Literal

from bench.api import About, Component, SettingsError, Task, hookimpl

if TYPE_CHECKING:
    from torch import nn


def constant(task: Task, /, *, probability: float = 0.5) -> nn.Module:
    """The same probability for every pixel: at the chosen threshold, all positive.

    Raises:
        SettingsError: ``probability`` is not between 0 and 1.
    """
    from ._baselines import Baseline, constant_odds

    if not 0 < probability < 1:
        raise SettingsError(f"constant: probability must lie between 0 and 1, got {probability}")
    return Baseline(task.classes, partial(constant_odds, probability=probability))


def otsu(task: Task, /, *, foreground: Literal["bright", "dark"] = "bright", steepness: float = 2.0) -> nn.Module:
    """Distance of the grey level (mean of the channels) from the tile's own Otsu threshold.

    ``p = 1 / (1 + exp(-steepness * d))`` with d in standard deviations of the tile: p > 0.5 is Otsu's own cut.

    Raises:
        SettingsError: ``steepness`` is not positive.
    """
    from ._baselines import Baseline, otsu_odds

    if steepness <= 0:
        raise SettingsError(f"otsu: steepness must be positive, got {steepness}")
    sign = 1.0 if foreground == "bright" else -1.0
    return Baseline(task.classes, partial(otsu_odds, sign=sign, steepness=steepness))


def local_contrast(task: Task, /, *, window: int = 15, scale: float = 0.25) -> nn.Module:
    """Absolute difference d from the mean of a square window: ``p = d / (d + scale)``.

    ``scale`` is in standard deviations of the training images; ``window`` is a side in pixels, odd.

    Raises:
        SettingsError: ``window`` is even or below 3, or ``scale`` is not positive.
    """
    from ._baselines import Baseline, contrast_odds

    if window < 3 or window % 2 == 0:
        raise SettingsError(f"local-contrast: window must be odd and at least 3, got {window}")
    if scale <= 0:
        raise SettingsError(f"local-contrast: scale must be positive, got {scale}")
    return Baseline(task.classes, partial(contrast_odds, window=window, scale=scale))


@hookimpl
def bench_models() -> Iterable[Component[nn.Module]]:
    """``constant``, ``otsu`` and ``local-contrast``."""
    yield Component("constant", constant, about=About("one probability everywhere; nothing to fit"), learns=False)
    yield Component(
        "otsu",
        otsu,
        about=About(
            "grey level against the tile's own Otsu threshold; nothing to fit",
            citation="Otsu: A threshold selection method from gray-level histograms, IEEE Trans. SMC 9(1), 1979",
        ),
        learns=False,
    )
    yield Component(
        "local-contrast",
        local_contrast,
        about=About("difference from the local mean grey level; nothing to fit"),
        learns=False,
    )
