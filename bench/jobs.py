"""What crosses a process: jobs in, endings out, all of it JSON; and who takes them: launcher, queue or carrier."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from bench.states import State
from bench.types import JsonValue

Plugins: TypeAlias = tuple[tuple[str, str], ...]
"""Plugins of third parties by their place (a file or a module), each with the digest of its source."""


@dataclass(frozen=True, slots=True)
class DataRef:
    """A data set as a worker finds it: component, folder, index file and split rule."""

    use: str
    settings: Mapping[str, JsonValue]
    root: str
    index: str
    split: JsonValue = "grouped"


@dataclass(frozen=True, slots=True)
class Job:
    """An index to be made (no ``stages``), a cell's chain of stages, or one that ends with ``train`` (no ``record``).

    One that is to be prepared ends before that, with the stage ``until``.

    ``key`` names the job: an index locator, a cell id, or the key of that ``train`` stage. ``plugins`` are those of
    third parties that it uses.
    ``delivery``, ``checkpoint_s`` and ``timeout_s`` are the runtime's: how crops are kept, seconds between checkpoints
    of a training, and seconds without a sign of life after which its worker is killed (None: never). ``filing`` is what
    the record holds beside the scores.
    A job with a ``pilot`` only measures: ``parts``, the kinds of work, and ``to``, the file for what they took;
    ``command_s`` and ``submitted`` tell what went before it.
    """

    key: str
    data: DataRef
    home: str
    plugins: Plugins = ()
    stages: tuple[Mapping[str, JsonValue], ...] = ()
    record: str = ""
    until: Literal["", "tiles", "crops"] = ""
    delivery: str = "auto"
    checkpoint_s: float = 300.0
    timeout_s: float | None = None
    filing: Mapping[str, JsonValue] = field(default_factory=dict)
    pilot: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values, for the pipe."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Job:
        """The inverse of :meth:`as_json`."""
        given = dict(value)
        return Job(
            **{
                **given,
                "data": DataRef(**given["data"]),
                "plugins": tuple((name, source) for name, source in given["plugins"]),
                "stages": tuple(given["stages"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended; ``log`` is the traceback or the worker's last words, for `bench show`."""

    key: str
    state: State
    reason: str | None = None
    log: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Epoch:
    """What a training says of an epoch that has ended; the last three are null where nothing was validated.

    ``step`` counts from the first of the training; ``train_loss`` is the mean since the last validation;
    ``validation_f1`` is pooled and the highest over thresholds, in 0..1, and ``threshold`` where it is.
    """

    epoch: int
    step: int
    train_loss: float
    validation_loss: float | None = None
    validation_f1: float | None = None
    threshold: float | None = None

    @staticmethod
    def of(event: Mapping[str, Any]) -> Epoch:
        """The epoch in an event of a training, or in an entry of its history, which hold more or less."""
        return Epoch(**{name: event[name] for name in Epoch.__slots__ if name in event})


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a running job is: ``done`` of ``total`` units of ``stage``; ``note`` has figures worth showing.

    ``epoch`` is what it says of a training whose epoch has just ended, null of anything else.
    """

    key: str
    stage: str
    done: int
    total: int
    note: str = ""
    epoch: Epoch | None = None


Listener = Callable[[Progress], None]


class Report(Protocol):
    """Who hears where a job is, in the words of a :class:`Progress`."""

    def __call__(self, stage: str, done: int, total: int, note: str, epoch: Epoch | None = None, /) -> None:
        """Hear it."""
        ...


ASIDE = ("waiting", "late")
"""Stages of a progress that are no work but worth a remark: a job waits for another's, or lost its own to another."""


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
    """A command for a queue: its words, a name for people, and the file for what it prints."""

    words: tuple[str, ...]
    name: str
    log: Path


@runtime_checkable
class Queue(Protocol):
    """Runs commands on machines that see the files of this one; the simple way to be a launcher.

    Ids are those of the system, one for each command, and are never used again.
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
