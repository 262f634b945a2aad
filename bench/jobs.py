"""What crosses a process: jobs in, endings out, all of it JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

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
class Resources:
    """What a job takes of a machine: cores, whether a GPU, and bytes of memory where they are known."""

    processors: int = 1
    gpu: bool = False
    memory: int | None = None


ONE_CORE = Resources()
"""What a job takes of which nothing else is known."""


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
    ``takes`` is for launchers that divide machines.
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
    takes: Resources = ONE_CORE

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
                "takes": Resources(**given["takes"]),
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


ASIDE = ("waiting", "late")
"""Stages of a progress that are no work but worth a remark: a job waits for another's, or lost its own to another."""
