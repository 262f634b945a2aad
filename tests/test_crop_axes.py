"""Training crops and test crops are two axes: what they share, and how they are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.audit.coverage import coverage_rows
from bench.catalog import Catalog, load_catalog
from bench.engine.invocation import Invocation
from bench.stages.graph import Graph, IndexedData
from bench.store.home import Places
from bench.suite.reading.load import Suite, load_suite
from tiny import SUITE, write_world

DATA = IndexedData(fingerprint="f", split="s", channels=1, dtype="uint8", classes=1)


@pytest.fixture(scope="module")
def components(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("axes")
    write_world(folder, images=10)
    return load_catalog([folder / "models.py"])


def suite(folder: Path, components: Catalog, test_crops: str = "[16, 32]") -> Suite:
    write_world(folder)
    text = SUITE.replace("crop: [uniform, defect-centred]", f"crop: [uniform]\n  protocol.tiles.size: {test_crops}")
    path = folder / "crops.yaml"
    text = text.replace("crop_size: [32]", "crop_size: [16, 32]").replace(
        "folder: parts", f"folder: {folder / 'parts'}"
    )
    path.write_text(text)
    return load_suite(path, components)


def test_cells_that_differ_in_the_test_crop_alone_share_their_training(tmp_path: Path, components: Catalog) -> None:
    graph = Graph(components)
    keys = {}
    for cell in suite(tmp_path, components).cells:
        stages = {stage.kind: stage.key for stage in graph.chain(cell, DATA)}
        keys[cell.crop_size, cell.protocol.tiles.size] = stages
    assert len(keys) == 4
    for train in (16, 32):
        small, large = keys[train, 16], keys[train, 32]
        assert {kind for kind in small if small[kind] != large[kind]} == {"predict", "score"}
    assert {kind for kind in keys[16, 16] if keys[16, 16][kind] != keys[32, 16][kind]} == set(keys[16, 16])


def test_a_test_crop_as_in_training_is_the_same_stage_as_that_size_written_out(
    tmp_path: Path, components: Catalog
) -> None:
    graph = Graph(components)
    cells = suite(tmp_path, components, "[null, 32]").cells
    keys = {(cell.crop_size, cell.protocol.tiles.size): graph.chain(cell, DATA)[-1].key for cell in cells}
    assert keys[32, None] == keys[32, 32]
    assert keys[16, None] != keys[16, 32]


def test_the_size_of_a_test_crop_is_told_from_that_of_a_training_crop(tmp_path: Path, components: Catalog) -> None:
    cells = suite(tmp_path, components, "[null, 32]").cells
    shown = [(cell.labels["crop_size"], cell.labels["protocol.tiles.size"]) for cell in cells]
    assert shown == [(train, test) for train in ("16", "32") for test in ("test crop as in training", "test crop 32")]


def test_coverage_has_one_row_for_all_test_crops_of_a_training_crop(tmp_path: Path, components: Catalog) -> None:
    loaded = suite(tmp_path, components)
    invocation = Invocation(components, Places(tmp_path / "home", tmp_path / "runs", loaded.data))
    rows, problems = coverage_rows(loaded, invocation, lambda _: None)
    assert (problems, [row["crop_size"] for row in rows]) == ((), ["16", "32"])
