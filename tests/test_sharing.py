"""Several cells on a GPU: their number is the best of those measured, the forecast knows it, and each has its share."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.catalog import Catalog, load_catalog
from bench.cli.costs import cost_lines
from bench.engine import fits, sharing
from bench.engine.forecast import Foreseer, chains_of, forecast
from bench.engine.invocation import Invocation, make_plan
from bench.engine.plan import Plan
from bench.engine.rates import MACHINE, Rates, key_of
from bench.engine.workers import environments_of, worker_environments
from bench.gpus import Gpu, Gpus
from bench.store.home import Places
from bench.suite.reading.load import load_suite
from bench.suite.schema import Runtime
from suite_worlds import mistakes
from tiny import bench, write_world

STEP_S = {1: 2.0, 2: 2.2, 4: 3.0, 8: 6.0}
"""Seconds of a step by how many cells are at work: a third and fourth still gain, a fifth to eighth do not."""


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("indexed")
    write_world(folder)
    assert bench(folder, "run", "tiny.yaml", "--plugin", "models.py", "-x", "axes.model=constant").returncode == 0
    return folder


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with one large GPU and many cores."""
    found = Gpus((Gpu(0, "H100", 80 * 10**9, (9, 0), "GPU-1"),))
    for module in ("bench.engine.devices", "bench.engine.workers"):
        monkeypatch.setattr(f"{module}.gpus", lambda: found)
    monkeypatch.setattr(sharing, "processors", lambda: 16)


def planned(folder: Path, *overrides: str) -> tuple[Plan, Places]:
    """A plan of 16 cells whose number on a GPU is open."""
    catalog: Catalog = load_catalog([folder / "models.py"])
    asked = ("runtime.workers=null", "axes.seed=[0,1,2,3,4,5,6,7]", *overrides)
    suite = load_suite(folder / "tiny.yaml", catalog, overrides=asked)
    places = Places(folder / "home", folder / "runs", suite.data)
    return make_plan(suite, Invocation(catalog, places)), places


def learn(rates: Rates, plan: Plan, places: Places, cells: int, memory: float = 3e9) -> None:
    """What a pilot with so many cells at once would have measured."""
    known = {
        "data": {"decode_mp_s": 0.0, "tiles_mp_s": 0.0},
        "crops": {"crops_mp_s": 0.0, "crop_s": 0.0},
        "learn": {"step_s": STEP_S[cells], "tile_s": 0.0, "fit_s": 0.0, "weights_bytes": 0.0},
        "predict": {"tile_s": 0.0, "evidence_mp_s": 0.0, "ceiling_mp_s": 0.0, "fixed_s": 0.0, "evidence_bytes": 0.0},
        "memory": {"bytes": memory, "base_bytes": 0.0, "batch": 4, "weights_bytes": 0.0},
    }
    foreseer = Foreseer(plan, places, rates, cells)
    for chain in chains_of(plan, places):
        for kind, key in foreseer.keys(chain).items():
            rates.learn(kind, key, cells, known[kind])
    rates.learn("machine", key_of(MACHINE), cells, {"rest_s": 0.0, "startup_s": 0.0, "results_bytes": 0.0})


@pytest.mark.usefixtures("gpu")
def test_cells_share_a_gpu_as_the_pilot_found_best_and_one_has_it_where_nothing_was_measured(
    indexed: Path, tmp_path: Path
) -> None:
    plan, places = planned(indexed)
    rates = Rates(tmp_path / "rates.json", {})
    assert sharing.shared(plan, places, rates).suite.runtime.cells_per_device == 1
    tried = []
    for one in sharing.to_measure(plan, places, rates):
        cells = one.suite.runtime.cells_per_device
        assert isinstance(cells, int)
        tried.append(cells)
        learn(rates, one, places, cells)
    assert tried == [1, 2, 4, 8]
    best = sharing.shared(plan, places, rates)
    assert best.suite.runtime.cells_per_device == 4
    assert len(environments_of(best.suite)) == 4
    cost = forecast(best, places, rates, len(environments_of(best.suite)))
    assert cost.seconds == pytest.approx(16 / 4 * 16 * STEP_S[4])
    assert "  memory: 3.0 GB at most of a GPU for one worker, 12.0 GB for 4, of 80.0 GB" in cost_lines(best, cost)


@pytest.mark.usefixtures("gpu")
def test_no_more_cells_are_tried_than_fit_beside_the_crops(indexed: Path, tmp_path: Path) -> None:
    plan, places = planned(indexed)
    rates = Rates(tmp_path / "rates.json", {})
    tried = []
    for one in sharing.to_measure(plan, places, rates):
        tried.append(one.suite.runtime.cells_per_device)
        learn(rates, one, places, len(environments_of(one.suite)), memory=15e9)
    assert tried == [1, 2]


@pytest.mark.usefixtures("gpu")
def test_a_number_that_does_not_fit_is_refused_with_one_that_does(
    indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, places = planned(indexed, "runtime.cells_per_device=8")
    rates = Rates(tmp_path / "rates.json", {})
    learn(rates, plan, places, 8, memory=15e9)
    monkeypatch.setattr(fits, "rates_of", lambda home, runtime: rates)
    why = fits.why_unfit(plan, places, forecast(plan, places, rates, len(environments_of(plan.suite))))
    assert why is not None
    assert why.endswith("of a GPU; it fits with -x runtime.cells_per_device=5")


def test_on_a_processor_the_number_means_nothing() -> None:
    runtime = Runtime(device="cpu", cells_per_device=3)
    assert len(worker_environments(runtime, 99)) == len(worker_environments(Runtime(device="cpu"), 99))


def test_two_numbers_of_cells_at_once_are_refused(tmp_path: Path) -> None:
    suite = "name: a\naxes: {dataset: parts, model: unet}\nruntime: {workers: 2, cells_per_device: 2}\n"
    (line,) = mistakes(tmp_path, suite)
    assert "`workers` and `cells_per_device` both say how many cells run at once; leave one of them out" in line


def test_a_process_counts_its_share_of_the_memory_as_free(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from bench.train.delivery import free_bytes

    for name, value in {
        "mem_get_info": (60, 80),
        "memory_allocated": 10,
        "memory_reserved": 15,
        "get_per_process_memory_fraction": 1.0,
    }.items():
        monkeypatch.setattr(torch.cuda, name, lambda _, value=value: value)
    assert free_bytes(torch.device("cuda")) == 60 + 15 - 10
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda _: 0.25)
    assert free_bytes(torch.device("cuda")) == 20 - 10
