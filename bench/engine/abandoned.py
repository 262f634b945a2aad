"""What commands that were killed have left with a queue: a folder, and jobs whose answers nobody reads."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.component import guarded
from bench.errors import PluginError
from bench.files import whole_file
from bench.launcher import Launcher, Queue
from bench.store.home import writing
from bench.store.owners import Owner, beating, clock_of, owner_from, this_process

OWNER = "owner.json"
"""Whose folder it is; touched while the command lives."""
STARTED = "started.txt"
"""A line that names the queue, then the ids of what was started, one a line."""
SILENT_S = 600.0
"""Seconds without a sign of life after which a command of another machine is taken for dead."""


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Make a folder that says whose it is, and give signs of life there.

    Raises:
        StoreError: it cannot be made or written.
    """
    with writing(folder / OWNER), whole_file(folder / OWNER) as file:
        file.write(this_process().as_bytes())
    with beating(lambda: folder / OWNER):
        yield


def note_started(folder: Path, queue: Queue, ids: Collection[str]) -> None:
    """Keep ids, so that the next command can stop what was started where this one is killed."""
    path = folder / STARTED
    with writing(path), path.open("a", encoding="utf-8") as file:
        if file.tell() == 0:
            file.write(f"{_name(queue)}\n")
        file.writelines(f"{id}\n" for id in ids)


def started_in(folder: Path) -> Sequence[str]:
    """Ids of what was started by the command whose folder it is."""
    path = folder / STARTED
    return path.read_text(encoding="utf-8").splitlines()[1:] if path.is_file() else ()


def clear_abandoned(jobs: Path, built: Launcher | Queue) -> Iterator[str]:
    """Stop what dead commands have queued and remove their folders, below that of the jobs of a run; says so.

    A job that begins without its order does nothing, so one that cannot be stopped from here does no harm.
    """
    for left in _left_in(jobs):
        ids = started_in(left.folder)
        how = "is let go"
        if isinstance(built, Queue) and ids and _queue_in(left.folder) == _name(built):
            how = "was stopped"
            try:
                guarded("stop() of the launcher", built.stop, ids)
            except PluginError as error:
                how = f"could not be stopped ({error})"
        shutil.rmtree(left.folder, ignore_errors=True)
        if ids:
            yield f"what {left.owner} left in the queue when it was killed {how}"


@dataclass(frozen=True, slots=True)
class _Left:
    folder: Path
    owner: Owner


def _left_in(jobs: Path) -> Iterator[_Left]:
    """Folders whose commands are dead."""
    for file in sorted(jobs.glob(f"*/{OWNER}")):
        with suppress(OSError):
            owner = owner_from(file.read_bytes())
            if owner is not None and _is_gone(owner, file):
                yield _Left(file.parent, owner)


def _is_gone(owner: Owner, file: Path) -> bool:
    if owner.is_here:
        return owner.is_dead
    return clock_of(file.parent) - file.stat().st_mtime > SILENT_S


def _queue_in(folder: Path) -> str:
    return (folder / STARTED).read_text(encoding="utf-8").partition("\n")[0]


def _name(queue: Queue) -> str:
    """What tells queues apart whose ids mean different things."""
    return f"{type(queue).__module__}.{type(queue).__qualname__}"
