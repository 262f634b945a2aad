"""Whole images by overlapping tiles, stitched on the image's own grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from bench.crops import tiles
from bench.train.forward import Normalise, forward, normalisation, precise
from bench.types import Float32, Image

if TYPE_CHECKING:
    import torch


def predict_image(
    model: torch.nn.Module,
    image: Image,
    *,
    mean: npt.ArrayLike,
    std: npt.ArrayLike,
    size: int,
    overlap: float,
    batch: int,
    precision: Literal["float32", "bf16"],
    device: torch.device,
) -> Float32:
    """Map ``[H, W, C]`` to probabilities ``float32[1 + K, H, W]`` that sum to 1 over the first axis.

    ``size`` is the tile's side and ``overlap`` the share of it that neighbours have in common; where tiles
    overlap, the mean of their probabilities counts. The model must already be on the device.
    """
    height, width = image.shape[:2]
    padded, _ = tiles.pad(image, np.zeros((height, width), np.uint8), size)
    corners = tiles.grid(padded.shape[0], padded.shape[1], size, overlap)
    pixels = tiles.cut(padded, corners, size)
    answers = _answers(model, pixels, normalisation(mean, std, device), batch, precision, device)
    return tiles.stitch(answers, corners, height, width)


def _answers(
    model: torch.nn.Module,
    pixels: Image,
    normalise: Normalise,
    batch: int,
    precision: Literal["float32", "bf16"],
    device: torch.device,
) -> Float32:
    """Map ``[T, h, w, C]`` to softmax probabilities ``float32[T, 1 + K, h, w]``, batch by batch."""
    import torch

    model.eval()
    answers = []
    with torch.inference_mode(), precise(precision, device):
        for chosen in torch.split(torch.from_numpy(pixels), batch):
            logits = forward(model, normalise(chosen.to(device, non_blocking=True)))
            answers.append(logits.softmax(dim=1).cpu())
    return torch.cat(answers).numpy()
