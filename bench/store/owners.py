"""Who is at work: a process as a file names it, whether it is there still, and the signs of life that it gives."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

BEAT_S = 10.0
"""Seconds between two signs of life of an owner."""
MISSED = 6
"""So many missing signs of life are taken for a death."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that is at work since a time (seconds since 1970) and gives a sign of life every ``beat_s`` seconds.

    ``boot`` is the run of the system that numbers its processes, ``born`` when this one began there; both are empty
    where a system does not tell. ``token`` is like no other.
    """

    host: str
    pid: int
    boot: str
    born: str
    since: float
    beat_s: float
    token: str

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.since))
        return f"process {self.pid} on {self.host} (since {since})"

    @property
    def is_here(self) -> bool:
        """Whether this system knows of its process: that of another machine, or of before a restart, it does not."""
        return (self.host, self.boot) == (socket.gethostname(), boot_of_system())

    @property
    def is_dead(self) -> bool:
        """Whether its process is known to have ended."""
        return self.is_here and not is_process(self.pid, self.born)

    @property
    def patience_s(self) -> float:
        """Seconds without a sign of life after which it is taken for dead."""
        return MISSED * self.beat_s

    def as_bytes(self) -> bytes:
        """JSON on a line."""
        return json.dumps(asdict(self)).encode() + b"\n"


def this_process() -> Owner:
    """This process as an owner, with a new token."""
    pid = os.getpid()
    born = _birth(pid) or ""
    return Owner(socket.gethostname(), pid, boot_of_system(), born, time.time(), BEAT_S, uuid4().hex)


def owner_from(content: bytes) -> Owner | None:
    """The inverse of :meth:`Owner.as_bytes`; None where it is not whole."""
    try:
        return owner_of(json.loads(content))
    except (ValueError, RecursionError):
        return None


def owner_of(value: object) -> Owner | None:
    """An owner from its fields in JSON; None where one is missing or of another type."""
    if not isinstance(value, Mapping):
        return None
    given: dict[str, Any] = {field.name: value.get(field.name) for field in fields(Owner)}
    texts = [given[name] for name in ("host", "boot", "born", "token")]
    numbers = [given[name] for name in ("pid", "since", "beat_s")]
    if not all(isinstance(one, str) for one in texts) or not all(type(one) in (int, float) for one in numbers):
        return None
    owner = Owner(**given)
    return owner if owner.token.isalnum() and isinstance(owner.pid, int) and 0 < owner.pid < 2**31 else None


def clock_of(folder: Path) -> float:
    """What time it is on the disk of a folder: another machine may keep it."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return time.time()


@contextmanager
def beating(file: Callable[[], Path]) -> Iterator[None]:
    """Give signs of life by touching a file, the one that ``file`` returns at the time."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT_S):
            with suppress(OSError):
                os.utime(file())

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def is_process(pid: int, born: str = "") -> bool:
    """Whether a process of this machine is there, not only as what its parent has yet to take note of.

    ``born`` tells it from a later one of the same number, where it is known.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    now = _birth(pid)
    return now is None or (now != "" and born in ("", now))


def _birth(pid: int) -> str | None:
    """When a process began, as the system counts; empty when it has ended, None where the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1")
    except OSError:
        return None
    state, *others = stat.rpartition(")")[2].split()  # its name may hold anything
    return "" if state in "ZX" else others[18]  # proc(5): fields 3 and 22


@cache
def boot_of_system() -> str:
    """The start of this system, and the numbering of processes within it; empty where it does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
