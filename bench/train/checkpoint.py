"""Where a training stands, written every few minutes: one that was killed goes on from there, to the bit."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from bench.errors import Damaged, Stopped
from bench.files import whole_file
from bench.train.stop import Stop
from bench.types import JsonValue

if TYPE_CHECKING:
    import torch

    State: TypeAlias = dict[str, torch.Tensor]

SCHEMA = 1
"""Raised when the fields of a file change; one of another schema is not used."""
DIGEST_BYTES = 32
COURSE = "course"
"""Name of the tensor that holds what is no tensor, as JSON."""


@dataclass
class Course:
    """How far a training has come after a step, and what it has found.

    ``losses`` are those since the last validation, on the device. ``best_state`` is on the CPU. ``seconds`` were spent
    before this process took over, which was after each of ``continued`` steps.
    """

    step: int = 0
    seconds: float = 0.0
    best_f1: float = -1.0  # the first validation's is above it
    best_epoch: int = 0
    best_state: State = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    losses: list[torch.Tensor] = field(default_factory=list)
    continued: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Moving:
    """What every step of a training changes; torch's global generators are those of ``device`` and the CPU."""

    model: torch.nn.Module
    optimiser: torch.optim.Optimizer
    augmenting: torch.Generator
    device: torch.device


class Checkpoint:
    """The file of one training, written whole or not at all when ``every`` seconds have passed, and when asked to stop.

    ``made_with`` is what must be equal for the same bits: a file that was made with something else is not used, nor is
    one that is damaged. Without a path nothing is kept, and nobody is heeded.
    """

    def __init__(
        self,
        path: Path | None = None,
        every: float = 0.0,
        made_with: Mapping[str, JsonValue] | None = None,
        stop: Stop | None = None,
    ) -> None:
        self._path = path
        self._every = every
        self._made_with = {"schema": SCHEMA, **(made_with or {})}
        self._stop = stop or Stop()
        self._started = self._written = time.monotonic()

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """Within, a wish to stop is answered after a step."""
        with self._stop.heeded(self._path is not None):
            yield

    def restored(self, moving: Moving) -> Course:
        """Where the training was, with all that moves as it was then; the beginning where nothing fits is kept."""
        self._started = self._written = time.monotonic()
        tensors = _read(self._path) if self._path is not None else None
        if tensors is None:
            return Course()
        told = json.loads(tensors.pop(COURSE).numpy().tobytes())
        if told.pop("made_with") != self._made_with:
            return Course()
        settings = told.pop("optimiser")
        _restore(moving, tensors, settings)
        losses = tensors["losses"].to(moving.device).unbind()
        course = Course(**told, best_state=_part(tensors, "best"), losses=list(losses))
        course.continued.append(course.step)
        return course

    def after_step(self, moving: Moving, course: Course) -> None:
        """Write where the training is if it is time to; nothing is read from the device otherwise.

        What cannot be written is tried again later: a disk that is full now may not be when the training ends.

        Raises:
            Stopped: somebody asked for it; says where it goes on.
        """
        if self._path is None or not (self._stop.asked or time.monotonic() - self._written >= self._every):
            return
        try:
            self._write(self._path, moving, course)
            kept = "the same command goes on from there"
        except OSError as error:
            kept = f"this could not be kept: {self._path}: {error.strerror}"
        self._written = time.monotonic()
        if self._stop.asked:
            raise Stopped(f"stopped after step {course.step}, as it was asked to; {kept}")

    def seconds(self, course: Course) -> float:
        """Seconds of training up to now, those of earlier processes with it."""
        return course.seconds + time.monotonic() - self._started

    def _write(self, path: Path, moving: Moving, course: Course) -> None:
        import torch
        from safetensors.torch import save

        tensors, settings = _taken(moving)
        tensors |= {f"best.{name}": tensor for name, tensor in course.best_state.items()}
        tensors["losses"] = torch.stack(course.losses) if course.losses else torch.empty(0)
        told = {
            "made_with": self._made_with,
            "optimiser": settings,
            "step": course.step,
            "seconds": self.seconds(course),
            "best_f1": course.best_f1,
            "best_epoch": course.best_epoch,
            "history": course.history,
            "continued": course.continued,
        }
        tensors[COURSE] = torch.frombuffer(bytearray(json.dumps(told, allow_nan=False).encode()), dtype=torch.uint8)
        content = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})
        with whole_file(path) as file:
            file.write(_digest(content))
            file.write(content)


def _taken(moving: Moving) -> tuple[State, dict[str, dict[str, Any]]]:
    """Everything that moves: tensors by name, and the optimiser's plain values by parameter and name."""
    import torch

    tensors = {f"model.{name}": tensor for name, tensor in moving.model.state_dict().items()}
    tensors["random.cpu"] = torch.get_rng_state()
    tensors["random.augment"] = moving.augmenting.get_state()
    if moving.device.type == "cuda":
        tensors["random.device"] = torch.cuda.get_rng_state(moving.device)
    settings: dict[str, dict[str, Any]] = {}
    for number, held in moving.optimiser.state_dict()["state"].items():
        for name, value in held.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimiser.{number}.{name}"] = value
            else:
                settings.setdefault(str(number), {})[name] = value
    return tensors, settings


def _restore(moving: Moving, tensors: State, settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Set all that moves to what :func:`_taken` gave."""
    import torch

    moving.model.load_state_dict(_part(tensors, "model"))
    states: dict[int, dict[str, Any]] = {int(number): dict(held) for number, held in settings.items()}
    for path, tensor in _part(tensors, "optimiser").items():
        number, _, name = path.partition(".")
        states.setdefault(int(number), {})[name] = tensor
    moving.optimiser.load_state_dict({**moving.optimiser.state_dict(), "state": states})
    for parameter, held in moving.optimiser.state.items():
        for name, value in held.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                held[name] = torch.empty_like(parameter).copy_(value)  # in its order of memory, as it was made
    torch.set_rng_state(tensors["random.cpu"])
    moving.augmenting.set_state(tensors["random.augment"])
    if moving.device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random.device"], moving.device)


def _part(tensors: Mapping[str, torch.Tensor], name: str) -> State:
    """The tensors below a name."""
    return {path.removeprefix(f"{name}."): tensor for path, tensor in tensors.items() if path.startswith(f"{name}.")}


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def check_whole(path: Path) -> None:
    """Read a file, and refuse one that no training can go on from.

    Raises:
        Damaged: it is missing, or its content is not what was written.
    """
    if _content(path) is None:
        raise Damaged(f"{path}: damaged (its content is not what was written); the training begins anew")


def _content(path: Path) -> bytes | None:
    """What stands behind the digest of a file; None where there is none, or it is not what was written."""
    try:
        stored = path.read_bytes()
    except OSError:
        return None
    content = stored[DIGEST_BYTES:]
    return content if _digest(content) == stored[:DIGEST_BYTES] else None


def _read(path: Path) -> State | None:
    """All tensors of a file; None where there is none, or its content is not what was written."""
    from safetensors.torch import load

    content = _content(path)
    if content is None:
        return None
    tensors: State = load(content)
    return tensors
