"""What whoever takes jobs must do, a launcher, a queue or a carrier, and what it is given."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from bench.jobs import ONE_CORE, Ended, Job, Listener, Resources


@dataclass(frozen=True, slots=True)
class Site:
    """What a launcher is given: the suite's name, who hears of progress, and an environment for each local worker.

    ``folder`` is its own, beside the results: on a cluster all machines see it. ``device`` is what the suite asks for.
    """

    suite: str
    folder: Path
    listener: Listener
    environments: Sequence[Mapping[str, str]]
    device: str | None = None


class Launcher(Protocol):
    """Runs jobs somewhere. Never raises for a job: how it ended is an ``Ended``."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take jobs that are ready, in the order they should start."""
        ...

    def ended(self, timeout: float) -> Sequence[Ended]:
        """Jobs that ended, waiting at most ``timeout`` seconds for the first."""
        ...

    def remarks(self) -> Sequence[str]:
        """What there is to tell of devices and of second tries, since this was last asked."""
        ...

    def cancel(self, keys: Collection[str]) -> None:
        """Forget waiting jobs and stop running ones; a cancelled job ends no more."""
        ...

    def stop(self) -> None:
        """Ask what runs to stop where it can go on, and wait for it; what waits is forgotten."""
        ...

    def close(self) -> None:
        """Stop everything at once."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """A command for a queue: its words, a name for people, the file for what it prints, and what it takes."""

    words: tuple[str, ...]
    name: str
    log: Path
    takes: Resources = ONE_CORE


@runtime_checkable
class Queue(Protocol):
    """Runs commands on machines that see the files of this one; the simple way to be a launcher.

    Ids are those of the system, one for each command, and are never used again. Those of a command of ``bench`` that
    was killed are stopped by the next one: where they mean nothing to this queue, they are passed over.
    """

    def start(self, commands: Sequence[Command]) -> Sequence[str]:
        """Queue commands; their ids in the same order."""
        ...

    def alive(self, ids: Collection[str]) -> Collection[str]:
        """Those that wait or run."""
        ...

    def stop(self, ids: Collection[str]) -> None:
        """Forget those that wait, and send SIGTERM to those that run; ids of what has ended mean nothing."""
        ...

    def kill(self, ids: Collection[str]) -> None:
        """End them at once, with all that they started; ids of what has ended mean nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """A command for a carrier: what follows the name of Python, a name for people, and what is on its standard input.

    ``content`` is read once, in pieces of some megabytes. ``avoid`` names nodes that must not get it.
    """

    words: tuple[str, ...]
    name: str
    content: Iterable[bytes]
    avoid: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Arrived:
    """The next bytes of what a command has written to its standard output, and the node on which it runs."""

    id: str
    node: str
    content: bytes


@runtime_checkable
class Carrier(Protocol):
    """Runs commands on machines that see no file of this one, and carries bytes there and back.

    Each node runs them with its own Python and its own environment. ``retries``: how often a command is begun again
    whose node was lost. Ids are never used again.
    """

    retries: int

    def start(self, parcels: Sequence[Parcel]) -> Sequence[str]:
        """Take commands, which wait for a node, also for one that is still to come; their ids in the same order."""
        ...

    def arrived(self) -> Sequence[Arrived]:
        """What has come since this was last asked, in order for each command; waits for nothing."""
        ...

    def nodes(self) -> Collection[str]:
        """Names of the nodes that are here now and large enough for a command."""
        ...

    def alive(self, ids: Collection[str]) -> Collection[str]:
        """Those that wait or run; whatever another has written has arrived."""
        ...

    def last_words(self, id: str) -> str | None:
        """What an ended command has printed to its standard error; None where its node was lost."""
        ...

    def stop(self, ids: Collection[str]) -> None:
        """Forget those that wait, and send SIGTERM to those that run; ids of what has ended mean nothing."""
        ...

    def kill(self, ids: Collection[str]) -> None:
        """End them at once, with all that they started; ids of what has ended mean nothing."""
        ...
