"""Rates measured on this machine, kept below ``$BENCH_HOME`` and found again by what they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.canonical import digest
from bench.engine.devices import devices_of
from bench.engine.work import Shape
from bench.errors import StoreError
from bench.machine import machine_facts
from bench.store.store import SCHEMA, read_json, write_json
from bench.suite.schema import Runtime
from bench.types import JsonValue

Values = Mapping[str, float]
"""Seconds per unit and bytes, by name."""

MACHINE: Shape = {}
"""The shape of what depends on nothing but the machine."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Measured values by kind of work, digest of its shape, and number of workers that were busy at once."""

    path: Path
    machine: Mapping[str, JsonValue]
    known: dict[str, dict[str, dict[str, dict[str, float]]]] = field(default_factory=dict)

    def of(self, kind: str, key: str, workers: int) -> Values | None:
        """The values measured with this many workers, or with the nearest number; None where there are none."""
        found = self.known.get(kind, {}).get(key)
        if not found:
            return None
        nearest = min(found, key=lambda busy: abs(int(busy) - workers))
        return found[nearest]

    def workers(self, kind: str, key: str) -> set[int]:
        """Numbers of workers that values were measured with."""
        return set(map(int, self.known.get(kind, {}).get(key, {})))

    def learn(self, kind: str, key: str, workers: int, values: Values) -> None:
        """Remember values; those of other names stay."""
        kept = self.known.setdefault(kind, {}).setdefault(key, {}).setdefault(str(workers), {})
        kept.update(values)

    def write(self) -> None:
        """Write them whole, with those that another process has added meanwhile."""
        for kind, shapes in _read(self.path).items():
            mine = self.known.setdefault(kind, {})
            for key, found in shapes.items():
                mine.setdefault(key, found)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.path, {"schema": SCHEMA, "machine": self.machine, "rates": self.known})


def key_of(shape: Shape) -> str:
    """Digest of a shape."""
    return digest(dict(shape))


def rates_of(home: Path, runtime: Runtime) -> Rates:
    """The rates of this machine and kind of device; none where nothing was measured or the file is damaged."""
    facts = {**machine_facts(), "device": devices_of(runtime)[0].partition(":")[0]}
    path = home / "measured" / f"{digest(facts)}.json"
    return Rates(path, facts, _read(path))


def _read(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path).get("rates")
    except StoreError:
        return {}
    return found if isinstance(found, dict) else {}
