"""What lies damaged beside the records of a run: made again where it can be, and put aside where it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.catalog import Catalog
from bench.errors import Damaged
from bench.record import Record
from bench.runs.latencies import LATENCIES, latencies_in
from bench.runs.rescore import ScoreRequest, rescored
from bench.store.home import Places
from bench.store.replicates import read_replicates, replicates_file, write_replicates
from bench.suite.cells import Cell


def mended(
    folder: Path, cells: Sequence[Cell], records: Mapping[str, Record], catalog: Catalog, places: Places
) -> Iterator[str]:
    """Mend the replicates and latencies of a run folder whose ``records`` are sound; yields a line for each file."""
    lost = [cell for cell in cells if _is_damaged(replicates_file(folder, cell.id))]
    for cell in lost:
        replicates_file(folder, cell.id).unlink()
    late = {one.cell: one for one in rescored(lost, records, ScoreRequest(), catalog, places, replicates=True)}
    for path, one in ((replicates_file(folder, cell.id), late.get(cell.id)) for cell in lost):
        if one is not None and one.replicates is not None:
            write_replicates(path, one.replicates)
            yield f"{path}: was damaged and is made again"
        else:
            why = one.problem if one is not None else None
            yield f"{path}: was damaged and is removed ({why or 'its cell is not done'})"
    try:
        latencies_in(folder)
    except Damaged:
        aside = (folder / LATENCIES).rename(folder / f"damaged-{LATENCIES}")
        yield f"{folder / LATENCIES}: was damaged and is now {aside.name}; 'bench perf infer {folder}' measures again"


def _is_damaged(path: Path) -> bool:
    try:
        read_replicates(path)
    except Damaged:
        return True
    return False
