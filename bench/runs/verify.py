"""What is damaged in a run folder: every file that is read again, by its digest or its own checksums."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.runs.folder import CELLS, OUTDATED, SUITE, is_run, outdated_in, read_run
from bench.runs.latencies import LATENCIES, latencies_in
from bench.runs.rescore import LATE, read_late
from bench.store.cache import Check, failed
from bench.store.records import load_record
from bench.store.replicates import REPLICATES, read_replicates


def run_damages(folder: Path) -> Iterator[str]:
    """What is wrong with a run folder, one line each: suite, records, and what lies beside them.

    Tables and pictures are not among them: every run writes them anew.
    """
    checks: list[Check] = [(folder / SUITE, lambda path: read_run(path.parent))]
    checks += [(path, load_record) for path in sorted((folder / CELLS).glob("[!.]*.json"))]
    checks += [(path, read_replicates) for path in sorted((folder / REPLICATES).glob("[!.]*.npz"))]
    checks += [(path, read_late) for path in sorted((folder / LATE).glob("[!.]*.json"))]
    checks += [(folder / OUTDATED, lambda path: outdated_in(path.parent))]
    checks += [(folder / LATENCIES, lambda path: latencies_in(path.parent))]
    yield from failed(checks)


def runs_below(folder: Path) -> list[Path]:
    """A run folder, or those directly below a folder of runs."""
    return [folder] if is_run(folder) else [path.parent for path in sorted(folder.glob(f"*/{SUITE}"))]
