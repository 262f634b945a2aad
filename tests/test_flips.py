"""A changed byte or a cut at a random place of any file is healed by a repeat of the run, or harmless."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studies.faults.flips import Fault, faults_of, kinds_of, look, outcome, outcomes
from studies.faults.world import World, finished_world

EACH = 10
"""Faults of one seed; ``python -m studies.faults.flips`` tries as many as it is told to."""

KINDS = {
    "home/stages/images/ID/images.h5",
    "home/stages/predict/ID/image_metrics.json",
    "home/stages/predict/ID/stage.json",
    "home/stages/predict/ID/test.npz",
    "home/stages/train/ID/best.safetensors",
    "home/stages/train/ID/history.json",
    "home/stages/train/ID/last.safetensors",
    "runs/small/cells/ID.json",
    "runs/small/latency.json",
    "runs/small/outdated.json",
    "runs/small/replicates/ID.npz",
    "runs/small/suite.json",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return finished_world(tmp_path_factory.mktemp("flips"))


@pytest.mark.parametrize("seed", range(6))
def test_no_fault_is_shown_as_a_score_and_none_is_a_dead_end(world: World, seed: int) -> None:
    faults = faults_of(world, EACH, np.random.default_rng(seed))
    assert [(one.fault.text, one.why) for one in outcomes(world, faults) if one.verdict == "lost"] == []


def test_a_run_leaves_a_file_of_every_kind(world: World) -> None:
    assert set(kinds_of(world)) >= KINDS


def test_a_trial_knows_what_is_healed_harmless_and_lost(world: World, tmp_path: Path) -> None:
    seen = look(world)
    (record,) = kinds_of(world)["runs/small/cells/ID.json"]
    healed = outcome(world, seen, Fault(record, 2000, 1), tmp_path / "healed")
    assert (healed.verdict, healed.why) == ("healed", "")
    table = Fault(Path("runs/small/leaderboard.md"), 10, 1)
    assert outcome(world, seen, table, tmp_path / "harmless").verdict == "harmless"
    lost = outcome(world, {**seen, "scores": "others"}, table, tmp_path / "lost")
    assert (lost.verdict, lost.why[:34]) == ("lost", "scores differs and does not name t")
