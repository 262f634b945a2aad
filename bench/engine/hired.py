"""A worker as its launcher sees it: a contained process, the job it has in hand, and when it was last heard."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from bench.contain.channel import Garbled
from bench.contain.process import Contained, contain
from bench.engine.messages import Said, said_in
from bench.jobs import Ended, Job, Plugins, Progress

MODULE = "bench.engine.worker"
COMPILED = "TORCHINDUCTOR_CACHE_DIR"
"""Where torch's compiler keeps what it compiled, and takes it from."""


@dataclass(slots=True)
class Hired:
    """A worker with the job that it has, or had last.

    ``ran`` are the third-party plugins whose code it may have run; ``at`` is where its job was last.
    """

    process: Contained
    job: Job
    ran: Plugins = ()
    started: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    at: Progress | None = None
    proven: bool = False

    @staticmethod
    def hire(environment: Mapping[str, str], job: Job) -> Hired:
        """Start a worker that is meant for a job.

        What another processor compiled, or a killed process left half-written, would end it by a signal: so it has a
        folder of its own for that.
        """
        return Hired(contain(MODULE, environment, (COMPILED,)), job)

    def may_take(self, job: Job) -> bool:
        """Whether it has run no plugin that the job does not use."""
        return self.ran in ((), job.plugins)

    def hand(self, job: Job) -> None:
        """Give it a job; where it has died meanwhile, its channel tells."""
        self.job, self.ran, self.at = job, job.plugins, None
        self.started = self.heard = time.monotonic()
        with suppress(OSError):
            self.process.channel.send(job.as_json())

    def listen(self) -> list[Said] | None:
        """What it says, once there is something to read; None where it has ended.

        Raises:
            Garbled: something else wrote to its channel, or it speaks of a job that it has not.
        """
        messages = self.process.channel.read()
        if messages is None:
            return None
        self.heard = time.monotonic()
        found = []
        for message in messages:
            said = said_in(message)
            if isinstance(said, Ended | Progress) and said.key != self.job.key:
                raise Garbled
            if isinstance(said, Progress):
                self.at = said
            found.append(said)
        return found

    def silence(self) -> float:
        """Seconds since its last sign of life."""
        return time.monotonic() - self.heard

    def seconds(self) -> float:
        """Seconds since it got its job."""
        return time.monotonic() - self.started
