"""Progress of a run: a live display on a terminal, plain lines elsewhere; always on standard error."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from bench.cli.account import Account
from bench.engine.plan import Plan, Planned
from bench.jobs import Ended, Progress
from bench.store.home import Places
from bench.words import line, plural, visible

if TYPE_CHECKING:
    from bench.engine.invocation import Watcher

SILENT_S = 300.0
"""Seconds without a line after which a log is told where the jobs are."""
DUMB = ("dumb", "unknown")
"""Terminals that cannot move their cursor."""


@contextmanager
def watching(places: Places, *, plain: bool) -> Iterator[Watcher]:
    """A watcher that draws on standard error; ``places`` has what this machine has measured."""
    if plain or os.environ.get("TERM") in DUMB:
        yield PlainLines(places=places)
        return
    from bench.cli.live import live

    with live(places) as watcher:
        yield watcher


@dataclass(slots=True)
class PlainLines(Account):
    """One line per event worth keeping, and one now and then on what goes on; for logs and pipes."""

    _seen: set[str] = field(default_factory=set)
    _last: float = field(default_factory=time.monotonic)

    def planned(self, plan: Plan) -> None:
        """Print the plan in a line."""
        for text in self.opening(plan):
            self._say(visible(text))

    def progress(self, progress: Progress) -> None:
        """Print the start of an indexing, and that a job waits for another; cells are told when they end."""
        self.moved(progress)
        text = self.aside(progress)
        if text is not None:
            self._say(text)
        if progress.stage == "index" and progress.key not in self._seen:
            self._seen.add(progress.key)
            self._say(f"indexing {plural(progress.total, 'image')}")

    def ended(self, planned: Planned, ended: Ended) -> None:
        """Print how a cell ended."""
        text = self.outcome(planned, ended)
        left = self.left()
        self._say(f"{text}  ({self.done}/{self.total}{', ' if left else ''}{left})")

    def remark(self, text: str) -> None:
        """Print it."""
        self._say(f"remark: {line(text)}")

    def tick(self) -> None:
        """Say what goes on where nothing was said for long."""
        if time.monotonic() - self._last >= SILENT_S and self.clock is not None:
            at_work = [f"{self.name(job.key)}: {self.figures(job)}" for job in self.jobs()]
            self._say("; ".join([f"{self.head()}", *at_work]))

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        click.echo(text, err=True)
