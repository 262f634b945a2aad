"""What Weights & Biases keeps offline is what the records say, read from its files by the layout that they have."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.catalog import load_catalog
from bench.testing import breaches
from trackers.conftest import Tracked

FILE_HEAD = 7
CHUNK_HEAD = struct.Struct("<IHB")
"""Checksum, length, and whether a chunk is a whole record or its first, a middle or its last part."""
BLOCK = 32 * 1024
WHOLE, LAST = 1, 4


def contents(path: Path) -> Iterator[bytes]:
    """The records of a file: a log of LevelDB behind a head of its own."""
    data = path.read_bytes()
    at, parts = FILE_HEAD, b""
    while at + CHUNK_HEAD.size <= len(data):
        if BLOCK - at % BLOCK < CHUNK_HEAD.size:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = CHUNK_HEAD.unpack_from(data, at)
        at += CHUNK_HEAD.size
        parts += data[at : at + length]
        at += length
        if kind in (WHOLE, LAST):
            yield parts
            parts = b""


class Kept:
    """A run as its file has it: rows of its history, its summary, its settings, how it ended."""

    def __init__(self, path: Path) -> None:
        from wandb.proto import wandb_internal_pb2

        self.history: list[dict[str, Any]] = []
        self.summary: dict[str, Any] = {}
        self.config: dict[str, Any] = {}
        self.code: int | None = None
        self.group = ""
        for content in contents(path):
            record = wandb_internal_pb2.Record.FromString(content)
            self.history += [values(record.history.item)] if record.history.item else []
            self.summary |= values(record.summary.update)
            self.config |= values(record.run.config.update)
            self.group = record.run.run_group or self.group
            if record.HasField("exit"):
                self.code = record.exit.exit_code


def values(items: Any) -> dict[str, Any]:
    """Names to values of the items of a record."""
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def of_cells(tracked: Tracked) -> dict[str, Kept]:
    """Cell id to its run: nothing was told twice, so each has one file."""
    logs = tracked.run / "observers" / "wandb" / "wandb"
    found = {}
    for id in tracked.records:
        (path,) = logs.glob(f"offline-run-*-{id}/run-{id}.wandb")
        found[id] = Kept(path)
    return found


def test_scores_and_costs_are_those_of_the_record_to_the_bit(tracked: Tracked) -> None:
    for id, run in of_cells(tracked).items():
        for name, value in tracked.numbers(id).items():
            assert run.summary[name] == value
        assert run.summary["state"] == "done"
        assert run.code == 0


def test_validations_are_those_of_the_history_to_the_bit(tracked: Tracked) -> None:
    for id, run in of_cells(tracked).items():
        for name in ("validation_f1", "validation_loss"):
            rows = [row for row in run.history if f"epoch/{name}" in row]
            written = {row["epoch/epoch"]: row[f"epoch/{name}"] for row in rows}
            assert written == tracked.history(id, name)
            assert len(rows) == len(written)


def test_settings_labels_and_the_group_are_those_of_the_cell(tracked: Tracked) -> None:
    cells = {cell.id: cell for cell in tracked.suite.cells}
    for id, run in of_cells(tracked).items():
        assert run.config["recipe.learning_rate"] == cells[id].recipe.learning_rate
        assert run.config["axes"] == dict(cells[id].labels)
        assert run.group == "tiny"


def test_pictures_and_leaderboards_are_kept(tracked: Tracked) -> None:
    logs = tracked.run / "observers" / "wandb" / "wandb"
    for id, record in tracked.records.items():
        kept = {path.read_bytes() for path in logs.glob(f"offline-run-*-{id}/files/media/images/**/*.png")}
        assert kept == {(tracked.run / "cells" / name).read_bytes() for name in record.pictures}
    assert len({path.name for path in logs.glob("offline-run-*-suite-*/files/leaderboard.*")}) > 3


def test_it_keeps_the_contract_of_observers(monkeypatch: pytest.MonkeyPatch, tracked: Tracked) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert breaches("observer", load_catalog().find("observer", "wandb").component) == []
