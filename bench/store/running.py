"""Which stages the commands at work need: each says so in a file under ``$BENCH_HOME/running``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.errors import StoreError
from bench.store.owners import Owner, beating, owner_of, this_process
from bench.store.store import SCHEMA, read_json, write_json
from bench.types import JsonValue

RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Running:
    """A command at work and the keys of the stages that it reads or will read; None while it cannot tell yet."""

    file: Path
    command: str
    owner: Owner
    keys: frozenset[str] | None

    def needs(self, key: str) -> bool:
        """Whether it needs a stage."""
        return self.keys is None or key in self.keys

    def keep(self, keys: Iterable[str]) -> None:
        """Tell which stages are needed.

        Raises:
            StoreError: the disk is full or the folder cannot be written.
        """
        known: list[JsonValue] = list(keys)
        _write(self.file, self.command, self.owner, known)


@contextmanager
def at_work(home: Path, command: str) -> Iterator[Running]:
    """Have nothing taken away that a command needs, for as long as it is at work: all, until it tells what.

    Raises:
        StoreError: the disk is full or ``home`` cannot be written.
    """
    owner = this_process()
    running = Running(home / RUNNING / f"{owner.token}.json", command, owner, None)
    _write(running.file, command, owner, None)
    try:
        with beating(lambda: running.file):
            yield running
    finally:
        with suppress(OSError):
            running.file.unlink()


def _write(file: Path, command: str, owner: Owner, keys: list[JsonValue] | None) -> None:
    write_json(file, {"schema": SCHEMA, "command": command, "owner": asdict(owner), "keys": keys})


def running_in(home: Path) -> list[Running]:
    """The commands that said they are at work and have not said that they ended; what cannot be read is left out."""
    found = []
    for file in sorted((home / RUNNING).glob("[!.]*.json")):
        with suppress(StoreError):
            told = read_json(file)
            owner, keys = owner_of(told.get("owner")), told.get("keys")
            if owner is not None:
                known = frozenset(map(str, keys)) if isinstance(keys, list) else None
                found.append(Running(file, str(told.get("command")), owner, known))
    return found
