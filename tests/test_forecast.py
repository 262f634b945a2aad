"""What a run will cost: told from what was measured here, kept to while it runs, and refused where it cannot fit."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bench.catalog import Catalog, load_catalog
from bench.cli.costs import UNMEASURED, cost_lines
from bench.engine import fits
from bench.engine.few import Few
from bench.engine.forecast import Foreseer, chains_of, forecast
from bench.engine.invocation import Invocation, make_plan
from bench.engine.learned import values_of
from bench.engine.plan import Plan
from bench.engine.rates import MACHINE, Rates, key_of, rates_of
from bench.engine.work import passes_of, tiles_of, work_of
from bench.engine.workers import environments_of
from bench.errors import StoreError
from bench.store.home import Places
from bench.suite.reading.load import load_suite
from bench.suite.schema import Runtime
from bench.train.pace import pace
from bench.types import Record, Sample
from bench.words import duration
from tiny import bench, write_world

RATES = {
    "data": {"decode_mp_s": 10.0, "tiles_mp_s": 0.0},
    "crops": {"crops_mp_s": 0.0, "crop_s": 0.5},
    "learn": {"step_s": 2.0, "tile_s": 0.0, "fit_s": 3.0, "weights_bytes": 1000.0},
    "predict": {"tile_s": 0.0, "evidence_mp_s": 0.0, "ceiling_mp_s": 0.0, "fixed_s": 5.0, "evidence_bytes": 10.0},
    "memory": {"bytes": 3e9, "base_bytes": 1e9, "batch": 4, "weights_bytes": 0.0},
}
"""Rates that are easily added up by hand."""


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny world whose data are indexed, and nothing else."""
    folder = tmp_path_factory.mktemp("indexed")
    write_world(folder)
    assert bench(folder, "run", "tiny.yaml", "--plugin", "models.py", "-x", "axes.model=constant").returncode == 0
    return folder


@pytest.fixture(scope="module")
def plugged(indexed: Path) -> Catalog:
    return load_catalog([indexed / "models.py"])


def planned(folder: Path, catalog: Catalog, *overrides: str) -> tuple[Plan, Places]:
    suite = load_suite(folder / "tiny.yaml", catalog, overrides=overrides)
    places = Places(folder / "home", folder / "runs", suite.data)
    return make_plan(suite, Invocation(catalog, places)), places


def given(plan: Plan, places: Places, path: Path, workers: int) -> Rates:
    """The rates above for every cell of a plan."""
    rates = Rates(path, {})
    foreseer = Foreseer(plan, places, rates, workers)
    for chain in chains_of(plan, places):
        for kind, key in foreseer.keys(chain).items():
            rates.learn(kind, key, workers, RATES[kind])
    machine = {"rest_s": 1.0, "command_s": 2.0, "startup_s": 5.0, "results_bytes": 100.0}
    rates.learn("machine", key_of(MACHINE), workers, machine)
    return rates


def test_a_run_takes_what_its_stages_take_shared_ones_once_and_workers_at_the_same_time(
    indexed: Path, plugged: Catalog, tmp_path: Path
) -> None:
    plan, places = planned(indexed, plugged, "axes.seed=[0,1]")
    megapixels = 10 * 48 * 48 / 1e6
    done = (places.home / "stages" / "images").is_dir()
    cell = 64 * 0.5 + 4 * 4 * 2 + 3 + 5 + 1
    for workers, expected in ((1, 7 + 4 * cell), (2, 7 + 2 * cell), (4, 7 + cell), (9, 7 + cell)):
        cost = forecast(plan, places, given(plan, places, tmp_path / "r.json", workers), workers)
        first = 0.0 if done else 10 * megapixels
        assert cost.seconds == pytest.approx(expected, abs=first + 1e-6)
    assert [one.seconds for one in cost.jobs.values()][1:] == pytest.approx([cell] * 3)
    assert cost.disk("weights") == 4 * 2 * 1000
    assert cost.disk("results") == 400


def test_what_was_never_measured_is_said_and_not_guessed(indexed: Path, plugged: Catalog, tmp_path: Path) -> None:
    plan, places = planned(indexed, plugged)
    cost = forecast(plan, places, Rates(tmp_path / "none.json", {}), 2)
    assert (cost.seconds, cost.memory, len(cost.unmeasured)) == (None, None, 2)
    lines = list(cost_lines(plan, cost))
    assert lines == [f"  time: {UNMEASURED}", f"  memory: {UNMEASURED}"]


