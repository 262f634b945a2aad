"""Scores without anything to fit. Imported late: torch is at module level."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import torch  # noqa: TID253 - imported only by builders, when a model is wanted
import torch.nn.functional as F  # noqa: TID253 - as above
from torch import nn  # noqa: TID253 - as above

BINS = 256


class Baseline(nn.Module):
    """Log-odds of "any defect" as a function of the images, shared evenly by the classes."""

    def __init__(self, classes: int, odds: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.classes, self.odds, self.output_stride = classes, odds, 1

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``float[N, C, h, w]`` to logits ``float32[N, 1 + K, h, w]``."""
        defect = self.odds(images.float()).unsqueeze(1)
        each = (defect - log(self.classes)).expand(-1, self.classes, -1, -1)
        return torch.cat([torch.zeros_like(defect), each], dim=1)


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


def otsu_threshold(grey: torch.Tensor) -> torch.Tensor:
    """Grey level of each ``[h, w]`` of ``float32[N, h, w]`` that maximises the variance between the two sides.

    Otsu 1979, on 256 equal bins between the tile's darkest and brightest pixel; the level is the border
    above the last bin of the dark side.
    """
    flat = grey.flatten(1)
    low, high = flat.amin(dim=1, keepdim=True), flat.amax(dim=1, keepdim=True)
    width = (high - low).clamp_min(1e-12) / BINS
    bins = ((flat - low) / width).floor().clamp(0, BINS - 1).long()
    counts = torch.zeros(len(flat), BINS, dtype=torch.float64, device=flat.device)
    counts.scatter_add_(1, bins, torch.ones_like(flat, dtype=torch.float64))
    share = counts / flat.shape[1]
    level = torch.arange(BINS, dtype=torch.float64, device=flat.device)
    dark, moment = share.cumsum(1), (share * level).cumsum(1)
    bright = 1 - dark
    between = (moment[:, -1:] * dark - moment) ** 2 / (dark * bright).clamp_min(1e-12)
    last = between[:, :-1].argmax(dim=1, keepdim=True)
    return (low + (last + 1) * width).squeeze(1).to(grey.dtype)
