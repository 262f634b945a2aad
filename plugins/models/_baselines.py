"""Scores without anything to fit. Imported late: torch is at module level."""

from __future__ import annotations

from math import log

import torch  # noqa: TID253 - imported only by builders, when a model is wanted
import torch.nn.functional as F  # noqa: TID253 - as above
from torch import nn  # noqa: TID253 - as above

BINS = 256


def as_logits(defect: torch.Tensor, classes: int) -> torch.Tensor:
    """Map the log-odds of "any defect" ``[N, h, w]`` to logits ``[N, 1 + K, h, w]``, shared evenly by the classes."""
    each = (defect - log(classes)).unsqueeze(1).expand(-1, classes, -1, -1)
    return torch.cat([torch.zeros_like(defect).unsqueeze(1), each], dim=1)


class Constant(nn.Module):
    """The same probability everywhere."""

    def __init__(self, classes: int, probability: float) -> None:
        super().__init__()
        self.classes, self.odds, self.output_stride = classes, log(probability / (1 - probability)), 1

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``float[N, C, h, w]`` to ``float32[N, 1 + K, h, w]``."""
        grey = images[:, 0].float()
        return as_logits(torch.full_like(grey, self.odds), self.classes)


class Otsu(nn.Module):
    """Distance from the tile's own Otsu threshold, in standard deviations of the tile."""

    def __init__(self, classes: int, sign: float, steepness: float) -> None:
        super().__init__()
        self.classes, self.sign, self.steepness, self.output_stride = classes, sign, steepness, 1

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``float[N, C, h, w]`` to ``float32[N, 1 + K, h, w]``; a tile of one grey level holds no defect."""
        grey = images.float().mean(dim=1)
        spread = grey.std(dim=(1, 2), correction=0)[:, None, None]
        distance = self.sign * (grey - otsu_threshold(grey)[:, None, None]) / spread.clamp_min(1e-6)
        return as_logits(torch.where(spread > 1e-6, self.steepness * distance, -10.0), self.classes)


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


class LocalContrast(nn.Module):
    """Log of the absolute difference from the mean of a window: p = d / (d + scale)."""

    def __init__(self, classes: int, window: int, scale: float) -> None:
        super().__init__()
        self.classes, self.window, self.scale, self.output_stride = classes, window, scale, 1

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map ``float[N, C, h, w]`` to ``float32[N, 1 + K, h, w]``; at the border the window is cut off."""
        grey = images.float().mean(dim=1, keepdim=True)
        around = F.avg_pool2d(grey, self.window, stride=1, padding=self.window // 2, count_include_pad=False)
        contrast = (grey - around).abs().squeeze(1)
        return as_logits((contrast + 1e-6).log() - log(self.scale), self.classes)
