"""Run time changes no number: neither workers nor cores, only what a recipe asks for, with an id of its own."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.catalog import load_catalog
from bench.suite.cells import asked
from bench.suite.reading.load import load_suite
from sampling import whole_run
from test_old_runs import digest_of
from tiny import bench, write_world

THREE_CELLS = ("-x", "axes.crop=uniform", "-x", "axes.seed=[0,1,2]")


def made(folder: Path) -> dict[str, Any]:
    """Cell id to all that must not depend on the run time: scores, weights and evidence, to the bit."""
    found = {}
    for path in sorted((folder / "runs" / "tiny" / "cells").glob("*.json")):
        record = json.loads(path.read_text())
        stages = {kind: folder / "home" / "stages" / kind / key for kind, key in record["keys"].items()}
        weights = (stages["train"] / "best.safetensors").read_bytes()
        found[path.stem] = {
            "state": record["state"],
            "scores": record["scores"],
            "convergence": record["convergence"],
            "draw": record["draw"],
            "threads": record["provenance"]["threads"],
            "weights": hashlib.sha256(weights).hexdigest(),
            "history": (stages["train"] / "history.json").read_text(),
            "evidence": [digest_of(stages["predict"] / f"{split}.npz") for split in ("validation", "test")],
        }
    return found


def ran(folder: Path, cores: int, *arguments: str) -> dict[str, Any]:
    """What a suite of three cells leaves on a machine of so many cores."""
    write_world(folder, side=96)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
        done = bench(folder, "run", "tiny.yaml", "--plugin", "models.py", *THREE_CELLS, *arguments)
    assert done.returncode == 0, done.stderr
    return made(folder)


@whole_run
def test_scores_weights_and_evidence_are_the_same_for_any_number_of_workers_and_cores(tmp_path: Path) -> None:
    alone = ran(tmp_path / "alone", 1, "-x", "runtime.workers=1")
    assert [cell["threads"] for cell in alone.values()] == [1, 1, 1]
    others: Mapping[str, tuple[int, tuple[str, ...]]] = {
        "two workers of two cores": (2, ("-x", "runtime.workers=2")),
        "one worker of eight cores": (8, ("-x", "runtime.workers=1")),
        "three workers, what eight cores have for three cells": (8, ()),
    }
    for name, (cores, arguments) in others.items():
        assert ran(tmp_path / name, cores, *arguments) == alone, name


@whole_run
def test_more_threads_are_asked_for_by_a_recipe_and_have_ids_of_their_own(tmp_path: Path) -> None:
    (few, many) = (ran(tmp_path / str(n), n, "-x", "recipe.threads=2", "-x", "runtime.workers=1") for n in (1, 8))
    assert few == many
    assert [cell["threads"] for cell in few.values()] == [2, 2, 2]
    write_world(tmp_path / "plain")
    catalog = load_catalog([tmp_path / "plain" / "models.py"])
    plain, two = (
        load_suite(tmp_path / "plain" / "tiny.yaml", catalog, overrides=[*THREE_CELLS[1::2], f"recipe.threads={n}"])
        for n in (1, 2)
    )
    assert {cell.id for cell in two.cells} == set(few)
    assert not {cell.id for cell in plain.cells} & set(few)
    assert [asked(cell)["recipe"].get("threads") for cell in (plain.cells[0], two.cells[0])] == [None, 2]
