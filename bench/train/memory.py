"""Peak memory of a piece of work, with the name of what was measured."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

DEVICE = "the GPU, allocated by torch"
WORKER = "the worker process, while it trained"
SINCE_START = "the worker process, since it started"


@dataclass(frozen=True, slots=True)
class Peak:
    """Bytes at the highest, and of what."""

    bytes: int
    of: str


class PeakMemory:
    """Counts from its making on: what torch allocates on a GPU, or the resident memory of this process elsewhere."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.fresh = False
        if device.type == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats(device)
        else:
            with suppress(OSError):  # only Linux can start the count anew, and not in every container
                Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
                self.fresh = True

    def read(self) -> Peak:
        """The peak so far."""
        if self.device.type == "cuda":
            import torch

            return Peak(torch.cuda.max_memory_allocated(self.device), DEVICE)
        if self.fresh and (found := _highest_resident()) is not None:
            return Peak(found, WORKER)
        return Peak(_highest_ever(), SINCE_START)


def _highest_resident() -> int | None:
    """The kernel's high-water mark of this process in bytes, since it was last started anew."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None


def _highest_ever() -> int:
    """The peak of this process since it started, in bytes."""
    import resource

    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024  # macOS counts bytes, others kilobytes
