"""A cell run again from its record, and the verdict."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.catalog import load_catalog
from bench.commands import repro
from bench.engine.invocation import Invocation
from bench.errors import BenchError, StoreError
from bench.record import Record, State, record_from, record_of
from bench.runs.repro import judged, suite_of
from bench.store.home import Places
from bench.store.store import read_object, write_json
from bench.suite.cells import asked, source_of
from bench.suite.resolved import suite_from_json
from bench.suite.schema import Pretrain, Ref, SplitFile
from sampling import whole_run
from tiny import bench

pytestmark = whole_run


def path_of(world: Path) -> Path:
    return sorted((world / "runs" / "tiny" / "cells").glob("*.json"))[0]


def record(f1: float, **more: Any) -> Record:
    """A finished cell with an interval over groups that holds every F1."""
    scores = {split: {"f1": f1, "f1_interval": [0.0, 1.0], "positive_share": 0.1} for split in ("validation", "test")}
    return record_of(**{"id": "aa", "state": State.OK, "scores": scores, "cost": {"train_s": f1}, **more})


def seeds_of(*scores: float) -> list[Record]:
    """One cell with so many seeds; the first is the one that is run again."""
    return [record(f1, id=f"{number:02x}") for number, f1 in enumerate(scores)]


def test_a_cell_of_the_store_comes_out_identical_in_a_fresh_one(ran_world: Path) -> None:
    done = bench(ran_world, "repro", path_of(ran_world).stem[:8], "--plugin", "models.py")
    assert done.returncode == 0, done.stderr + done.stdout
    assert ": identical" in done.stdout
    assert "otherwise: nothing that is recorded" in done.stdout


def test_the_record_alone_says_what_was_asked(ran_world: Path, tmp_path: Path) -> None:
    path = tmp_path / "run" / "cells" / path_of(ran_world).name
    path.parent.mkdir(parents=True)
    shutil.copy(path_of(ran_world), path)
    stored = json.loads(path.read_text())
    (cell,) = suite_of(path, record_from(stored, "c1")).cells
    assert (cell.id, asked(cell)) == (stored["id"], stored["cell"])


@pytest.fixture
def pretrained(ran_world: Path, tmp_path: Path) -> Path:
    """A record whose cell and whose pretraining run have a split file each, beside its suite."""
    run = tmp_path / "run"
    path = run / "cells" / path_of(ran_world).name
    path.parent.mkdir(parents=True)
    suite = read_object(ran_world / "runs" / "tiny" / "suite.json")
    stored = read_object(path_of(ran_world))
    files = {name: {"file": str(tmp_path / f"{name}.csv"), "digest": name * 16} for name in ("aa", "bb")}
    source = Pretrain(dataset=Ref(use="folder"), split=SplitFile(**files["bb"]))
    row = next(row for row in suite["suite"]["cells"] if row["id"] == stored["id"])
    tables = suite["suite"]["tables"]
    tables["protocol"][row["at"][-1]]["split"] = files["aa"]
    row["at"][1] = len(tables["pretrain"])
    tables["pretrain"].append(json.loads(source.model_dump_json()))
    (cell,) = (one for one in suite_from_json(suite["suite"]).cells if one.id == stored["id"])
    stored["cell"] = asked(cell)
    write_json(run / "suite.json", suite)
    write_json(path, stored)
    return path


def test_the_split_files_of_a_cell_and_of_its_source_are_those_of_the_suite(pretrained: Path) -> None:
    stored = json.loads(pretrained.read_text())
    (cell,) = suite_of(pretrained, record_from(stored, "c1")).cells
    source = source_of(cell)
    assert source is not None
    splits = [one.protocol.split for one in (cell, source)]
    assert [Path(split.file).name for split in splits if isinstance(split, SplitFile)] == ["aa.csv", "bb.csv"]
    assert asked(cell) == stored["cell"]


def test_a_split_file_that_no_suite_names_is_one_line(pretrained: Path) -> None:
    stored = json.loads(pretrained.read_text())
    stored["cell"]["protocol"]["split"] = "grouped"
    (pretrained.parent.parent / "suite.json").unlink()
    with pytest.raises(StoreError, match=r"no suite\.json beside the record says which") as caught:
        suite_of(pretrained, record_from(stored, "c1"))
    assert "\n" not in str(caught.value)


def unknown_setting(asked: dict[str, Any]) -> None:
    asked["recipe"]["warp"] = 9


def axes_in_a_list(asked: dict[str, Any]) -> None:
    asked["axes"] = []


def a_split_of_no_form(asked: dict[str, Any]) -> None:
    asked["axes"]["pretrain"] = {"dataset": {"use": "folder"}, "split": {"half": 1}}


@pytest.mark.parametrize("spoil", [unknown_setting, axes_in_a_list, a_split_of_no_form])
def test_a_record_that_this_version_cannot_read_is_one_line(ran_world: Path, spoil: Any) -> None:
    stored = json.loads(path_of(ran_world).read_text())
    spoil(stored["cell"])
    with pytest.raises(StoreError, match="does not say what was asked as this version knows it") as caught:
        suite_of(path_of(ran_world), record_from(stored, "c1"))
    assert "\n" not in str(caught.value)
    assert not any(word in str(caught.value) for word in ("pydantic", "validation error", "input_type"))


def test_equal_scores_are_identical_whatever_they_cost() -> None:
    assert judged(record(0.5), record(0.5, cost={"train_s": 99}), []).verdict == "identical"


@given(st.floats(0, 1))
def test_without_three_seeds_only_rounding_is_noise_however_much_groups_scatter(f1: float) -> None:
    for others in ([], seeds_of(0.5, 0.7)):
        found = judged(record(0.5), record(f1), others[1:])
        assume(abs(abs(f1 - 0.5) - 0.001) > 1e-9)
        assert found.verdict == ("identical" if f1 == 0.5 else "within noise" if abs(f1 - 0.5) < 0.001 else "different")
        assert found.verdict == "identical" or "noise is not known" in found.notes[0]


@given(st.lists(st.floats(0.2, 0.8), min_size=3, max_size=8), st.floats(0, 1))
def test_with_three_seeds_noise_is_what_two_of_them_differ_by(scores: list[float], f1: float) -> None:
    stored, *others = seeds_of(*scores)
    spread = min(np.std([*scores[1:], value], ddof=1) for value in (scores[0], f1))
    allowed = max(0.001, scipy.stats.t.ppf(0.975, len(scores) - 1) * np.sqrt(2) * spread)
    assume(f1 != scores[0] and abs(abs(f1 - scores[0]) - allowed) > 1e-9)
    verdict = judged(stored, record(f1, id=stored.id), [stored, *others]).verdict
    assert verdict == ("within noise" if abs(f1 - scores[0]) < allowed else "different")


@pytest.mark.parametrize("fall", [-0.07, 0.07])
@pytest.mark.parametrize("scores", [(0.57, 0.58, 0.56), (0.57, 0.58, 0.56, 0.575, 0.565), (0.57, 0.58), (0.57,)])
def test_the_weights_of_a_run_seven_points_away_are_different_where_seeds_scatter_by_one(
    scores: tuple[float, ...], fall: float
) -> None:
    """Whether the rerun is the odd one, or the record that it is held against."""
    stored, *others = seeds_of(*scores)
    odd = record(scores[0] + fall, id=stored.id)
    assert judged(stored, odd, [stored, *others]).verdict == "different"
    assert judged(odd, stored, [odd, *others]).verdict == "different"


def test_another_seed_of_the_cell_is_within_its_noise() -> None:
    stored, *others = seeds_of(0.57, 0.58, 0.56)
    found = judged(stored, record(0.58, id=stored.id), [stored, *others])
    assert found.verdict == "within noise"
    assert "1.00 over 3 seeds, so up to 6.08 is noise" in found.notes[0]


def test_a_split_without_a_defect_has_no_f1_to_compare() -> None:
    bare = {"f1": 0.0, "positive_share": 0.0, "f1_half": 0.1}
    stored, made = (
        record(0.5, scores={"validation": {"f1": f1, "positive_share": 0.1}, "test": bare}) for f1 in (0.5, 0.5002)
    )
    found = judged(stored, made, [])
    assert found.verdict == "within noise"
    assert found.notes[1] == "F1 test: no value to compare"


def test_one_split_beyond_noise_is_different() -> None:
    scores = record(0.5).plain_scores
    made = record(0.5, scores={**scores, "validation": {"f1": 0.1}})
    assert judged(record(0.5), made, []).verdict == "different"


def test_a_rerun_that_fails_is_different_with_its_reason() -> None:
    found = judged(record(0.5), record_of(id="aa", state="oom", reason="out of memory"), [])
    assert found.verdict == "different"
    assert "out of memory" in found.notes[0]


def test_scores_made_later_are_not_held_against_the_rerun() -> None:
    scores = record(0.5).plain_scores
    stored = record(0.5, scores={**scores, "test": {**scores["test"], "late": 0.3}})
    found = judged(stored, record(0.5), [])
    assert (found.verdict, found.missing) == ("identical", ("scores.test.late",))


def test_another_choice_of_a_baseline_is_a_change() -> None:
    found = judged(record(0.5, choice="bright"), record(0.5, choice="dark"), [])
    assert [change.name for change in found.changed] == ["choice"]


def test_another_device_and_other_versions_are_listed() -> None:
    one, two = ({"device": d, "packages": {"torch": v}} for d, v in (("cpu", "1"), ("gpu", "2")))
    found = judged(record(0.5, provenance=one), record(0.5, provenance=two), [])
    assert found.origin == ("device: cpu -> gpu", "packages.torch: 1 -> 2")


def invocation(world: Path, data: str, *plugins: Path) -> Invocation:
    return Invocation(load_catalog(plugins), Places(world / "home", world / "runs", {"folder": data}))


def test_absent_data_are_one_line(ran_world: Path) -> None:
    here = invocation(ran_world, str(ran_world / "nowhere"), ran_world / "models.py")
    with pytest.raises(BenchError, match="nowhere") as caught:
        repro(path_of(ran_world), invocation=here)
    assert "\n" not in str(caught.value)


def test_an_absent_plugin_is_one_line(ran_world: Path) -> None:
    here = invocation(ran_world, str(ran_world / "parts"))
    with pytest.raises(BenchError, match="no plugin offers a model called 'tiny'") as caught:
        repro(path_of(ran_world), invocation=here)
    assert "\n" not in str(caught.value)


def test_a_cell_that_never_finished_is_refused(tmp_path: Path, ran_world: Path) -> None:
    path = tmp_path / "cells" / "aa.json"
    path.parent.mkdir()
    write_json(path, {**read_object(path_of(ran_world)), "state": "failed"})
    with pytest.raises(StoreError, match="only a finished cell"):
        repro(path)
