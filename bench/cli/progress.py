"""Progress of a run: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from bench.cli.clock import Clock, clock_of
from bench.cli.costs import cost_lines, foreseen
from bench.cli.planning import opening_remarks, workers_line
from bench.engine.plan import RUNNABLE, Plan, Planned
from bench.jobs import ASIDE, Ended, Progress
from bench.store.home import Places
from bench.suite.joint import short_names
from bench.words import line, plural, visible

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from bench.engine.invocation import Watcher


@contextmanager
def watching(places: Places, *, plain: bool) -> Iterator[Watcher]:
    """A watcher that draws on standard error; ``places`` has what this machine has measured."""
    if plain:
        yield PlainLines(places=places)
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
        yield LiveBars(places=places, bars=bars)


TRAINED = 0.9
"""Share of a cell that its training is taken for."""


@dataclass(slots=True, kw_only=True)
class _Account:
    """The names of cells, and how far they are: what both displays tell."""

    places: Places
    names: dict[str, str] = field(default_factory=dict)
    total: int = 0
    done: int = 0
    clock: Clock = field(default_factory=Clock)

    def opening(self, plan: Plan) -> Iterator[str]:
        """Begin, with the plan in a line and what to beware of in the data before anything is spent on them."""
        names = short_names([planned.cell.labels for planned in plan.cells])
        self.names = {planned.cell.id: line(name) for planned, name in zip(plan.cells, names, strict=True)}
        counts = plan.counts()
        self.total = sum(counts.get(state, 0) for state in RUNNABLE)
        cost = foreseen(plan, self.places)
        self.done, self.clock = 0, clock_of(plan, cost)
        words = ", ".join(f"{count} {state}" for state, count in counts.items())
        profile = f", profile {plan.suite.profile} ({plan.suite.profile_reason})" if plan.suite.profile else ""
        if not plan.cells:
            yield f"suite {plan.suite.name}{profile}: no cell is as --only or --shard asks, so nothing is done"
            return
        yield f"suite {plan.suite.name}{profile}: {plural(len(plan.cells), 'cell')} ({words})"
        yield workers_line(plan)
        yield from cost_lines(plan, cost)
        yield from opening_remarks(plan)

    def outcome(self, planned: Planned, ended: Ended) -> str:
        """Count a cell that ended, and say how."""
        self.done += 1
        self.clock.reached(planned.cell.id, 1.0)
        text = f"{ended.state.word:8s} {self.names[planned.cell.id]}  {ended.seconds:.1f} s"
        if ended.reason is None:
            return text
        more = f" ('bench show {planned.cell.id[:8]}' has the log)" if ended.log else ""
        return f"{text}  {line(ended.reason)}{more}"

    def aside(self, progress: Progress) -> str | None:
        """What a job has to say beside its work."""
        if progress.stage not in ASIDE:
            return None
        return f"remark: {self.names.get(progress.key, 'data set')}: {line(progress.note)}"

    def moved(self, progress: Progress) -> None:
        """Tell the clock how far a cell has trained, which is most of it; the rest is told when it has ended."""
        if progress.stage == "train" and progress.total:
            self.clock.reached(progress.key, TRAINED * progress.done / progress.total)


@dataclass(slots=True)
class PlainLines(_Account):
    """One line per event worth keeping; for logs and pipes."""

    _seen: set[str] = field(default_factory=set)

    def planned(self, plan: Plan) -> None:
        """Print the plan in a line."""
        for text in self.opening(plan):
            click.echo(visible(text), err=True)

    def progress(self, progress: Progress) -> None:
        """Print the start of an indexing, and that a job waits for another; cells are told when they end."""
        self.moved(progress)
        text = self.aside(progress)
        if text is not None:
            click.echo(text, err=True)
        if progress.stage == "index" and progress.key not in self._seen:
            self._seen.add(progress.key)
            click.echo(f"indexing {plural(progress.total, 'image')}", err=True)

    def ended(self, planned: Planned, ended: Ended) -> None:
        """Print how a cell ended."""
        text = self.outcome(planned, ended)
        click.echo(f"{text}  ({self.done}/{self.total}, {self.clock.left()})", err=True)

    def remark(self, text: str) -> None:
        """Print it."""
        click.echo(f"remark: {line(text)}", err=True)

    def tick(self) -> None:
        """Nothing moves in a log."""


@dataclass(slots=True)
class LiveBars(_Account):
    """A bar over cells, and one for every job at work."""

    bars: Bars
    _cells: TaskID | None = None
    _jobs: dict[str, TaskID] = field(default_factory=dict)

    def planned(self, plan: Plan) -> None:
        """Print the plan and open the bar over cells."""
        for task in self._jobs.values():
            self.bars.remove_task(task)
        self._jobs.clear()
        for text in self.opening(plan):
            self.bars.console.print(visible(text), highlight=False, markup=False)
        if self.total:
            self._cells = self.bars.add_task("cells", total=self.total, note="")

    def progress(self, progress: Progress) -> None:
        """Move a job's bar."""
        self.moved(progress)
        text = self.aside(progress)
        if text is not None:
            self.bars.console.print(text, highlight=False, markup=False)
            return
        name = f"{self.names.get(progress.key, 'data set')}: {line(progress.stage)}"
        if progress.key not in self._jobs:
            self._jobs[progress.key] = self.bars.add_task(name, total=progress.total, note="")
        self.bars.update(
            self._jobs[progress.key],
            description=name,
            completed=progress.done,
            total=progress.total,
            note=line(progress.note),
        )

    def ended(self, planned: Planned, ended: Ended) -> None:
        """Keep a line of a cell that ended, and move the bar over cells."""
        self.bars.console.print(self.outcome(planned, ended), highlight=False, markup=False)
        if planned.cell.id in self._jobs:
            self.bars.remove_task(self._jobs.pop(planned.cell.id))
        if self._cells is not None:
            self.bars.update(self._cells, completed=self.done)

    def remark(self, text: str) -> None:
        """Print it above the bars."""
        self.bars.console.print(f"remark: {line(text)}", highlight=False, markup=False)

    def tick(self) -> None:
        """Keep the estimate fresh."""
        if self._cells is not None:
            self.bars.update(self._cells, note=self.clock.left())
