"""What the scheduler lets this worker use: a device and a number of threads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench.train.device import choose_device, settle

if TYPE_CHECKING:
    import torch


def threads() -> int:
    """Threads this worker may use."""
    return int(os.environ.get("BENCH_THREADS", "1"))


def device() -> torch.device:
    """The device of this worker, with torch set up for it: threads, determinism."""
    settle(threads())
    return choose_device(os.environ.get("BENCH_DEVICE"))
