"""Scores without anything to fit. Imported late: torch is at module level."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, log
from typing import Any, TypeAlias

import torch  # noqa: TID253 - imported only by builders, when a model is wanted
import torch.nn.functional as F  # noqa: TID253 - as above
from torch import nn  # noqa: TID253 - as above

BINS = 256
REACH = 16.0
"""Standard deviations of grey to either side of the mean that a threshold on grey can tell apart."""
SURE = 1e-4
"""A probability comes no nearer to 0 or 1."""
WIDER = 1.6
"""Ratio of the two scales for which a difference of Gaussians is nearest to their Laplacian (Marr and Hildreth)."""
HALF = 0.5
"""The filter's answer, in standard deviations of the training images, that has the probability one half."""

Odds: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


class Baseline(nn.Module):
    """Log-odds of "any defect" as a function of the images, shared evenly by the classes."""

    def __init__(self, classes: int, odds: Odds) -> None:
        super().__init__()
        self.classes, self.odds, self.output_stride = classes, odds, 1

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``float[N, C, h, w]`` to logits ``float32[N, 1 + K, h, w]``."""
        defect = self.odds(images.float()).unsqueeze(1)
        each = (defect - log(self.classes)).expand(-1, self.classes, -1, -1)
        return torch.cat([torch.zeros_like(defect), each], dim=1)


class Chosen(Baseline):
    """A baseline in several settings, by name; validation chooses one. Its number is all that there is to store."""

    choice: torch.Tensor

    def __init__(self, classes: int, settings: Mapping[str, Odds]) -> None:
        super().__init__(classes, next(iter(settings.values())))
        self.choices, self._odds = tuple(settings), tuple(settings.values())
        self.register_buffer("choice", torch.zeros((), dtype=torch.int64))
        self.register_load_state_dict_post_hook(_as_stored)  # type: ignore[no-untyped-call]  # torch

    def choose(self, number: int) -> None:
        """Answer as the setting of this number among ``choices`` does."""
        self.choice = torch.full_like(self.choice, number)
        self.odds = self._odds[number]


def _as_stored(model: Any, _keys: object) -> None:
    model.choose(int(model.choice))


def constant_odds(images: torch.Tensor, probability: float) -> torch.Tensor:
    """The same probability everywhere."""
    return torch.full_like(images[:, 0], log(probability / (1 - probability)))


def otsu_odds(images: torch.Tensor, sign: float, steepness: float) -> torch.Tensor:
    """Distance from the tile's own Otsu threshold, in standard deviations of the tile; flat tiles hold no defect."""
    grey = images.mean(dim=1)
    spread = grey.std(dim=(1, 2), correction=0)[:, None, None]
    distance = sign * (grey - otsu_threshold(grey)[:, None, None]) / spread.clamp_min(1e-6)
    return torch.where(spread > 1e-6, steepness * distance, -10.0)


def contrast_odds(images: torch.Tensor, window: int, scale: float) -> torch.Tensor:
    """Log of the absolute difference from the mean of a window, which the border cuts off: p = d / (d + scale)."""
    grey = images.mean(dim=1, keepdim=True)
    around = F.avg_pool2d(grey, window, stride=1, padding=window // 2, count_include_pad=False)
    return ((grey - around).abs().squeeze(1) + 1e-6).log() - log(scale)


def grey_odds(images: torch.Tensor, sign: float, sigma: float) -> torch.Tensor:
    """Grey level, smoothed by a Gaussian: p rises in proportion to it, by 1/1000 in 0.032 standard deviations."""
    grey = smoothed(images.mean(dim=1, keepdim=True), sigma).squeeze(1)
    return (0.5 + sign * grey / (2 * REACH)).clamp(SURE, 1 - SURE).logit()


def top_hat_odds(images: torch.Tensor, sign: float, side: int) -> torch.Tensor:
    """What an opening with a square takes away; with a negative sign what a closing fills in."""
    grey = sign * images.mean(dim=1, keepdim=True)
    return answer_odds((grey - dilated(-dilated(-grey, side), side)).squeeze(1))


def difference_odds(images: torch.Tensor, sign: float, sigma: float) -> torch.Tensor:
    """How far a Gaussian mean lies above that of a wider one; with a negative sign below."""
    grey = images.mean(dim=1, keepdim=True)
    difference = smoothed(grey, sigma) - smoothed(grey, WIDER * sigma)
    return answer_odds((sign * difference).squeeze(1))


def answer_odds(answer: torch.Tensor) -> torch.Tensor:
    """Log-odds of a filter's answer d: p = d / (d + 1/2) where it is positive, else nearly 0."""
    return (answer.clamp_min(0) + SURE * HALF).log() - log(HALF)


def smoothed(grey: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian mean of ``float32[N, 1, h, w]``, cut off at three sigma, the edge repeated; sigma 0 changes nothing."""
    radius = ceil(3 * sigma)
    if not radius:
        return grey
    steps = torch.arange(-radius, radius + 1, device=grey.device, dtype=torch.float32)
    weights = (-0.5 * (steps / sigma) ** 2).exp()
    weights = weights / weights.sum()
    padded = F.pad(grey, (radius, radius, radius, radius), mode="replicate")
    rows = F.conv2d(padded, weights.reshape(1, 1, -1, 1))
    return F.conv2d(rows, weights.reshape(1, 1, 1, -1))


def dilated(grey: torch.Tensor, side: int) -> torch.Tensor:
    """Largest value in a square of an odd side around each pixel, cut off at the border."""
    rows = F.max_pool2d(grey, (side, 1), stride=1, padding=(side // 2, 0))
    return F.max_pool2d(rows, (1, side), stride=1, padding=(0, side // 2))


def otsu_threshold(grey: torch.Tensor) -> torch.Tensor:
    """Grey level of each ``[h, w]`` of ``float32[N, h, w]`` that maximises the variance between the two sides.

    Otsu 1979, on 256 equal bins between the tile's darkest and brightest pixel; the level is the border
    above the last bin of the dark side.
    """
    flat = grey.flatten(1)
    low, high = flat.amin(dim=1, keepdim=True), flat.amax(dim=1, keepdim=True)
    width = (high - low).clamp_min(1e-12) / BINS
    bins = ((flat - low) / width).floor().clamp(0, BINS - 1).long()
    counts = torch.zeros(len(flat), BINS, dtype=torch.int64, device=flat.device)
    counts.scatter_add_(1, bins, torch.ones_like(bins))
    level = torch.arange(BINS, device=flat.device)
    dark = counts.cumsum(1).double() / flat.shape[1]  # whole numbers add up alike in any order
    moment = (counts * level).cumsum(1).double() / flat.shape[1]
    bright = 1 - dark
    between = (moment[:, -1:] * dark - moment) ** 2 / (dark * bright).clamp_min(1e-12)
    last = between[:, :-1].argmax(dim=1, keepdim=True)
    return (low + (last + 1) * width).squeeze(1).to(grey.dtype)
