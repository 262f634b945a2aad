"""The live display of a run: a few lines below those that stay, drawn anew a few times a second at most."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.cli.account import Account
from bench.engine.plan import Plan, Planned
from bench.jobs import Ended, Progress
from bench.store.home import Places
from bench.words import line, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

EVERY_S = 0.5
"""Seconds between two drawings."""
WIDE = 110
"""Columns from which on a job takes one line."""
FAILURES = 3
"""Last failures that stay in view."""
LEAST_NAME = 16
"""Columns in which a name can show both of its ends."""
ECHOED = 4
"""Columns of two ``^C``."""
AROUND = 7
"""Lines beside those of jobs and failures, with one that stays free."""


@contextmanager
def live(places: Places) -> Iterator[LiveLines]:
    """A display on standard error that is gone when it ends; what was printed above it stays."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    with Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop") as drawn:
        yield LiveLines(places=places, console=console, drawn=drawn)


@dataclass(slots=True, kw_only=True)
class LiveLines(Account):
    """Cells done of all, each job with its pace, memory, what is next, and the last failures."""

    console: Console
    drawn: Live
    _shown: tuple[str, ...] = ()
    _last: float = 0.0

    def planned(self, plan: Plan) -> None:
        """Print the plan, which stays."""
        for text in self.opening(plan):
            self._keep(visible(text))
        self._draw()

    def progress(self, progress: Progress) -> None:
        """Take where a job is."""
        self.moved(progress)
        text = self.aside(progress)
        if text is not None:
            self._keep(text)
        self.tick()

    def ended(self, planned: Planned, ended: Ended) -> None:
        """Keep a line of a cell that ended."""
        text = self.outcome(planned, ended)
        self._keep(text if ended.reason is None else fit(text, self.console.width))  # the whole is in the record
        self._draw()

    def remark(self, text: str) -> None:
        """Print it above what is drawn."""
        self._keep(f"remark: {line(text)}")

    def tick(self) -> None:
        """Draw anew, if it is time."""
        if time.monotonic() - self._last >= EVERY_S:
            self._draw()

    def _keep(self, text: str) -> None:
        self.console.print(_sayable(text, self.console), soft_wrap=False)

    def _draw(self) -> None:
        """Draw what has changed."""
        from rich.text import Text

        self._last = time.monotonic()
        self.look()
        size = self.console.size
        lines = [_sayable(text, self.console) for text in self.lines(size.width - 1, size.height)]
        if tuple(lines) != self._shown:
            self._shown = tuple(lines)
            self.drawn.update(Text("\n".join(lines), no_wrap=True, overflow="crop"), refresh=True)

    def lines(self, width: int, height: int) -> list[str]:
        """What is drawn, each line in ``width`` columns, in fewer lines than ``height``."""
        lines = [f"reading images: {one.done:,} of {one.total:,}" for one in self.indexing.values()]
        if self.clock is None or not self.total:
            return _fitted(lines[: height - 1], width)
        failures = self.failures[-FAILURES:] if height > AROUND + FAILURES else []
        lines += [self.head(), _bar(self.share(), width, self.console), self.not_known()]
        lines += self._job_lines(width, height - AROUND - len(failures))
        lines += [self.memory(), self.next(), *failures]
        return _fitted([text for text in lines if text][: max(height - 1, 1)], width)

    def _job_lines(self, width: int, room: int) -> list[str]:
        """Two lines for each job, or one where the terminal is wide or there are many; the rest are counted."""
        jobs = self.jobs()
        if width < WIDE and 2 * len(jobs) <= room:
            lines: list[str] = []
            for job in jobs:
                lines += [f"  {self.name(job.key)}", f"    {self.figures(job)}"]
            return lines
        shown = jobs if len(jobs) <= room else jobs[: max(room - 1, 0)]
        names = [self.name(job.key) for job in shown]
        figures = [self.figures(job) if width >= WIDE else self.brief(job) for job in shown]
        column = min(max(map(len, names), default=0), width // 2)
        lines = [f"  {squeezed(name, column):{column}}  {text}" for name, text in zip(names, figures, strict=True)]
        return lines if shown is jobs else [*lines, f"  and {len(jobs) - len(shown)} more at work"]


def _fitted(lines: Sequence[str], width: int) -> list[str]:
    """Lines of at most ``width`` columns, the last with room for what a terminal echoes of Ctrl-C."""
    return [fit(text, width if number < len(lines) else width - ECHOED) for number, text in enumerate(lines, start=1)]


def fit(text: str, width: int) -> str:
    """The text in so many columns; of one that is too long the beginning, with three dots."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, max(width - 3, 0)).rstrip()}..."[: max(width, 0)]


def squeezed(name: str, width: int) -> str:
    """A name in so many columns: of one that is too long both ends, because cells may differ in the last axis alone."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(name) <= width or width < LEAST_NAME:
        return fit(name, width)
    end = name[-(width // 3) :]
    return f"{set_cell_size(name, width - 3 - cell_len(end)).rstrip()}...{end}"


def _bar(share: float, width: int, console: Console) -> str:
    """A bar with its share in percent."""
    done, rest = ("#", ".") if console.options.ascii_only else ("━", "─")
    columns = min(max(width - 7, 0), 60)
    filled = round(share * columns)
    return f"{done * filled}{rest * (columns - filled)} {100 * share:3.0f} %"


def _sayable(text: str, console: Console) -> str:
    """What the encoding of the terminal lacks, as escapes."""
    return text.encode(console.encoding, "backslashreplace").decode(console.encoding)
