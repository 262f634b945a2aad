"""The time that a run has left: its forecast, corrected by what was measured since it began."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.engine.forecast import Forecast
from bench.engine.plan import RUNNABLE, Plan

TRUST = 0.05
"""Share of a run for which its forecast counts as much as what was measured since it began."""


@dataclass(slots=True)
class Clock:
    """Remaining time; ``shares`` is the share of the whole run that each cell or pretraining run is.

    Without a forecast (``foreseen``, in seconds) all are alike, and nothing is told before one has ended.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    foreseen: float | None = None
    started: float = field(default_factory=time.monotonic)
    _done: dict[str, float] = field(default_factory=dict)

    def reached(self, key: str, part: float) -> None:
        """So much of a cell is done; it never goes back."""
        self._done[key] = max(part, self._done.get(key, 0.0))

    def left(self) -> str:
        """Remaining time as h:mm:ss, or nothing where nothing is known yet."""
        done = min(1.0, sum(self.shares.get(key, 0.0) * part for key, part in self._done.items()))
        spent = time.monotonic() - self.started
        if self.foreseen:
            pace = (spent + TRUST * self.foreseen) / ((done + TRUST) * self.foreseen)
            seconds = int((1 - done) * self.foreseen * pace)
        elif done and 1.0 in self._done.values():
            seconds = int(spent * (1 - done) / done)
        else:
            return ""
        return f"about {seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d} left"


def clock_of(plan: Plan, cost: Forecast) -> Clock:
    """The clock of a run that begins now."""
    seconds = {key: one.seconds or 0.0 for key, one in cost.jobs.items()}
    total = sum(seconds.values())
    if cost.seconds and total:
        return Clock({key: each / total for key, each in seconds.items()}, cost.seconds)
    cells = [planned.cell.id for planned in plan.cells if planned.state in RUNNABLE]
    return Clock(dict.fromkeys(cells, 1 / max(len(cells), 1)))
