"""Whole images by overlapping tiles, stitched on the image's own grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from bench.crops import tiles
from bench.train import device_tiles
from bench.train.device import synchronise
from bench.train.forward import Normalise, forward, normalisation, precise, resident
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
    overlap, the mean of their probabilities counts. The model must already be on the device. A GPU gets the image
    and gives the probabilities in one copy each; its tiles are cut and stitched there.
    """
    import torch

    height, width = image.shape[:2]
    padded, _ = tiles.pad(image, np.zeros((height, width), np.uint8), size)
    corners = tiles.grid(padded.shape[0], padded.shape[1], size, overlap)
    normalise = normalisation(mean, std, device)
    if device.type == "cpu":
        pixels = torch.from_numpy(tiles.cut(padded, corners, size))
        answers = _answers(model, pixels, normalise, batch, precision)
        return tiles.stitch(answers.numpy(), corners, height, width)
    pixels = device_tiles.cut(resident(padded, device), corners, size)
    answers = _answers(model, pixels, normalise, batch, precision)
    return on_host(device_tiles.stitch(answers, corners, height, width))


def _answers(
    model: torch.nn.Module,
    pixels: torch.Tensor,
    normalise: Normalise,
    batch: int,
    precision: Literal["float32", "bf16"],
) -> torch.Tensor:
    """Map ``[T, h, w, C]`` to softmax probabilities ``float32[T, 1 + K, h, w]``, batch by batch."""
    import torch

    model.eval()
    with torch.inference_mode(), precise(precision, pixels.device):
        return torch.cat([forward(model, normalise(chosen)).softmax(dim=1) for chosen in torch.split(pixels, batch)])


def on_host(probabilities: torch.Tensor) -> Float32:
    """The tensor in pinned memory, when all work on the device is done."""
    import torch

    host = torch.empty(probabilities.shape, pin_memory=probabilities.is_cuda)
    host.copy_(probabilities, non_blocking=True)
    synchronise(probabilities.device)
    return host.numpy()
