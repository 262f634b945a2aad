"""Validation during training: loss and pooled F1 over every valid validation pixel once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.score.metrics import swept
from bench.score.thresholds import STEPS, best_index
from bench.train.delivery import Delivery, in_order
from bench.train.forward import Normalise, forward, precise, targets_of
from bench.types import IGNORED, Choosing, Task

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Validator:
    """Fixed tiles and how to look at them; each valid pixel of the split is valid in exactly one tile."""

    tiles: Delivery
    device: torch.device
    normalise: Normalise
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    task: Task
    batch: int
    precision: Literal["float32", "bf16"]

    def __call__(self, model: torch.nn.Module, pause: Callable[[], None] | None = None) -> tuple[float, float, float]:
        """Loss, pooled F1 and its threshold; the model is left in evaluation mode. ``pause`` is called between batches.

        The loss is the mean of the batches' training losses, each weighted by its valid pixels: exactly the
        mean over pixels for cross-entropy; for Dice the mean over these fixed batches.
        """
        import torch

        model.eval()
        device = self.device
        total = torch.zeros(2, dtype=torch.float64, device=device)
        counts = torch.zeros(2 * (STEPS + 1), dtype=torch.int64, device=device)
        with torch.inference_mode():
            for images, masks in self.tiles.batches(in_order(len(self.tiles), self.batch)):
                with precise(self.precision, device):
                    logits = forward(model, self.normalise(images))
                targets = targets_of(masks, self.task)
                weight = (targets != IGNORED).sum()
                total += torch.stack((self.loss(logits, targets) * weight, weight)).double()
                counts += histogram(1 - logits.softmax(dim=1)[:, 0], targets)
                if pause is not None:
                    pause()
        read = torch.cat((total, counts.double())).cpu().numpy()  # at once: every reading waits for the device
        loss, weight = read[:2].tolist()
        outside, inside = read[2:].astype(np.int64).reshape(2, -1)
        index, f1 = best_index(swept(inside, outside))
        return loss / max(weight, 1), f1, index / STEPS


def choose_setting(model: torch.nn.Module, validate: Validator) -> str | None:
    """Try every setting of a model that leaves it open and keep the best, in words; None of any other model."""
    if not isinstance(model, Choosing):
        return None
    scores = []
    for number in range(len(model.choices)):
        model.choose(number)
        _, f1, _ = validate(model)
        scores.append(f1)
    best = scores.index(max(scores))
    model.choose(best)
    return model.choices[best]


def histogram(probability: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Pixels by truth and bin, ``int64[2 * 1001]``: first not defect, then any defect; 255 is left out.

    Probabilities that are not finite are left out too: the loss tells of them. The bin of p is the number of k in
    1..1000 with ``p >= float32(k / 1000)``: with j the grid point nearest to p it is j or j - 1.
    """
    import torch

    nearest = (probability * STEPS + 0.5).floor()
    bins = nearest.int() - (probability < nearest / STEPS).int()
    valid = (targets != IGNORED) & probability.isfinite()
    left_out = 2 * (STEPS + 1)  # a bin of its own: to select the valid pixels would wait until they are counted
    bins = torch.where(valid, bins + (STEPS + 1) * (targets > 0).int(), left_out).flatten()
    if bins.is_cuda:  # where bincount waits for the largest bin, and histc of floats is not deterministic
        return bins.histc(left_out + 1, min=0, max=left_out + 1)[:left_out].long()
    return bins.bincount(minlength=left_out + 1)[:left_out]
