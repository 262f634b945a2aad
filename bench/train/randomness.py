"""Seeds for one purpose each, and torch's global generators borrowed and given back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    import torch

    M = TypeVar("M", bound=torch.nn.Module)

INITIAL_WEIGHTS, ORDER, DROPOUT, AUGMENT = 1, 2, 3, 4
"""Purposes of randomness in one training; each has its own stream."""


def stream(seed: int, purpose: int) -> int:
    """A 63-bit seed for one purpose: streams of one seed are independent."""
    return int(np.random.default_rng([seed, purpose]).integers(2**63))


@contextmanager
def borrowed(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators of the CPU and the device inside the block; restore them after."""
    import torch

    on_cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_cuda else []):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also touch other devices
        if on_cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def initialised(build: Callable[[], M], seed: int) -> M:
    """Build a model on the CPU with weights that depend on the seed alone."""
    import torch

    with borrowed(stream(seed, INITIAL_WEIGHTS), torch.device("cpu")):
        return build()
