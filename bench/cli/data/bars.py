"""Progress of one command at a time: a bar on a terminal, a line now and then elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from bench.words import size_text

if TYPE_CHECKING:
    from bench.obtain.get import Watch

EVERY_S = 15.0
"""Seconds between two lines of progress in a log."""
IMAGES = "reading images"
"""What is counted in images; everything else is counted in bytes."""


@contextmanager
def watching() -> Iterator[Watch]:
    """A function that is told what is done, and (done, total)."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[amount]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def watch(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, amount="")
            bars.update(tasks[what], completed=done, total=total or None, amount=_amount(what, done, total))

        yield watch


@dataclass(slots=True)
class _Lines:
    """A line when something begins, and one every few seconds while it lasts."""

    _what: str = ""
    _last: float = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what == self._what and now - self._last < EVERY_S:
            return
        text = f"{what}: {_amount(what, done, total)}" if what == self._what else what
        self._what, self._last = what, now
        click.echo(text, err=True)


def _amount(what: str, done: int, total: int) -> str:
    def text(count: int) -> str:
        return f"{count:,}" if what.startswith(IMAGES) else size_text(count)

    return f"{text(done)} of {text(total)}" if total else text(done)