def test_what_is_kept_of_a_stage_that_was_never_measured_is_not_told_as_nothing(
    indexed: Path, plugged: Catalog, tmp_path: Path
) -> None:
    plan, places = planned(indexed, plugged)
    known = given(plan, places, tmp_path / "r.json", 1).known
    trained = {key: value for key, value in known.items() if not key.startswith("predict")}
    cost = forecast(plan, places, Rates(tmp_path / "some.json", {}, trained), 1)
    assert (cost.disk("weights"), cost.disk("evidence")) == (2 * 2 * 1000, None)
    (kept,) = (line for line in cost_lines(plan, cost) if line.startswith("  kept: "))
    assert ", evidence not measured, " in kept


def test_rates_are_those_of_the_nearest_number_of_workers_and_outlive_a_process(tmp_path: Path) -> None:
    rates = rates_of(tmp_path, Runtime(device="cpu"))
    rates.learn("learn", "k", 1, {"step_s": 1.0})
    rates.learn("learn", "k", 4, {"step_s": 4.0})
    rates.write()
    other = rates_of(tmp_path, Runtime(device="cpu"))
    assert [other.of("learn", "k", workers) for workers in (1, 2, 3, 9)] == [
        {"step_s": 1.0}, {"step_s": 1.0}, {"step_s": 4.0}, {"step_s": 4.0},
    ]  # fmt: skip
    assert other.of("learn", "other", 1) is None
    other.path.write_text("{")
    assert rates_of(tmp_path, Runtime(device="cpu")).known == {}


def test_work_is_counted_in_steps_tiles_and_megapixels(indexed: Path, plugged: Catalog) -> None:
    plan, _ = planned(indexed, plugged)
    sides = {"train": Counter({(48, 48): 6}), "validation": Counter({(48, 48): 2}), "test": Counter({(96, 64): 2})}
    work = work_of(plan.cells[0].cell, sides, learns=True)
    assert (work.steps, work.validations, work.crops) == (16, 2, 64)
    assert work.validation_tiles == 2 * 4
    assert tiles_of(sides["test"], 32, 0.0) == 2 * 6
    assert work.scored == pytest.approx((2 * 48 * 48 + 2 * 96 * 64) / 1e6)
    assert work.predicted == pytest.approx(passes_of(2) * work.scored)
    idle = work_of(plan.cells[0].cell, sides, learns=False)
    assert (idle.steps, idle.crops, idle.validations) == (0, 0, 1)
    assert idle.predicted == work.scored


def test_what_a_model_with_nothing_to_fit_spends_on_its_choice_grows_with_the_validation_tiles() -> None:
    note = {"fitted": False, "seconds": 4.03, "size": 32, "files": {"best.safetensors": 100}}
    few, many = ({"validation": Counter({(64, 64): images})} for images in (5, 50))
    chose = values_of({"train": {**note, "choice": "bright"}}, few)["learn"]
    told = values_of({"train": {**note, "choice": None}}, few)["learn"]
    assert chose["tile_s"] * tiles_of(many["validation"], 32, 0.0) == pytest.approx(40.0)
    assert chose["tile_s"] * tiles_of(few["validation"], 32, 0.0) + chose["fit_s"] == pytest.approx(4.03)
    assert (told["tile_s"], told["fit_s"]) == (0.0, 4.03)


def test_the_pace_of_a_training_is_that_of_steps_and_of_validations() -> None:
    events = [
        {"step": 10, "seconds": 30.0},
        {"step": 20, "seconds": 45.0, "validation_s": 5.0},
        {"step": 30, "seconds": 55.0},
    ]
    assert (pace(events).step_s, pace(events).validation_s) == (1.0, 5.0)
    assert pace(events[:1]).step_s == 3.0
    assert pace([]).step_s is None


