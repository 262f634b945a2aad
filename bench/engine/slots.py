"""Devices of a launcher's slots: one that fails is closed, and what failed on one is tried once more on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.jobs import Ended
from bench.record import State

FAILURES = 2
"""Different jobs that fail on a device, none between them going well, until it is closed."""


@dataclass(slots=True)
class Slots:
    """The device of each slot, which devices are closed and why, and how first tries of jobs ended."""

    devices: Sequence[str]
    closed: dict[str, str] = field(default_factory=dict)
    _failing: dict[str, set[str]] = field(default_factory=dict)
    _first: dict[str, tuple[str, Ended]] = field(default_factory=dict)
    _remarks: list[str] = field(default_factory=list)

    @property
    def open(self) -> list[str]:
        """Devices that take jobs."""
        return [device for device in dict.fromkeys(self.devices) if device not in self.closed]

    def of(self, device: str) -> list[int]:
        """Slots on a device."""
        return [slot for slot, name in enumerate(self.devices) if name == device]

    def may(self, key: str, slot: int) -> bool:
        """Whether a slot may take a job: not where it failed before, as long as another device is open."""
        device = self.devices[slot]
        before = self._first.get(key)
        return device not in self.closed and (before is None or before[0] != device or self.open == [device])

    def close(self, device: str, why: str) -> None:
        """Give a device no more jobs, and say so once."""
        if device in self.closed:
            return
        self.closed[device] = why
        then = f"its cells go to {' and '.join(self.open)}" if self.open else "no device is left"
        self._remarks.append(f"{device} is closed, {then}: {why}")

    def again(self, key: str, slot: int, ended: Ended) -> bool:
        """Note how a job ended on a slot; whether it is to be tried once more.

        A GPU that failed may not fail again, and memory that others held too may be enough for one.
        """
        device = self.devices[slot]
        if ended.state is State.OK:
            self._failing.pop(device, None)
        if ended.state is State.DEVICE_ERROR:
            failing = self._failing.setdefault(device, set())
            failing.add(key)
            if len(failing) == FAILURES:
                self.close(device, ended.reason or "it failed")
        elif ended.state is not State.OOM or len(self.of(device)) == 1:
            return False
        if key in self._first:
            return False
        self._first[key] = device, ended
        if ended.state is State.OOM:
            self._remarks.append(f"{key[:8]} ran out of memory beside others on {device}; it is tried again alone")
        else:
            self._remarks.append(f"{key[:8]} failed on {device} and is tried once more: {ended.reason}")
        return True

    def told(self, ended: Ended) -> Ended:
        """An ending that has in its log how the first of two tries ended."""
        if ended.key not in self._first or ended.state is State.OK:
            return ended
        device, first = self._first[ended.key]
        logs = [f"first try, on {device}: {first.reason}", first.log, ended.log]
        return replace(ended, log="\n".join(log for log in logs if log))

    def hopeless(self, key: str) -> Ended:
        """The ending of a job for which no device is left."""
        closed = " and ".join(self.closed)
        reasons = "\n".join(f"{device}: {why}" for device, why in self.closed.items())
        return self.told(Ended(key, State.DEVICE_ERROR, f"no device is left, closed: {closed}", reasons))

    def remarks(self) -> list[str]:
        """What there is to tell since this was last asked."""
        said, self._remarks = self._remarks, []
        return said
