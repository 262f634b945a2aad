"""What a clock on the wall does not tell: how long this process waited for a processor, and who else computed."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Clocks:
    """Readings at one moment, in seconds: the wall, this process at work, waiting for a processor, all processors.

    ``waited`` and ``busy`` are None where the system does not tell.
    """

    wall: float
    worked: float
    waited: float | None
    busy: float | None


@dataclass(frozen=True, slots=True)
class Use:
    """What happened between two readings: the share of the time that this process waited, and processors of others."""

    waited: float
    others: float


def read_clocks() -> Clocks:
    """The clocks as they are now."""
    return Clocks(time.perf_counter(), time.process_time(), _waited(), _busy())


def use_between(first: Clocks, last: Clocks) -> Use:
    """What happened from the first reading to the last.

    Without a count of waiting, time on the wall without work counts as waiting.
    """
    wall = last.wall - first.wall
    worked = last.worked - first.worked
    waited = wall - worked
    if first.waited is not None and last.waited is not None:
        waited = last.waited - first.waited
    others = 0.0
    if first.busy is not None and last.busy is not None:
        others = last.busy - first.busy - worked
    return Use(max(0.0, waited / wall), max(0.0, others / wall))


def _waited() -> float | None:
    """Seconds that threads of this process were ready and had no processor, since they began; Linux alone counts."""
    nanoseconds = 0
    try:
        for task in Path("/proc/self/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
                nanoseconds += int((task / "schedstat").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return nanoseconds / 1e9


def _busy() -> float | None:
    """Seconds that all processors worked or were taken away by a hypervisor; Linux alone tells (``/proc/stat``)."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()
        user, nice, system, _idle, _disk, interrupts, soft, stolen = map(int, first[1:9])
    except (OSError, ValueError):
        return None
    return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")
