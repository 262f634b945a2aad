"""The reference load: one small convolution, always the same, that tells how fast the machine is just now."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.train.device import synchronise
from bench.train.forward import place

if TYPE_CHECKING:
    import torch

SHAPES = {"cpu": (1, 32, 128), "cuda": (16, 64, 256)}
"""Batch, channels and side by kind of device: 0.3 and 77 GFLOP, some milliseconds on any of its kind."""


class Reference:
    """A convolution of 3 x 3 in float32 on a device, with as many threads as are set."""

    def __init__(self, device: torch.device) -> None:
        import torch

        batch, channels, side = SHAPES[device.type]
        generator = torch.Generator().manual_seed(0)
        shape = batch, channels, side, side
        images = torch.rand(shape, generator=generator).to(device, memory_format=torch.channels_last)
        layer = torch.nn.Conv2d(channels, channels, 3, padding=1)
        torch.nn.init.constant_(layer.weight, 1 / (9 * channels))
        placed = place(layer, device)
        self._device = device
        self._work: Callable[[], object] = torch.inference_mode()(lambda: placed(images))

    def seconds(self, times: int) -> float:
        """Seconds that it takes, as the mean of so many times in a row."""
        started = time.perf_counter()
        for _ in range(times):
            self._work()
        synchronise(self._device)
        return (time.perf_counter() - started) / times
