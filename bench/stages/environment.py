"""What this worker may use: a device, threads that change no number, and threads of an operation, which do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench.train.device import choose_device, prove, settle, share_memory

if TYPE_CHECKING:
    import torch


def threads() -> int:
    """Threads this worker may decode, cut and score on; the results are the same for any number."""
    return int(os.environ.get("BENCH_THREADS", "1"))


def workers() -> int:
    """Workers that the run of this one has at once."""
    return int(os.environ.get("BENCH_WORKERS", "1"))


def spare_threads(device: torch.device, asked: int) -> int:
    """Threads that may read and score while a model predicts: on the CPU those that an operation leaves."""
    return max(0, threads() - operation_threads(asked)) if device.type == "cpu" else threads()


def operation_threads(asked: int) -> int:
    """Threads of one operation of torch: those that the recipe asks for, whatever cores are spare.

    Another number sums in another order and gives other bits. ``BENCH_OPERATION_THREADS`` is for repeating what an
    earlier version computed with spare cores.
    """
    return int(os.environ.get("BENCH_OPERATION_THREADS", asked))


def device(asked: int) -> torch.device:
    """The device of this worker, with torch set up for it: ``asked`` threads, determinism, a share of its memory."""
    settle(operation_threads(asked))
    chosen = choose_device(os.environ.get("BENCH_DEVICE"))
    share_memory(chosen, int(os.environ.get("BENCH_CELLS_PER_DEVICE", "1")))
    return chosen


def why_no_proof() -> str | None:
    """Why the GPU of this worker cannot be used; None where it convolves as it should. A processor needs no proof."""
    if not os.environ.get("BENCH_DEVICE_NAME", "cpu").startswith("cuda"):
        return None
    import torch

    try:
        settle()
        prove(torch.device(os.environ["BENCH_DEVICE"]))
    except Exception as error:  # whatever a broken driver makes torch raise
        return str(error).partition("\n")[0] or type(error).__name__
    return None
