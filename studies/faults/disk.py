"""A disk that is full from some write on, a power cut that loses what was not synced, and a clock that jumps."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from studies.faults import shell
from studies.faults.shim import Shim, compiled
from studies.faults.trial import Outcome, Undisturbed, at_work, ended, fresh, repeated

NEVER = 1 << 62
JUMPS_S = (-86400 * 365, -3600, -5, 5, 3600, 86400 * 365)


def full(whole: Undisturbed, rng: random.Random) -> Outcome:
    """Every write from a random one on fails; then there is room again, and the command is repeated."""
    with fresh(whole) as folder:
        shim = Shim(_library(), folder)
        at = rng.randrange(1, _changes(whole))
        code = ended(shell.started(folder, environment=shim.environment("full", at)))
        heard = shell.said(folder)
        lost = "it hangs" if code is None else _internal(heard) or repeated(folder, whole)
        return Outcome("disk full", f"from write {at} on: {lost}" if lost else "")


def cut(whole: Undisturbed, rng: random.Random) -> Outcome:
    """The power goes at a random change of a file; what was not synced is lost in part."""
    with fresh(whole) as folder:
        shim = Shim(_library(), folder)
        at = rng.randrange(1, _changes(whole))
        process = shell.started(folder, environment=shim.environment("cut", at))
        while process.poll() is None and shim.changes < at:
            with suppress(Exception):
                process.wait(0.01)
        for pid in at_work(folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        Changes.read(shim.log).lose(rng)
        lost = repeated(folder, whole)
        return Outcome("power cut", f"at change {at}: {lost}" if lost else "")


def clock(whole: Undisturbed, rng: random.Random) -> Outcome:
    """The clock jumps while the run is at work; the run itself goes through."""
    with fresh(whole) as folder:
        shim = Shim(_library(), folder)
        at, jump = rng.randrange(1, _changes(whole)), rng.choice(JUMPS_S)
        code = ended(shell.started(folder, environment=shim.environment("clock", at, jump)))
        lost = f"ended with {code}: {shell.said(folder)[-500:]}" if code != 0 else repeated(folder, whole)
        return Outcome("clock jumps", f"by {jump} s at change {at}: {lost}" if lost else "")


@dataclass(slots=True)
class Changes:
    """What a file system may forget: bytes since a file was last synced, and new names since its folder was."""

    unsynced: dict[str, int] = field(default_factory=dict)
    renamed: list[tuple[str, str]] = field(default_factory=list)

    @staticmethod
    def read(log: Path) -> Changes:
        """What was at risk at the end of a log."""
        changes, synced = Changes(), dict[str, int]()
        for line in log.read_text().splitlines():
            what, one, two = line.split("\t")
            if what == "W":
                changes.unsynced[one] = synced.get(one, 0)
            elif what == "S" and not one:
                changes = Changes()
            elif what == "S":
                synced[one] = int(two)
                changes.unsynced.pop(one, None)
                changes.renamed = [pair for pair in changes.renamed if str(Path(pair[1]).parent) != one]
            else:
                changes.unsynced = {_moved(path, one, two): size for path, size in changes.unsynced.items()}
                synced = {_moved(path, one, two): size for path, size in synced.items()}
                if what == "N":
                    changes.renamed.append((one, two))
        return changes

    def lose(self, rng: random.Random) -> None:
        """Forget at random: the last new names, and the ends of files, which may be zeros instead."""
        for name, size in self.unsynced.items():
            path = Path(name)
            if path.is_file() and rng.random() < 0.7:
                held = path.read_bytes()
                kept = rng.randint(min(size, len(held)), len(held))
                path.write_bytes(held[:kept] + (b"\0" * (len(held) - kept) if rng.random() < 0.3 else b""))
        for old, new in reversed(self.renamed[rng.randint(0, len(self.renamed)) :]):
            if Path(new).exists() and not Path(old).exists():
                Path(new).rename(old)


def _moved(path: str, one: str, two: str) -> str:
    """Where a path is after a rename of it, or of a folder above it."""
    return two + path[len(one) :] if path == one or path.startswith(f"{one}/") else path


def _internal(heard: str) -> str:
    return f"an internal error: {heard[-1500:]}" if "Traceback" in heard or "internal error" in heard else ""


@cache
def _library() -> Path:
    return compiled(Path(mkdtemp(prefix="bench-faults-shim-")))


@cache
def _changes(whole: Undisturbed) -> int:
    """Changes of files that a run makes which meets no fault."""
    with fresh(whole) as folder:
        shim = Shim(_library(), folder)
        code = ended(shell.started(folder, environment=shim.environment("full", NEVER)))
        if code:
            raise SystemExit(f"beside the shim the run ended with {code}:\n{shell.said(folder)}")
        return shim.changes
