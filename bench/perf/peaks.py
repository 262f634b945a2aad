"""What this machine can do at best: bytes copied and operations of a matrix product, and work measured beside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from bench.train.device import synchronise

if TYPE_CHECKING:
    import torch

ROUNDS = 5
COPIED = 64 * 2**20
"""Bytes of the array that is copied: far more than a processor keeps at hand."""
SIDE = 1024
"""Of the matrices that are multiplied."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """Bytes copied a second (each read once and written once), and floating-point operations of a product a second."""

    copied: float
    operations: float


def in_turns(
    works: Mapping[str, Callable[[], object]],
    device: torch.device,
    precision: Literal["float32", "bf16"] = "float32",
    rounds: int = ROUNDS,
) -> tuple[dict[str, float], Peaks]:
    """Median seconds of each work, and the peaks of the same rounds; each runs once before, unmeasured."""
    import torch

    source = torch.ones(COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    number = torch.bfloat16 if precision == "bf16" else torch.float32
    matrix = torch.ones(SIDE, SIDE, dtype=number, device=device)
    limits: dict[str, Callable[[], object]] = {
        "copy": lambda: target.copy_(source),
        "product": lambda: torch.mm(matrix, matrix),
    }
    whole = {**limits, **works}
    taken: dict[str, list[float]] = {name: [] for name in whole}
    for work in whole.values():
        work()
    for _ in range(rounds):
        for name, work in whole.items():
            synchronise(device)
            started = time.perf_counter()
            work()
            synchronise(device)
            taken[name].append(time.perf_counter() - started)
    found = {name: median(seconds) for name, seconds in taken.items()}
    return {name: found[name] for name in works}, Peaks(COPIED / found["copy"], 2 * SIDE**3 / found["product"])


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage beside its limit, in the same unit; ``bound`` names what the limit is."""

    name: str
    achieved: float
    limit: float
    unit: str
    bound: str

    @property
    def share(self) -> float:
        """Of the limit."""
        return self.achieved / self.limit


@dataclass(frozen=True, slots=True)
class Roofline:
    """The stages of one shape of work."""

    name: str
    stages: Sequence[Stage]
