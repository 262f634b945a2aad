"""The journal of a run folder: one line of JSON for each event, appended and never changed, by every command at work.

Whoever sees the folder can tell from it what a run does now (:mod:`bench.runs.status`).
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from uuid import uuid4

from bench.errors import named_line
from bench.jobs import Ended, Progress
from bench.types import JsonValue

if TYPE_CHECKING:
    from bench.engine.invocation import Watcher
    from bench.engine.plan import Plan, Planned

JOURNAL = "journal.jsonl"
EVERY_S = 5.0
"""Seconds between two lines on one stage of a job."""
BEAT_S = 30.0
"""Seconds after which a command that has nothing to tell says that it is there."""


@runtime_checkable
class Reckons(Protocol):
    """A watcher that knows how long the run takes yet, which is told to those who read the journal."""

    def seconds_left(self) -> float | None:
        """Seconds until the run ends; None where it does not know."""
        ...


@dataclass(slots=True)
class Journal:
    """A watcher that keeps every event in a run folder and passes it on to another watcher.

    A line is written at once and whole, so several commands may write to one journal. A journal that cannot be written
    stops no run.
    """

    path: Path
    watcher: Watcher
    run: str = field(default_factory=lambda: uuid4().hex[:8])
    _told: dict[str, tuple[str, float]] = field(default_factory=dict)
    _last: float = 0.0

    def planned(self, plan: Plan) -> None:
        """How many cells there are by state, before the first starts."""
        self._write("planned", cells=plan.counts())
        self.watcher.planned(plan)

    def progress(self, progress: Progress) -> None:
        """Where a job is: at both ends of each stage, and every few seconds."""
        stage, at = self._told.get(progress.key, ("", 0.0))
        is_end = stage != progress.stage or progress.done >= progress.total
        if is_end or time.monotonic() - at >= EVERY_S:
            self._told[progress.key] = progress.stage, time.monotonic()
            done = {"stage": progress.stage, "done": progress.done, "total": progress.total, "note": progress.note}
            self._write("at", key=progress.key, **done, **self._left())
        self.watcher.progress(progress)

    def ended(self, planned: Planned, ended: Ended) -> None:
        """How a cell ended."""
        key = planned.cell.id
        self.watcher.ended(planned, ended)
        said: dict[str, JsonValue] = {"state": ended.state.value, "reason": ended.reason}
        self._write("ended", key=key, **said, seconds=round(ended.seconds, 1), **self._left())

    def remark(self, text: str) -> None:
        """Something to beware of."""
        self._write("remark", text=text)
        self.watcher.remark(text)

    def tick(self) -> None:
        """A sign of life where nothing else was told for a while."""
        if time.monotonic() - self._last >= BEAT_S:
            self._write("alive", **self._left())
        self.watcher.tick()

    def _left(self) -> dict[str, JsonValue]:
        left = self.watcher.seconds_left() if isinstance(self.watcher, Reckons) else None
        return {} if left is None else {"left_s": round(left, 1)}

    def _write(self, event: str, **told: JsonValue) -> None:
        self._last = time.monotonic()
        line = json.dumps({"at": round(time.time(), 3), "run": self.run, "event": event, **told}) + "\n"
        with suppress(OSError), self.path.open("ab", buffering=0) as file:
            file.write(line.encode("ascii"))


@contextmanager
def journalled(folder: Path, watcher: Watcher, command: str) -> Iterator[Journal]:
    """A journal of one command in a run folder, from its first line to how it came to its end."""
    journal = Journal(folder / JOURNAL, watcher)
    journal._write("began", command=command, host=socket.gethostname(), pid=os.getpid())
    try:
        yield journal
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt)
        journal._write("finished", how="interrupted" if stopped else named_line(error))
        raise
    journal._write("finished", how="done")


def events(folder: Path) -> Iterator[Mapping[str, Any]]:
    """All events of a run folder in the order they were written; lines that were cut short are left out."""
    try:
        lines = (folder / JOURNAL).read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        with suppress(ValueError, RecursionError):
            event = json.loads(line)
            if isinstance(event, dict) and isinstance(event.get("at"), float) and isinstance(event.get("run"), str):
                yield event
