"""What a machine must be for bench to run on it, and which of its devices are used."""

from __future__ import annotations

import re
import sys

from bench.errors import BenchError

NO_WINDOWS = (
    "bench does not run on Windows: its store needs the file locks of Linux or macOS; "
    "use it there, or in the Windows Subsystem for Linux (WSL)"
)
_DEVICE = re.compile(r"cpu|cuda(:[0-9]+)?")


def refuse_windows() -> None:
    """Go on only where the store can lock files.

    Raises:
        BenchError: this is Windows.
    """
    if sys.platform == "win32":
        raise BenchError(NO_WINDOWS)


def why_no_device(name: str) -> str | None:
    """Why ``name`` is no device that bench computes on; None where it may be one. No torch is asked."""
    if _DEVICE.fullmatch(name):
        return None
    if name.partition(":")[0] == "mps":
        return f"Apple's GPU ({name}) is not supported; write cpu, or leave the device out"
    return f"{name!r} is no device; write cpu, cuda or the number of one GPU, such as cuda:1"
