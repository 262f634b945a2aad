"""One trial: a world in which something goes wrong once, what the repeated command makes of it, and what is left."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from tempfile import TemporaryDirectory
from typing import Any

from bench.store.garbage import Cleaning
from studies.faults import shell

LIMIT_S = 300.0
"""Seconds after which a command is taken to hang."""
LATER_S = 7200.0
"""Seconds by which what was left is aged before the command is repeated: nobody can be at work on it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended: ``lost`` says in a line what was not as it must be, or is empty."""

    what: str
    lost: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Undisturbed:
    """A world in which the run went through: what its records say, how many steps it took, how many seconds."""

    folder: Path
    measured: dict[str, Any]
    steps: int
    seconds: float


@contextmanager
def undisturbed() -> Iterator[Undisturbed]:
    """A finished world, gone afterwards."""
    with TemporaryDirectory(prefix="bench-faults-") as place:
        folder = Path(place)
        shell.write_world(folder)
        began = os.times().elapsed
        process = shell.started(folder)
        code = process.wait(LIMIT_S)
        if code:
            raise SystemExit(f"the undisturbed run ended with {code}:\n{shell.said(folder)}")
        yield Undisturbed(folder, shell.measured(folder), len(shell.steps(folder)), os.times().elapsed - began)


@contextmanager
def fresh(whole: Undisturbed) -> Iterator[Path]:
    """A world in which nothing has run, gone afterwards with all that runs there."""
    with TemporaryDirectory(prefix="bench-fault-") as place:
        folder = Path(place)
        shutil.copytree(whole.folder / "parts", folder / "parts")
        for name in ("models.py", "tiny.yaml"):
            shutil.copy2(whole.folder / name, folder / name)
        try:
            yield folder
        finally:
            for pid in at_work(folder):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@contextmanager
def finished(whole: Undisturbed) -> Iterator[Path]:
    """A copy of the world in which the run went through, gone afterwards."""
    with fresh(whole) as folder:
        for name in ("home", "runs"):
            shutil.copytree(whole.folder / name, folder / name)
        yield folder


def ended(process: Popen[bytes]) -> int | None:
    """The exit code of a command; None where it hangs, and then its group is killed."""
    try:
        return process.wait(LIMIT_S)
    except TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return None


def repeated(folder: Path, whole: Undisturbed) -> str:
    """Repeat the command two hours later; what is not as after the undisturbed run, or an empty text.

    What was left may stay until ``bench cache gc`` takes it away.
    """
    for path in leftovers(folder):
        os.utime(path, (path.stat().st_atime - LATER_S, path.stat().st_mtime - LATER_S))
    code = ended(shell.started(folder))
    heard = shell.said(folder)
    if code is None:
        return f"the repeated command hangs: {heard[-500:]}"
    if "Traceback" in heard or "internal error" in heard:
        return f"an internal error: {heard[-1500:]}"
    if code:
        return f"the repeated command ended with {code}: {heard[-1500:]}"
    other = _difference(whole.measured, shell.measured(folder))
    if other:
        return f"not as undisturbed: {other}"
    left = at_work(folder)
    if left:
        return f"processes are left: {left}"
    garbage = {one.path for one in Cleaning(folder / "home", None, frozenset()).found()}
    return "; ".join(f"{path.relative_to(folder)} is left" for path in leftovers(folder) if path not in garbage)


def _difference(one: Any, other: Any, place: str = "") -> str:
    """Where two values differ first, and how; empty where they are equal."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return next(filter(None, (_difference(one[key], other[key], f"{place}/{key}") for key in one)), "")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return next(filter(None, (_difference(*pair, f"{place}/{number}") for number, pair in pairs)), "")
    return "" if one == other else f"{place}: {one!r:.200} and {other!r:.200}"


def leftovers(folder: Path) -> list[Path]:
    """What only a running command may have: unfinished files and folders, checkpoints, leases."""
    places = (folder / "home" / "stages", folder / "runs")
    found = [path for place in places for path in place.rglob(".*")]
    return [path for path in found if path.suffix in (".tmp", ".checkpoint") or ".lease" in path.name]


def at_work(folder: Path) -> list[int]:
    """Processes whose environment names the store of a world."""
    mark = f"BENCH_HOME={folder / 'home'}\0".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in path.read_bytes() and not _is_zombie(path.parent):
                found.append(int(path.parent.name))
    return found


def workers(folder: Path) -> list[int]:
    """Worker processes of a world."""
    found = []
    for pid in at_work(folder):
        with suppress(OSError):
            if b"bench.engine.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def stage_at(folder: Path) -> str:
    """The stage that the journal of a world names last; ``start`` before any."""
    from bench.runs.journal import events

    told = [event.get("stage") for event in events(folder / "runs" / "tiny")]
    return next((str(stage) for stage in reversed(told) if stage), "start")


def _is_zombie(process: Path) -> bool:
    return (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
