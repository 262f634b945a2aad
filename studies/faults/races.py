"""Several processes race for one suite: every stage is filed once, nobody fails, and all end with equal results.

``python -m studies.faults.races --processes 8`` races with the locks of the file system as they are, and again where
they do nothing; it prints what was done and ends with 1 where something was lost. What else is given are arguments of
``bench run``: a suite, ``smoke`` where there is none, and its options.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.runs.journal import events

NO_LOCKS = "import fcntl\nfcntl.flock = fcntl.lockf = lambda *_: None\n"
"""A ``sitecustomize.py`` for a file system whose locks do nothing."""
MEASURED = ("cost.", "reason")
"""How columns begin in which equal results may differ."""


@dataclass(frozen=True)
class Raced:
    """How a race ended: exit codes, stages filed and stages there by kind, works that came too late, all rows."""

    codes: Sequence[int]
    errors: Sequence[str]
    filed: Mapping[str, int]
    there: Mapping[str, int]
    late: int
    rows: Sequence[Mapping[str, str]]

    @property
    def lost(self) -> bool:
        """Whether a process failed, or a stage was filed twice or never."""
        return any(self.codes) or self.filed != self.there


def race(folder: Path, suite: Sequence[str], processes: int, *, locks: bool) -> Raced:
    """Run one suite from several processes at once, in a store and a run folder below ``folder``."""
    environment = {**os.environ, "BENCH_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
    if not locks:
        (folder / "sitecustomize.py").write_text(NO_LOCKS)
        environment["PYTHONPATH"] = str(folder)
    command = [sys.executable, "-P", "-m", "bench", "run", *suite, "--plain"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    racing = [subprocess.Popen(command, cwd=folder, env=environment, **quiet) for _ in range(processes)]
    errors = [process.communicate()[1].decode() for process in racing]
    (run,) = (folder / "runs").iterdir()
    told = [event for event in events(run) if event["event"] == "at"]
    filed = Counter(event["stage"] for event in told if event["note"] == "filed")
    there = Counter(path.parent.name for path in (folder / "home" / "stages").glob("*/[!.]*"))
    late = sum(event["stage"] == "late" for event in told)
    return Raced([process.returncode for process in racing], errors, filed, there, late, rows_of(run))


def rows_of(run: Path) -> list[Mapping[str, str]]:
    """The rows of a leaderboard without what is measured anew by each run."""
    with (run / "leaderboard.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: text for name, text in row.items() if not name.startswith(MEASURED)} for row in rows]


def main() -> int:
    """Race, and say how it ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=8)
    asked, suite = parser.parse_known_args()
    lost = False
    alone = None
    for locks, processes in ((True, 1), (True, asked.processes), (False, asked.processes)):
        with tempfile.TemporaryDirectory(prefix="bench-race-") as folder:
            raced = race(Path(folder), suite or ["smoke"], processes, locks=locks)
        alone = raced.rows if alone is None else alone
        failed = sum(code != 0 for code in raced.codes)
        equal = raced.rows == alone
        lost |= raced.lost or not equal
        sys.stdout.write(
            f"{processes} at once, locks {'as they are' if locks else 'that do nothing'}: {failed} failed, "
            f"{sum(raced.there.values())} stages, {sum(raced.filed.values())} filed, {raced.late} too late, "
            f"results {'equal' if equal else 'DIFFERENT'}\n"
        )
        for text in raced.errors if failed else ():
            sys.stdout.write(text)
    return int(lost)


if __name__ == "__main__":
    sys.exit(main())
