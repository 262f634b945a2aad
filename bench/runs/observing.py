"""Telling observers of a run: a watcher that passes on what it hears, to each in a process and a thread of its own.

The run waits for nobody: what is told is put in a queue. An observer that cannot be built, fails or hangs costs one
remark that names it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from bench.catalog import Catalog, plugins_of
from bench.contain.channel import Garbled
from bench.contain.process import Contained, contain
from bench.engine.invocation import Invocation, Watcher
from bench.engine.plan import Plan, Planned
from bench.errors import named_line
from bench.jobs import ASIDE, Ended, Progress
from bench.suite.schema import Ref
from bench.words import line

MODULE = "bench.runs.observer"
BUILDING_S = 300.0
"""Seconds in which an observer must be built: it may import much and reach out for a server."""
HEARING_S = 120.0
"""Seconds in which an observer must have heard one thing."""
FAREWELL_S = 60.0
"""Seconds that the end of a run waits for its observers."""
STOPPING_S = 10.0
"""The same of a run that is interrupted."""


class Told:
    """One observer as the run sees it: what it is to hear waits in a queue, and a thread passes it on.

    ``words`` are what there is to remark; after the first trouble there is nothing more to say.
    """

    def __init__(self, ref: Ref, run: Path, home: Path, catalog: Catalog) -> None:
        self.name = ref.use
        self._order = {
            "use": ref.use,
            "settings": dict(ref.settings),
            "plugins": plugins_of([catalog.find("observer", ref.use)]),
            "run": str(run),
            "home": str(home),
        }
        self._waiting: SimpleQueue[list[Any] | None] = SimpleQueue()
        self._words: SimpleQueue[str] = SimpleQueue()
        self._lost = False
        self._troubled = False
        self._process: Contained | None = None
        self._thread = Thread(target=self._serve, name=f"observer {ref.use}", daemon=True)
        self._thread.start()

    def tell(self, *message: Any) -> None:
        """Have it hear something, some time."""
        if not self._lost:
            self._waiting.put(list(message))

    def words(self) -> Iterator[str]:
        """What there is to remark since this was last asked."""
        with suppress(Empty):
            while True:
                yield self._words.get_nowait()

    def close(self, how: str, deadline: float) -> None:
        """Tell it that the run ended, and wait until it has heard all; one that is late ends with this process."""
        self.tell("ended", how)
        self._waiting.put(None)
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            self._trouble("has not taken all in time; what is left is told when the suite is run again")

    def _serve(self) -> None:
        """Start the process, and pass on what waits, one thing after the other."""
        try:
            self._process = contain(MODULE, os.environ)
            why = self._asked(self._order, BUILDING_S)
            if why is None:
                self._pass_on()
            else:
                self._trouble(why)
        except (OSError, EOFError, Garbled) as error:
            self._trouble(self._how_it_ended(error))
        finally:
            self._lost = True
            if self._process is not None:
                self._process.end()

    def _pass_on(self) -> None:
        self._hear(["began"])
        while (message := self._waiting.get()) is not None:
            self._hear(message)

    def _hear(self, message: list[Any]) -> None:
        why = self._asked(message, HEARING_S)
        if why is not None:
            self._trouble(why)

    def _asked(self, message: Any, seconds: float) -> str | None:
        """Send a message; what went wrong there, in a line.

        Raises:
            TimeoutError: there is no answer.
            OSError, EOFError, Garbled: the process is gone, or not to be understood.
        """
        assert self._process is not None
        self._process.channel.send(message)
        match self._process.channel.next(time.monotonic() + seconds):
            case []:
                return None
            case [str(why)]:
                return line(why)
            case None:
                raise EOFError
        raise Garbled

    def _how_it_ended(self, error: BaseException) -> str:
        if isinstance(error, TimeoutError):
            return "does not answer; it is told nothing more"
        if isinstance(error, EOFError) and self._process is not None:
            code = self._process.end()
            last = [line(text) for text in self._process.words.splitlines() if text.strip()][-1:]
            return ": ".join([f"its process ended with code {code}", *last])
        return named_line(error)

    def _trouble(self, why: str) -> None:
        if not self._troubled:
            self._troubled = True
            self._words.put(f"observer {self.name}: {why}")


@dataclass(slots=True)
class Observing:
    """A watcher that tells observers, and passes everything on to another watcher."""

    watcher: Watcher
    observers: Sequence[Told]
    _cells: set[str] = field(default_factory=set)
    _begun: set[str] = field(default_factory=set)

    def planned(self, plan: Plan) -> None:
        """Tell of the cells that are done: an observer takes what it has not taken before."""
        self._cells = {planned.cell.id for planned in plan.cells}
        for planned in plan.cells:
            if planned.state in ("done", "diverged"):
                self._tell("cell_ended", planned.cell.id, {})
        self.watcher.planned(plan)

    def progress(self, progress: Progress) -> None:
        """Tell that a cell begins, and of its epochs."""
        if progress.key in self._cells and progress.stage not in ASIDE:
            if progress.key not in self._begun:
                self._begun.add(progress.key)
                self._tell("cell_began", progress.key)
            if progress.epoch is not None:
                self._tell("epoch", progress.key, asdict(progress.epoch))
        self.watcher.progress(progress)

    def ended(self, planned: Planned, ended: Ended) -> None:
        """Tell that a cell ended; who is told reads its record, or takes these words where there is none."""
        otherwise = {"axes": dict(planned.cell.labels), "state": ended.state.value, "reason": ended.reason}
        self._tell("cell_ended", planned.cell.id, otherwise)
        self.watcher.ended(planned, ended)

    def remark(self, text: str) -> None:
        """Pass it on."""
        self.watcher.remark(text)

    def tick(self) -> None:
        """Remark what observers had trouble with."""
        for observer in self.observers:
            for text in observer.words():
                self.watcher.remark(text)
        self.watcher.tick()

    def close(self, how: str, seconds: float) -> None:
        """The run ended: wait so long for all observers together, and remark what troubles there were."""
        deadline = time.monotonic() + seconds
        for observer in self.observers:
            observer.close(how, deadline)
        for observer in self.observers:
            for text in observer.words():
                self.watcher.remark(text)

    def _tell(self, *message: Any) -> None:
        for observer in self.observers:
            observer.tell(*message)


@contextmanager
def observed(refs: Sequence[Ref], invocation: Invocation, folder: Path, watcher: Watcher) -> Iterator[Watcher]:
    """The watcher, or one that also tells observers of the run into a folder, until that has ended."""
    if not refs:
        yield watcher
        return
    run, home = folder.absolute(), invocation.places.home.absolute()
    observing = Observing(watcher, [Told(ref, run, home, invocation.catalog) for ref in refs])
    try:
        yield observing
    except KeyboardInterrupt:
        observing.close("interrupted", STOPPING_S)
        raise
    except BaseException:
        observing.close("failed", STOPPING_S)
        raise
    observing.close("done", FAREWELL_S)
