"""Progress of a run: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from bench.cli.planning import opening_remarks
from bench.engine.plan import RUNNABLE, Plan, Planned
from bench.stages.jobs import Ended, Progress
from bench.suite.joint import naming_axes
from bench.words import plural

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from bench.engine.scheduler import Watcher


@contextmanager
def watching(*, plain: bool) -> Iterator[Watcher]:
    """A watcher that draws on standard error."""
    if plain:
        yield PlainLines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield LiveBars(bars)


@dataclass(frozen=True, slots=True)
class _Names:
    """Names of cells by the axes in which the cells of a suite differ."""

    axes: tuple[str, ...] = ("crop", "model")

    @staticmethod
    def of(plan: Plan) -> _Names:
        return _Names(tuple(naming_axes([planned.cell.labels for planned in plan.cells])) or ("crop", "model"))

    def __call__(self, planned: Planned) -> str:
        labels = {axis: planned.cell.labels[axis] for axis in self.axes if axis in planned.cell.labels}
        return " / ".join(f"seed {label}" if axis == "seed" else label for axis, label in labels.items())


@dataclass(slots=True)
class _Clock:
    """Remaining time from the cells that ended: mean seconds a cell, times the cells left."""

    total: int = 0
    ended: int = 0
    started: float = field(default_factory=time.monotonic)

    def left(self) -> str:
        """Remaining time as h:mm:ss, or nothing before the first cell has ended."""
        if not self.ended:
            return ""
        seconds = int((time.monotonic() - self.started) / self.ended * (self.total - self.ended))
        return f"about {seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d} left"


def _opening(plan: Plan) -> Iterator[str]:
    """The plan in a line, and what to beware of in the data before anything is spent on them."""
    counts = plan.counts()
    words = ", ".join(f"{count} {state}" for state, count in counts.items())
    profile = f", profile {plan.suite.profile} ({plan.suite.profile_reason})" if plan.suite.profile else ""
    yield f"suite {plan.suite.name}{profile}: {plural(len(plan.cells), 'cell')} ({words})"
    yield from opening_remarks(plan)


def _outcome(planned: Planned, ended: Ended, name: _Names) -> str:
    text = f"{ended.state.word:8s} {name(planned)}  {ended.seconds:.1f} s"
    if ended.reason is None:
        return text
    more = f" ('bench show {planned.cell.id[:8]}' has the log)" if ended.log else ""
    return f"{text}  {ended.reason}{more}"


@dataclass(slots=True)
class PlainLines:
    """One line per event worth keeping; for logs and pipes."""

    _clock: _Clock = field(default_factory=_Clock)
    _name: _Names = field(default_factory=_Names)
    _seen: set[str] = field(default_factory=set)

    def planned(self, plan: Plan) -> None:
        """Print the plan in a line."""
        self._clock = _Clock(sum(p.state in RUNNABLE for p in plan.cells))
        self._name = _Names.of(plan)
        for text in _opening(plan):
            click.echo(text, err=True)

    def progress(self, progress: Progress) -> None:
        """Print the start of an indexing; cells are told when they end."""
        if progress.stage == "index" and progress.key not in self._seen:
            self._seen.add(progress.key)
            click.echo(f"indexing {plural(progress.total, 'image')}", err=True)

    def ended(self, planned: Planned, ended: Ended) -> None:
        """Print how a cell ended."""
        self._clock.ended += 1
        left = f"  ({self._clock.ended}/{self._clock.total}, {self._clock.left()})"
        click.echo(_outcome(planned, ended, self._name) + left, err=True)

    def tick(self) -> None:
        """Nothing moves in a log."""


@dataclass(slots=True)
class LiveBars:
    """A bar over cells, and one for every job at work."""

    bars: Bars
    _clock: _Clock = field(default_factory=_Clock)
    _cells: TaskID | None = None
    _jobs: dict[str, TaskID] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _name: _Names = field(default_factory=_Names)

    def planned(self, plan: Plan) -> None:
        """Print the plan and open the bar over cells."""
        self._clear()
        runnable = [p for p in plan.cells if p.state in RUNNABLE]
        self._name = _Names.of(plan)
        self._names = {p.cell.id: self._name(p) for p in runnable}
        self._clock = _Clock(len(runnable))
        for text in _opening(plan):
            self.bars.console.print(text, highlight=False, markup=False)
        if runnable:
            self._cells = self.bars.add_task("cells", total=len(runnable), note="")

    def progress(self, progress: Progress) -> None:
        """Move a job's bar."""
        name = f"{self._names.get(progress.key, 'data set')}: {progress.stage}"
        if progress.key not in self._jobs:
            self._jobs[progress.key] = self.bars.add_task(name, total=progress.total, note="")
        self.bars.update(
            self._jobs[progress.key],
            description=name,
            completed=progress.done,
            total=progress.total,
            note=progress.note,
        )

    def ended(self, planned: Planned, ended: Ended) -> None:
        """Keep a line of a cell that ended, and move the bar over cells."""
        self.bars.console.print(_outcome(planned, ended, self._name), highlight=False, markup=False)
        if planned.cell.id in self._jobs:
            self.bars.remove_task(self._jobs.pop(planned.cell.id))
        self._clock.ended += 1
        if self._cells is not None:
            self.bars.update(self._cells, completed=self._clock.ended)

    def tick(self) -> None:
        """Keep the estimate fresh."""
        if self._cells is not None:
            self.bars.update(self._cells, note=self._clock.left())

    def _clear(self) -> None:
        for task in self._jobs.values():
            self.bars.remove_task(task)
        self._jobs.clear()
