"""Tiles of a whole image on a device: what :mod:`bench.crops.tiles` does, in few operations and to the same bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench.train.resident import on_device, plain

if TYPE_CHECKING:
    import torch


def cut(image: torch.Tensor, corners: npt.NDArray[np.int32], size: int) -> torch.Tensor:
    """Copy the tiles of ``[H, W, C]`` at ``int32[T, 2]`` corners into ``[T, size, size, C]``."""
    import torch

    side = torch.arange(size, device=image.device)
    places = on_device(corners.astype(np.int64), image.device)[:, :, None] + side
    return plain(image)[places[:, 0, :, None], places[:, 1, None, :]].view(image.dtype)


def stitch(answers: torch.Tensor, corners: npt.NDArray[np.int32], height: int, width: int) -> torch.Tensor:
    """Average ``float32[T, K, h, w]`` of a whole grid, row by row, into ``float32[K, height, width]``.

    Every pixel takes the running mean of its tiles in their order, as on the host: first all pixels their first tile,
    then those that have another their second, a handful of operations whatever the number of tiles.
    """
    import torch

    device, (_, planes, *size) = answers.device, answers.shape
    rows, columns = np.unique(corners[:, 0]), np.unique(corners[:, 1])
    grid = answers.view(len(rows), len(columns), planes, *size)
    mean = torch.zeros((height, width, planes), device=device)
    seen = torch.zeros((height, width, 1), device=device)
    for down in _layers(rows, size[0], height, device):
        for right in _layers(columns, size[1], width, device):
            here = (down.covered[:, None] & right.covered)[:, :, None]
            seen += here
            answer = grid[down.tile[:, None], right.tile, :, down.place[:, None], right.place]
            mean += torch.where(here, (answer - mean) / seen, 0)
    return mean.permute(2, 0, 1).contiguous()


@dataclass(frozen=True, slots=True)
class _Layer:
    """The i-th tile over every pixel of one direction: its number, the pixel's place in it, whether there is one."""

    tile: torch.Tensor
    place: torch.Tensor
    covered: torch.Tensor


def _layers(starts: npt.NDArray[np.int32], size: int, length: int, device: torch.device) -> list[_Layer]:
    pixel = np.arange(length)
    first = np.searchsorted(starts, pixel - size, side="right")
    last = np.searchsorted(starts, pixel, side="right") - 1
    layers = []
    for number in range(int((last - first).max()) + 1):
        tile = np.minimum(first + number, last)
        known = on_device(np.stack([tile, pixel - starts[tile], first + number <= last]), device)
        layers.append(_Layer(known[0], known[1], known[2].bool()))
    return layers
