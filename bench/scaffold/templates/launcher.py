"""A launcher: so many processes at once on this machine; the place for your own queue."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from subprocess import Popen
from typing import Annotated

from pydantic import Field

from bench.api import About, Command, Component, Queue, Site, hookimpl

NAME = "my-plugin"


@dataclass
class Processes:
    """Commands in the order they came; each process leads a group of its own, which is ended with it."""

    at_once: int
    waiting: dict[str, Command] = field(default_factory=dict)
    started: dict[str, Popen[bytes]] = field(default_factory=dict)

    def start(self, commands: Sequence[Command]) -> Sequence[str]:
        """Take commands; the name of each is its id."""
        self.waiting |= {command.name: command for command in commands}
        self.alive(())
        return [command.name for command in commands]

    def alive(self, ids: Collection[str]) -> Collection[str]:
        """Start what there is room for; those of ``ids`` that wait or run."""
        running = {id for id, process in self.started.items() if process.poll() is None}
        for id in list(self.waiting)[: max(0, self.at_once - len(running))]:
            command = self.waiting.pop(id)
            with command.log.open("wb") as log:
                self.started[id] = Popen(command.words, stdout=log, stderr=log, start_new_session=True)
            running.add(id)
        return [id for id in ids if id in running or id in self.waiting]

    def stop(self, ids: Collection[str], number: int = signal.SIGTERM) -> None:
        """Forget those that wait and send a signal to the others."""
        for id in ids:
            if self.waiting.pop(id, None) is None and id in self.started and self.started[id].poll() is None:
                with suppress(ProcessLookupError):
                    os.kill(self.started[id].pid, number)

    def kill(self, ids: Collection[str]) -> None:
        """End them; what they started ends with them."""
        self.stop(ids, signal.SIGKILL)
        for id in ids:
            if id in self.started:
                self.started[id].wait()


def build(_site: Site, /, *, at_once: Annotated[int, Field(gt=0)] = 2) -> Queue:
    """Run ``at_once`` commands at a time."""
    return Processes(at_once)


@hookimpl
def bench_launchers() -> Iterable[Component[Queue]]:
    """Offer the launcher."""
    yield Component(NAME, build, about=About("processes of this machine"))
