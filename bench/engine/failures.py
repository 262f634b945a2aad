"""How a job ended, by the error that ended it."""

from __future__ import annotations

from collections.abc import Sequence

from bench.errors import BenchError, DataError, Diverged, LossNotFinite, PluginError, Stopped
from bench.record import State


def state_of(error: BaseException) -> State:
    """How a job ended that an error ended; memory and devices that fail within a plugin's code are no fault of it."""
    behind: BaseException | None = error
    while behind is not None:
        if is_out_of_memory(behind):
            return State.OOM
        if is_of_device(behind):
            return State.DEVICE_ERROR
        behind = behind.__cause__
    return next((state for kind, state in STATES if isinstance(error, kind)), State.FAILED)


STATES: Sequence[tuple[type[BenchError], State]] = (
    (LossNotFinite, State.NAN),
    (Diverged, State.DIVERGED),
    (PluginError, State.PLUGIN_ERROR),
    (DataError, State.DATA_ERROR),
    (Stopped, State.KILLED),
)
"""Errors to how a job ended, the narrower before the wider."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch, NumPy or Python could not get memory; torch says so on a processor with a RuntimeError."""
    named = type(error).__name__ == "OutOfMemoryError"
    return named or isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)


OUT_OF_MEMORY = ("DefaultCPUAllocator: can't allocate memory", "CUDA error: out of memory")
OF_DEVICE = ("CUDA error: ", "CUDNN_STATUS_EXECUTION_FAILED", "CUDNN_STATUS_INTERNAL_ERROR")


def is_of_device(error: BaseException) -> bool:
    """Whether CUDA failed; an assertion that failed on the device is a fault of the code that runs there."""
    text = str(error)
    return any(words in text for words in OF_DEVICE) and "device-side assert" not in text
