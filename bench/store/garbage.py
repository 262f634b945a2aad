"""What nobody needs in the store: leftovers of killed processes, damaged stages, those that were not used lately."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from bench.files import UNFINISHED
from bench.store.cache import damages_in, damages_of_checkpoint, stage_folders, weight
from bench.store.leases import LEASE, claims, if_idle, lease_path
from bench.store.owners import Owner, clock_of
from bench.store.records import load_record
from bench.store.running import RUNNING, Running, running_in
from bench.store.store import CHECKPOINT, NOTE, read_note

SILENT_S = 3600.0
"""Seconds without a sign of life after which what a process of another machine left is a leftover."""
DRAFT = re.compile(r"\..+\.[0-9a-f]{32}|\..+\.[0-9a-f]{12}\.tmp")
"""Files that somebody was writing: of rendered pictures, and of whatever is written whole or not at all."""
OLD_LOCK = ".lock"
"""How the locks of earlier versions end."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """A file or folder that may go, with its bytes and the reason; ``needed_by`` is the command that keeps it."""

    path: Path
    size: int
    why: str
    needed_by: Running | None = None


@dataclass
class Cleaning:
    """One look at a store: its folder, what is at work there, and its own clock (seconds since 1970).

    Stages that no run has used since ``unused_since`` go, unless they are of those in ``keep``, keys of stages.
    """

    home: Path
    unused_since: float | None
    keep: frozenset[str]
    running: list[Running] = field(init=False)
    now: float = field(init=False)

    def __post_init__(self) -> None:
        self.now = clock_of(self.home)
        self.running = [one for one in running_in(self.home) if not self._is_over(one)]

    def found(self) -> Iterator[Garbage]:
        """All that may go. A stage that somebody has in hand is passed over, and held while the caller looks at it."""
        yield from self._leases()
        yield from self._leftovers()
        yield from self._checkpoints()
        yield from self._stages()
        yield from self._drafts()
        yield from self._ended()

    def _is_over(self, running: Running) -> bool:
        return self._is_gone(running.owner, running.file)

    def _is_gone(self, owner: Owner | None, file: Path) -> bool:
        """Whether an owner is dead, or one that this machine cannot ask for has been silent for long."""
        if owner is not None and owner.is_here:
            return owner.is_dead
        return self._is_old(file)

    def _is_old(self, path: Path) -> bool:
        try:
            return self.now - path.lstat().st_mtime > SILENT_S
        except OSError:
            return False

    def _needed(self, key: str) -> Running | None:
        return next((running for running in self.running if running.needs(key)), None)

    def _leftovers(self) -> Iterator[Garbage]:
        for leftover in sorted((self.home / "stages").glob(f"*/.*{UNFINISHED}")):
            with if_idle(leftover.with_name(leftover.name.lstrip(".").partition(".")[0])) as idle:
                if idle:
                    yield Garbage(leftover, weight(leftover), "left by a killed worker")
        for leftover in sorted((self.home / "data").glob(".*.unpacking")):
            with if_idle(leftover.with_name(leftover.name[1:].removesuffix(".unpacking"))) as idle:
                if idle:
                    yield Garbage(leftover, weight(leftover), "left by a killed command")

    def _checkpoints(self) -> Iterator[Garbage]:
        for kept in sorted((self.home / "stages").glob(f"*/.*{CHECKPOINT}")):
            key = kept.name.removeprefix(".").removesuffix(CHECKPOINT)
            with if_idle(kept.with_name(key)) as idle:
                if idle and any(damages_of_checkpoint(kept)):
                    yield Garbage(kept, kept.stat().st_size, "damaged")
                elif idle and self.unused_since is not None and kept.stat().st_mtime < self.unused_since:
                    why = "of a training that nobody went on with"
                    yield Garbage(kept, kept.stat().st_size, why, self._needed(key))

    def _stages(self) -> Iterator[Garbage]:
        for folder in chain.from_iterable(stage_folders(self.home).values()):
            with if_idle(folder) as idle:
                why = self._why(folder) if idle else None
                if why is not None:
                    yield Garbage(folder, weight(folder), why, self._needed(folder.name))

    def _why(self, folder: Path) -> str | None:
        """Why a stage may go; None where it may not."""
        if any(damages_in(folder)):
            return "damaged"
        lately = self.unused_since is None or _last_use(folder) >= self.unused_since
        return None if lately or folder.name in self.keep else "not used lately"

    def _leases(self) -> Iterator[Garbage]:
        for place in ("stages/*", "data"):
            for file in sorted(self.home.glob(f"{place}/.*{LEASE}*")):
                chain = claims(lease_path(file.with_name(file.name[1:].partition(LEASE)[0])))
                if not chain or self._is_gone(chain[-1].owner, chain[-1].file):
                    yield Garbage(file, 0, "the lease of a killed process")
            for file in sorted(self.home.glob(f"{place}/.*{OLD_LOCK}")):
                yield Garbage(file, 0, "the lock of an earlier version")

    def _drafts(self) -> Iterator[Garbage]:
        """What was being written to data and indices, where that was long ago."""
        for place in ("data", "index"):
            for folder, _, names in os.walk(self.home / place):
                for name in filter(DRAFT.fullmatch, names):
                    file = Path(folder, name)
                    if self._is_old(file):
                        yield Garbage(file, file.lstat().st_size, "left by a killed process")

    def _ended(self) -> Iterator[Garbage]:
        at_work = {running.file for running in self.running}
        for file in sorted((self.home / RUNNING).glob("*")):
            if file not in at_work:
                yield Garbage(file, 0, "of a command that was killed")


def garbage(home: Path, *, unused_since: float | None, keep: Sequence[Path]) -> Iterator[Garbage]:
    """Leftovers of killed processes, damaged stages, and stages not used since a time (seconds since 1970).

    Spared are the stages that the records of run folders in ``keep`` stand on.

    Raises:
        StoreError: a record there cannot be read.
    """
    yield from Cleaning(home, unused_since, _keys_of(home, keep)).found()


def _last_use(folder: Path) -> float:
    """When a run last finished or reused a stage, seconds since 1970."""
    return (folder / NOTE).stat().st_mtime


def _keys_of(home: Path, runs: Sequence[Path]) -> frozenset[str]:
    """Keys that the records of some run folders stand on, and those of what their stages read beside them."""
    keys: set[str] = set()
    for run in runs:
        for path in run.glob("cells/*.json"):
            for kind, key in load_record(path).keys.items():
                note = read_note(home / "stages" / kind / key) or {}
                keys |= {key, *note.get("reads", {}).values()}
    return frozenset(keys)


def remove(path: Path) -> None:
    """Unlink a stage or a file; a process that has mapped its files keeps them until it ends."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    (path / NOTE).unlink(missing_ok=True)  # first: a half-removed stage is never taken for a finished one
    shutil.rmtree(path)
