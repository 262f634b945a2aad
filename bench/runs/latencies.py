"""Latencies of a run's cells, measured after it: kept in its folder beside the records, and read with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.errors import Damaged
from bench.record import Latency, Record
from bench.store.store import SCHEMA, read_json, write_json

LATENCIES = "latency.json"
"""Cell id to what was measured: one of each machine, device, number of threads and batch, the newest last."""
CELLS = "cells"


def latencies_in(folder: Path) -> dict[str, list[Latency]]:
    """What was measured of the cells of a run folder, by cell id, the newest last.

    Raises:
        Damaged: the file holds something else.
    """
    path = folder / LATENCIES
    stored = read_json(path).get(CELLS) if path.is_file() else {}
    try:
        return {id: [Latency.model_validate(one) for one in found] for id, found in stored.items()}
    except (ValidationError, AttributeError, TypeError):
        raise Damaged(f"{path}: damaged; remove it and repeat 'bench perf infer {folder}'") from None


def keep_latencies(folder: Path, found: Mapping[str, Sequence[Latency]]) -> None:
    """Add what was measured, by cell id, in the place of what was measured in the same way before.

    What lies there damaged is replaced.
    """
    kept: dict[str, list[Latency]] = {}
    with suppress(Damaged):
        kept = latencies_in(folder)
    for id, new in found.items():
        ways = [_way(one) for one in new]
        kept[id] = [*(one for one in kept.get(id, ()) if _way(one) not in ways), *new]
    plain: dict[str, list[Any]] = {id: [one.plain() for one in known] for id, known in kept.items() if known}
    if plain:
        write_json(folder / LATENCIES, {"schema": SCHEMA, CELLS: plain})


def _way(one: Latency) -> tuple[object, ...]:
    return one.predict, one.machine, one.device, one.threads, one.batch


def with_latencies(folder: Path, records: Mapping[str, Record]) -> dict[str, Record]:
    """The records, each with the newest of its latencies that was measured with what the record is of.

    Raises:
        Damaged: the file of latencies is damaged.
    """
    known = latencies_in(folder)
    said = dict(records)
    for id, record in records.items():
        own = [one for one in known.get(id, ()) if one.predict == record.keys.get("predict")]
        if own:
            said[id] = record.changed(latency=own[-1].plain())
    return said
