"""What is prepared needs no GPU and is found by the run; shards that share nothing merge to the undivided run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.commands import merge
from sampling import whole_run
from tiny import Done, bench, write_world

PLUGIN = ("--plugin", "models.py")


def measured(run: Path) -> dict[str, Any]:
    """State, scores and keys of every cell of a run folder."""
    records = [json.loads(path.read_text()) for path in sorted((run / "cells").glob("*.json"))]
    return {record["id"]: (record["state"], record["scores"], record["keys"]) for record in records}


def stages(folder: Path) -> dict[str, set[str]]:
    """Keys of what is in the store, by kind."""
    return {kind.name: {path.name for path in kind.iterdir()} for kind in (folder / "home" / "stages").iterdir()}


@whole_run
def test_a_run_finds_what_was_prepared_and_adds_only_what_is_learned(tmp_path: Path) -> None:
    write_world(tmp_path)
    models = ("-x", "axes.model=[tiny, otsu]")
    prepared = bench(tmp_path, "prepare", "tiny.yaml", *PLUGIN, *models)
    assert prepared.returncode == 0, prepared.stderr
    assert "2 of 2: folder, " in prepared.stderr
    assert not (tmp_path / "runs").exists()
    before = stages(tmp_path)
    assert {kind: len(keys) for kind, keys in before.items()} == {"images": 1, "tiles": 1, "crops": 2}
    again = bench(tmp_path, "prepare", "tiny.yaml", *PLUGIN, *models)
    assert (again.returncode, stages(tmp_path)) == (0, before)
    done = bench(tmp_path, "run", "tiny.yaml", *PLUGIN, *models)
    assert done.returncode == 0, done.stderr
    assert {kind: keys for kind, keys in stages(tmp_path).items() if kind in before} == before


def test_what_cannot_be_prepared_is_told(tmp_path: Path) -> None:
    write_world(tmp_path)
    (tmp_path / "parts" / "images" / "part03.png").write_bytes(b"no picture")
    done = bench(tmp_path, "prepare", "tiny.yaml", *PLUGIN)
    assert (done.returncode, "internal error" in done.stderr) == (3, False)
    assert "part03.png" in done.stderr
    assert "but for 2 parts" in done.stdout


@whole_run
def test_shards_that_share_nothing_merge_to_the_undivided_run(tmp_path: Path) -> None:
    runs = []
    for number in (1, 2):
        folder = tmp_path / f"machine{number}"
        write_world(folder)
        assert shard(folder, f"{number}/2").returncode == 0
        runs.append(folder / "runs" / "tiny")
        assert len(measured(runs[-1])) == 1
    whole = tmp_path / "whole"
    write_world(whole)
    assert bench(whole, "run", "tiny.yaml", *PLUGIN).returncode == 0
    merged = merge(runs, to=tmp_path / "merged")
    assert (merged.records, merged.cells) == (2, 2)
    assert measured(tmp_path / "merged") == measured(whole / "runs" / "tiny")


def shard(folder: Path, which: str) -> Done:
    return bench(folder, "run", "tiny.yaml", *PLUGIN, "--shard", which)


@pytest.mark.parametrize("which", ["0/2", "3/2", "2", "a/b", "1/0", "", "1/2/3", "-1/2"])
def test_what_is_no_shard_is_told_with_an_example(tmp_path: Path, which: str) -> None:
    write_world(tmp_path)
    done = shard(tmp_path, which)
    assert done.returncode == 2
    assert "write I/N with I from 1 to N" in done.stderr