@pytest.mark.parametrize(
    ("installed", "wanted"),
    [(7e9, None), (4e9, "-x runtime.workers=1"), (2.6e9, "-x runtime.workers=1 -x recipe.batch=2")],
)
def test_a_plan_that_does_not_fit_in_memory_is_refused_with_the_setting_that_fits(
    indexed: Path, plugged: Catalog, monkeypatch: pytest.MonkeyPatch, installed: float, wanted: str | None
) -> None:
    monkeypatch.setattr(fits, "memory_bytes", lambda: int(installed))
    plan, places = planned(indexed, plugged, "runtime.workers=2", "runtime.device=cpu")
    rates = given(plan, places, indexed / "unused.json", 2)
    monkeypatch.setattr(fits, "rates_of", lambda home, runtime: rates)
    why = fits.why_unfit(plan, places, forecast(plan, places, rates, 2))
    if wanted is None:
        assert why is None
        return
    assert why is not None
    assert why.endswith(f"it fits with {wanted}")
    assert "this run needs 6.0 GB and there are" in why
    smaller, _ = planned(indexed, plugged, "runtime.device=cpu", *wanted.replace("-x ", "").split())
    workers = len(environments_of(smaller.suite))
    assert fits.why_unfit(smaller, places, forecast(smaller, places, rates, workers)) is None


def test_a_plan_that_does_not_fit_on_the_disk_is_refused_before_anything_is_trained(
    indexed: Path, plugged: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan, places = planned(indexed, plugged)

    class Full:
        free = 1000

    monkeypatch.setattr(fits.shutil, "disk_usage", lambda folder: Full)
    with pytest.raises(StoreError, match=r"needs .* and there are 1.0 kB free at .*; no single setting makes it fit"):
        fits.refuse_unfit(plan, places)
    done = bench(indexed, "run", "tiny.yaml", "--plugin", "models.py", "--out", str(tmp_path))
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not list(tmp_path.glob("tiny/cells/*"))


def test_a_finished_run_teaches_what_the_next_plan_foresees(ran_world: Path) -> None:
    catalog = load_catalog([ran_world / "models.py"])
    plan, places = planned(ran_world, catalog, "axes.seed=[1,2,3]")
    cost = forecast(plan, places, rates_of(places.home, plan.suite.runtime), len(environments_of(plan.suite)))
    assert cost.seconds is not None
    assert 0.1 < cost.seconds < 600
    assert cost.memory is not None
    assert cost.disk("evidence") > 0


def test_weights_of_the_last_step_are_kept_where_they_are_not_the_best_ones(ran_world: Path) -> None:
    notes = list((ran_world / "home" / "stages" / "train").glob("*/stage.json"))
    assert notes
    for path in notes:
        history = json.loads((path.parent / "history.json").read_text())
        same = json.loads(path.read_text())["best_epoch"] == history[-1]["epoch"]
        assert (path.parent / "last.safetensors").is_file() is not same


@pytest.mark.parametrize(("seconds", "said"), [(4.6, "5 s"), (400, "7 min"), (7260, "2 h 01 min")])
def test_durations_are_said_in_the_unit_that_fits(seconds: float, said: str) -> None:
    assert duration(seconds) == said


class OneLarge:
    """Images of 40 x 30 with a defect pixel near the end; a data set."""

    classes = ("defect",)

    def records(self) -> list[Record]:
        return [Record("a", "g"), Record("b", "g")]

    def load(self, id: str) -> Sample:
        mask = np.zeros((40, 30), np.uint8)
        mask[38, 28] = 1
        return Sample(id, np.arange(1200, dtype=np.uint16).reshape(40, 30, 1), mask)


def test_a_pilot_cuts_images_around_a_defect_but_leaves_one_whole() -> None:
    few = Few(OneLarge(), ("a", "b"), 16, uncut="b")
    cut, whole = few.load("a"), few.load("b")
    assert cut.image.shape == (16, 16, 1)
    assert cut.mask[38 - 24, 28 - 14] == 1
    assert (cut.image == whole.image[24:, 14:]).all()
    assert whole.mask.shape == (40, 30)


def test_a_pilot_measures_what_a_plan_then_foresees(tmp_path: Path) -> None:
    write_world(tmp_path)
    done = bench(tmp_path, "plan", "tiny.yaml", "--plugin", "models.py", "--pilot", "--cells")
    assert done.returncode == 0, done.stderr
    assert "measuring 1 of 2: tiny / uniform" in done.stderr
    assert "by what this machine has measured" in done.stdout
    assert "not measured" not in done.stdout + done.stderr
    assert not (tmp_path / "runs").exists()
    again = bench(tmp_path, "plan", "tiny.yaml", "--plugin", "models.py")
    assert "by what this machine has measured" in again.stdout
    (measured,) = (tmp_path / "home" / "measured").iterdir()
    (machine,) = json.loads(measured.read_text())["rates"]["machine"].values()
    for values in machine.values():
        assert values["command_s"] > 0
