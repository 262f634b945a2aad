"""A plan says how many bytes will be stored, and so many are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.catalog import load_catalog
from bench.engine.invocation import Invocation, make_plan
from bench.engine.plan import Plan
from bench.store.home import Places
from bench.suite.reading.load import load_suite
from sampling import whole_run
from tiny import bench, write_world

pytestmark = whole_run

OVERHEAD = 40_000
"""Bytes of HDF5's structures, of names, checksums, notes and what keeps files apart, of one stage."""


def planned(folder: Path, *overrides: str) -> Plan:
    """The plan of the tiny suite as the store is now."""
    catalog = load_catalog([folder / "models.py"])
    places = Places(folder / "home", folder / "runs", {"folder": str(folder / "parts")})
    suite = load_suite(folder / "tiny.yaml", catalog, overrides=overrides)
    return make_plan(suite, Invocation(catalog, places))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world whose images are indexed, and nothing else."""
    folder = tmp_path_factory.mktemp("disk")
    write_world(folder)
    assert bench(folder, "run", "tiny.yaml", "--plugin", "models.py", "-x", "axes.model=[constant]").returncode == 0
    forget(folder)
    return folder


def forget(folder: Path) -> None:
    """Remove all stages and records; the index stays."""
    shutil.rmtree(folder / "runs")
    shutil.rmtree(folder / "home" / "stages")


@pytest.mark.parametrize("delivery", ["images", "crops", "auto"])
@pytest.mark.parametrize("preprocess", ["none", "exposure-stack"])
def test_the_plan_counts_what_will_be_stored(world: Path, delivery: str, preprocess: str) -> None:
    chosen = (f"runtime.delivery={delivery}", f"axes.preprocess=[{preprocess}]", "recipe.epochs=1")
    before = planned(world, *chosen)
    expected = {"images": {"images", "draws"}, "crops": {"banks"}, "auto": {"images", "draws", "banks"}}
    assert set(before.disk) == expected[delivery]
    options = [part for override in chosen for part in ("-x", override)]
    assert bench(world, "run", "tiny.yaml", "--plugin", "models.py", *options).returncode == 0
    stages = world / "home" / "stages"
    files = [path for kind in ("images", "tiles", "crops") for path in stages.glob(f"{kind}/[!.]*/*.h5")]
    stored = sum(path.stat().st_size for path in files)
    assert before.disk_bytes <= stored <= before.disk_bytes + OVERHEAD * len(files)
    assert planned(world, *chosen).disk == {}
    forget(world)


def test_before_the_data_are_indexed_nothing_is_claimed(tmp_path: Path) -> None:
    write_world(tmp_path)
    said = bench(tmp_path, "plan", "tiny.yaml", "--plugin", "models.py").stdout
    assert "disk: known after indexing, " in said
