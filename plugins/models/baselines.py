"""Baselines with nothing to fit: the floor that a trained model must leave behind.

Where a baseline depends on whether defects are bright or dark, or on their scale, validation chooses: the core tries
its ``choices`` on the validation tiles and keeps the one of best pooled F1 (:class:`bench.api.Choosing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Literal

from bench.api import About, Component, SettingsError, Task, hookimpl

if TYPE_CHECKING:
    import torch
    from torch import nn

    Odds = Callable[..., torch.Tensor]

SIGNS = {"bright": 1.0, "dark": -1.0}


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
    return Baseline(task.classes, partial(otsu_odds, sign=SIGNS[foreground], steepness=steepness))


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


def grey_threshold(task: Task, /) -> nn.Module:
    """One threshold on the grey level (mean of the channels) for all images; bright or dark is chosen."""
    from ._baselines import grey_odds

    return _chosen(task, {sign: partial(grey_odds, sign=value, sigma=0.0) for sign, value in SIGNS.items()})


def smoothed_threshold(task: Task, /, *, sigmas: Sequence[float] = (1.0, 2.0, 4.0)) -> nn.Module:
    """One threshold on the grey level after a Gaussian mean; bright or dark and its width are chosen.

    ``sigmas`` are standard deviations of the Gaussian in pixels.

    Raises:
        SettingsError: there is no sigma, or one is not positive.
    """
    from ._baselines import grey_odds

    _check_positive("smoothed-threshold", "sigmas", sigmas)
    return _chosen(task, _crossed(grey_odds, "sigma", sigmas))


def top_hat(task: Task, /, *, sides: Sequence[int] = (5, 11, 21, 41)) -> nn.Module:
    """What is narrower than a square and brighter (white) or darker (black) than around; both and the side are chosen.

    ``sides`` are those of the square in pixels, odd.

    Raises:
        SettingsError: there is no side, or one is even or below 3.
    """
    from ._baselines import top_hat_odds

    if not sides or any(side < 3 or side % 2 == 0 for side in sides):
        raise SettingsError(f"top-hat: sides must be odd and at least 3, got {list(sides)}")
    return _chosen(task, _crossed(top_hat_odds, "side", sides))


def difference_of_gaussians(task: Task, /, *, sigmas: Sequence[float] = (1.0, 2.0, 4.0, 8.0)) -> nn.Module:
    """Gaussian mean less one 1.6 times as wide: bright or dark blobs and lines; both and the width are chosen.

    ``sigmas`` are standard deviations of the narrower Gaussian in pixels.

    Raises:
        SettingsError: there is no sigma, or one is not positive.
    """
    from ._baselines import difference_odds

    _check_positive("difference-of-gaussians", "sigmas", sigmas)
    return _chosen(task, _crossed(difference_odds, "sigma", sigmas))


def _check_positive(model: str, setting: str, values: Sequence[float]) -> None:
    if not values or min(values) <= 0:
        raise SettingsError(f"{model}: {setting} must be positive, got {list(values)}")


def _crossed(odds: Odds, setting: str, scales: Sequence[float]) -> dict[str, Odds]:
    """``bright, sigma 2`` to the log-odds with that sign and scale, of all signs and scales."""
    settings: dict[str, Odds] = {}
    for (word, sign), scale in product(SIGNS.items(), scales):
        settings[f"{word}, {setting} {scale:g}"] = partial(odds, sign=sign, **{setting: scale})
    return settings


def _chosen(task: Task, settings: dict[str, Odds]) -> nn.Module:
    from ._baselines import Chosen

    return Chosen(task.classes, settings)


CHOSEN: dict[Callable[..., nn.Module], str] = {
    grey_threshold: "one grey threshold for all images; validation chooses bright or dark",
    smoothed_threshold: "one threshold on smoothed grey; validation chooses bright or dark, and how smooth",
    top_hat: "white and black top-hat; validation chooses which, and the side of the square",
    difference_of_gaussians: "bright and dark difference of Gaussians; validation chooses which, and the scale",
}
"""Builders whose models are baselines in several settings, and their summaries."""


@hookimpl
def bench_models() -> Iterable[Component[nn.Module]]:
    """One threshold for all images or for each tile, and filters that answer to what stands out."""
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
    for builder, summary in CHOSEN.items():
        yield Component(builder.__name__.replace("_", "-"), builder, about=About(summary), learns=False)
