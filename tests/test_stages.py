"""What decides a number is in a key, in the key of the right stage, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.catalog import Catalog, load_catalog
from bench.stages.graph import Graph, IndexedData, as_json, bank_crops, from_json, reuse
from bench.suite.cells import Cell
from bench.suite.reading.load import load_suite
from tiny import SUITE, write_world

DATA = IndexedData(fingerprint="f", split="s", channels=1, dtype="uint8", classes=2)
KINDS = ("tiles", "crops", "train", "predict", "score")

CHANGES: dict[str, tuple[str, str]] = {
    "crop": ("axes.crop=[{use: intensity-bias, settings: {threshold: 3}}]", "crops"),
    "crop size": ("axes.crop_size=[16]", "tiles"),
    "preprocess": ("axes.preprocess=[stretch]", "tiles"),
    "seed": ("axes.seed=[1]", "crops"),
    "model": ("axes.model=[{use: tiny, settings: {width: 5}}]", "train"),
    "epochs": ("recipe.epochs=5", "crops"),
    "epoch crops": ("recipe.epoch_crops=17", "crops"),
    "bank": ("recipe.bank.crops=9", "crops"),
    "batch": ("recipe.batch=5", "train"),
    "precision": ("recipe.precision=bf16", "train"),
    "learning rate": ("recipe.learning_rate=0.02", "train"),
    "weight decay": ("recipe.weight_decay=0.5", "train"),
    "warm-up": ("recipe.warmup_steps=3", "train"),
    "schedule": ("recipe.schedule=cosine", "train"),
    "optimiser": ("recipe.optimiser=adam", "train"),
    "setting of the optimiser": ("recipe.optimiser={use: adamw, settings: {amsgrad: true}}", "train"),
    "budget": ("recipe.budget=until-convergence", "train"),
    "validation": ("recipe.validate_every=1", "train"),
    "loss": ("recipe.loss={use: bce-dice, settings: {dice: 0.7}}", "train"),
    "augmentation": ("recipe.augment=[flips]", "train"),
    "classes": ("protocol.classes=each", "train"),
    "tile size": ("protocol.tiles.size=64", "predict"),
    "overlap": ("protocol.tiles.overlap=0.5", "predict"),
    "tolerance": ("protocol.tolerance=3", "predict"),
    "found": ("protocol.found=0.5", "score"),
}
"""What is changed, how, and the first stage that it changes; later stages change with it."""

DEPENDS = {"tiles": (), "crops": (), "train": ("tiles", "crops"), "predict": ("train",), "score": ("predict",)}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("stages"), images=1)


@pytest.fixture(scope="module")
def components(world: Path) -> Catalog:
    return load_catalog([world.parent / "models.py"])


def cell_of(world: Path, components: Catalog, *overrides: str) -> Cell:
    return load_suite(world, components, overrides=["axes.crop=[uniform]", *overrides]).cells[0]


def keys(components: Catalog, cell: Cell, data: IndexedData = DATA) -> dict[str, str]:
    return {stage.kind: stage.key for stage in Graph(components).chain(cell, data)}


@pytest.mark.parametrize("what", CHANGES)
def test_a_setting_changes_the_key_of_its_stage_and_of_those_that_need_it(
    world: Path, components: Catalog, what: str
) -> None:
    override, first = CHANGES[what]
    before = keys(components, cell_of(world, components))
    after = keys(components, cell_of(world, components, override))
    changed = {kind for kind in KINDS if before[kind] != after[kind]}
    assert first in changed
    assert changed >= {kind for kind in KINDS if set(DEPENDS[kind]) & changed}
    assert not changed & set(KINDS[: KINDS.index(first)])


@pytest.mark.parametrize(
    "override",
    [
        "runtime.workers=3",
        "runtime.device=cpu",
        "runtime.delivery=images",
        "board.rows=crop_size",
        "data.folder=elsewhere",
        "name=other",
    ],
)
def test_run_time_settings_change_no_id_and_no_key(world: Path, components: Catalog, override: str) -> None:
    before, after = cell_of(world, components), cell_of(world, components, override)
    assert before.id == after.id
    assert keys(components, before) == keys(components, after)


def test_crops_are_shared_by_models_and_learning_rates_of_a_seed(world: Path, components: Catalog) -> None:
    before = keys(components, cell_of(world, components))
    for override in ("axes.model=[constant]", "recipe.learning_rate=0.1"):
        after = keys(components, cell_of(world, components, override))
        assert after["crops"] == before["crops"]
        assert after["train"] != before["train"]


def test_validation_tiles_are_the_same_for_all_strategies_and_seeds(world: Path, components: Catalog) -> None:
    cells = [
        cell_of(world, components, o) for o in ("axes.crop=[uniform]", "axes.crop=[defect-centred]", "axes.seed=[4]")
    ]
    assert len({keys(components, cell)["tiles"] for cell in cells}) == 1


@given(field=st.sampled_from(["fingerprint", "split"]), value=st.text(min_size=2))
def test_other_data_or_another_split_changes_every_key(
    world: Path, components: Catalog, field: str, value: str
) -> None:
    changes: dict[str, Any] = {field: value}
    cell = cell_of(world, components)
    before, after = keys(components, cell), keys(components, cell, replace(DATA, **changes))
    assert all(before[kind] != after[kind] for kind in KINDS)


def test_an_edited_local_plugin_changes_the_keys_that_use_it(tmp_path: Path, components: Catalog, world: Path) -> None:
    edited = tmp_path / "models.py"
    edited.write_text((world.parent / "models.py").read_text() + "\n# edited\n")
    before = keys(components, cell_of(world, components))
    after = keys(load_catalog([edited]), cell_of(world, components))
    assert before["crops"] == after["crops"]
    assert before["train"] != after["train"]


def test_stages_cross_to_a_worker_and_back(world: Path, components: Catalog) -> None:
    chain = Graph(components).chain(cell_of(world, components), DATA)
    assert from_json(as_json(chain)) == chain


def test_a_bank_limit_is_stated_as_reuse(world: Path, components: Catalog) -> None:
    assert "epochs: 4, epoch_crops: 16" in SUITE
    cell = cell_of(world, components, "recipe.bank.crops=16")
    assert bank_crops(cell) == 16
    assert reuse(cell) == 4.0
    assert reuse(cell_of(world, components)) == 1.0


def test_equal_names_of_two_packages_are_two_components(tmp_path: Path) -> None:
    suite = write_world(tmp_path, images=1)
    (tmp_path / "others.py").write_text((tmp_path / "models.py").read_text())
    catalog = load_catalog([tmp_path / "models.py", tmp_path / "others.py"])
    cells = load_suite(
        suite, catalog, overrides=["axes.crop=[uniform]", "axes.model=['models:tiny', 'others:tiny']"]
    ).cells
    used = [Graph(catalog).chain(cell, DATA)[2].facts["model"]["use"] for cell in cells]
    assert used == ["models:tiny", "others:tiny"]


def test_a_raised_version_of_an_optimiser_changes_the_training(
    world: Path, components: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.suite.optimisers import OPTIMISERS

    before = keys(components, cell_of(world, components))
    monkeypatch.setitem(OPTIMISERS, "adamw", replace(OPTIMISERS["adamw"], version=2))
    assert keys(components, cell_of(world, components))["train"] != before["train"]
