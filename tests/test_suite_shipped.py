"""The suites that ship with the product."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.catalog import Catalog
from bench.suite.reading.load import load_suite

SUITES = Path(__file__).resolve().parent.parent / "suites"


@pytest.mark.parametrize("path", sorted(SUITES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_suite_is_valid_and_named_like_its_file(catalog: Catalog, path: Path) -> None:
    for profile in ("none", None):
        suite = load_suite(path, catalog, profile=profile)
        assert suite.name == path.stem
        assert suite.description
        assert suite.notes == ()
        assert all(cell.runs for cell in suite.cells)


CITED = ("cropping", "crop_size", "transfer", "exposure", "budget", "learning_rate")


@pytest.mark.parametrize("name", CITED)
def test_a_cited_profile_has_one_set_of_images_five_seeds_and_one_budget(catalog: Catalog, name: str) -> None:
    suite = load_suite(SUITES / f"{name}.yaml", catalog, profile="cited")
    assert suite.notes == ()
    crossed = [cell for cell in suite.cells if not cell.included]
    assert {cell.seed for cell in crossed} == {0, 1, 2, 3, 4}
    assert {cell.labels["dataset"] for cell in crossed} == {"metalpart (one view)"}
    assert {(cell.recipe.epoch_crops, cell.recipe.batch) for cell in crossed} == {(300, 8)}


def test_what_two_cited_runs_share_is_the_same_cell(catalog: Catalog) -> None:
    ids = {
        name: {cell.id for cell in load_suite(SUITES / f"{name}.yaml", catalog, profile="cited").cells}
        for name in CITED
    }
    shared = {name: len(ids[name] & ids["cropping"]) for name in CITED if name != "cropping"}
    assert shared == {"crop_size": 0, "transfer": 5, "exposure": 0, "budget": 10, "learning_rate": 15}


def test_the_cropping_suite_is_table_1_with_baselines(catalog: Catalog) -> None:
    suite = load_suite(SUITES / "cropping.yaml", catalog, profile="cpu")
    crossed = [cell for cell in suite.cells if not cell.included]
    assert [value.label for value in suite.axes["crop"]] == [
        "Random (uniform)", "Intensity bias (10)", "Intensity bias (20)", "Object share (25 %)", "Defect-centred",
    ]  # fmt: skip
    assert [value.label for value in suite.axes["model"]] == ["FCN", "DeepLabV3", "U-Net"]
    assert len(crossed) == 15
    baselines = {offer.component.name for offer in catalog.offers("model") if not offer.component.learns}
    assert {cell.model.use for cell in suite.cells if cell.included} == baselines
    assert {cell.labels["crop"] for cell in suite.cells if cell.included} == {"Random (uniform)"}
    assert 1000 <= suite.recipe.epochs * suite.recipe.epoch_crops <= 2400


def test_the_gpu_profile_of_the_cropping_suite_has_the_sizes_of_the_supplement(catalog: Catalog) -> None:
    suite = load_suite(SUITES / "cropping.yaml", catalog, profile="gpu")
    crossed = [cell for cell in suite.cells if not cell.included]
    assert len(crossed) == 7 * 3 * 3 * 3
    for level in (5, 10, 15, 20):
        assert f"Intensity bias ({level})" in [value.label for value in suite.axes["crop"]]
    assert {cell.crop_size for cell in crossed} == {256}
    assert {cell.seed for cell in crossed} == {0, 1, 2}
    assert len(suite.tune["recipe.learning_rate"]) == 3
    assert suite.recipe.validate_every == 5


def test_profiles_share_rows_and_columns(catalog: Catalog) -> None:
    for name in ("cropping", "mtd"):
        gpu, cpu = (load_suite(SUITES / f"{name}.yaml", catalog, profile=profile) for profile in ("gpu", "cpu"))
        rows, few = ([value.label for value in suite.axes["crop"]] for suite in (gpu, cpu))
        assert [label for label in rows if label in few] == few
        assert [value.label for value in gpu.axes["model"]] == [value.label for value in cpu.axes["model"]]
