"""Weights of one run as the start of another: keys, order of work, what is kept, and what cannot be."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.catalog import Catalog, load_catalog
from bench.engine.needs import Needs
from bench.engine.plan import Planned, Pretraining
from bench.images import write_png
from bench.jobs import Ended
from bench.record import State
from bench.stages.graph import Graph, IndexedData, budget_crops, spent
from bench.suite.cells import Cell, source_of
from bench.suite.reading.load import load_suite
from sampling import whole_run
from tiny import bench, write_world

pytestmark = whole_run

SOURCE = """
axes: {dataset: [folder], crop: [uniform], crop_size: [32], model: [tiny], seed: [0]}
recipe:
  {epochs: 4, epoch_crops: 16, batch: 4, validate_every: 2, warmup_steps: 2, precision: float32, learning_rate: 0.01}
protocol: {tiles: {overlap: 0.0}}
"""
TRANSFER = f"""name: moving
data: {{folder: parts, coco: elsewhere}}
paired:
  - - {{pretrain: {{dataset: none, label: alone}}}}
    - {{pretrain: {{dataset: coco, label: as it is}}, recipe.epochs: 0}}
    - {{pretrain: {{dataset: coco, label: its threshold}}, recipe.epochs: 0, protocol.threshold: source}}
    - {{pretrain: {{dataset: coco, label: tuned}}, recipe.learning_rate: 0.002}}
board: {{rows: pretrain, columns: model, values: [f1@validation, f1@test]}}
{SOURCE}"""
SUITES = Path(__file__).resolve().parent.parent / "suites"
DATA = IndexedData(fingerprint="f", split="s", channels=1, dtype="uint8", classes=2)
OTHER = IndexedData(fingerprint="g", split="t", channels=1, dtype="uint8", classes=2)


def second_data_set(folder: Path, *, images: int = 10, side: int = 48, channels: int = 1) -> None:
    """Images with dark squares, as a COCO data set, so that it is another component than ``folder``."""
    listed: dict[str, Any] = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "pit"}]}
    for number in range(images):
        rng = np.random.default_rng([9, number])
        image = rng.integers(120, 180, (side, side, channels), dtype=np.uint8)
        row, column = (int(place) for place in rng.integers(4, side - 12, 2))
        image[row : row + 8, column : column + 8] -= 100
        name = f"plate{number:02d}.png"
        write_png(folder / "elsewhere" / "images" / name, image if channels > 1 else image[:, :, 0])
        listed["images"].append({"id": number, "file_name": name, "height": side, "width": side})
        listed["annotations"].append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "iscrowd": 0,
                "area": 64,
                "bbox": [column, row, 8, 8],
                "segmentation": [[column, row, column + 8, row, column + 8, row + 8, column, row + 8]],
            }
        )
    (folder / "elsewhere" / "annotations.json").write_text(json.dumps(listed))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world in which the transfer suite ran once."""
    folder = tmp_path_factory.mktemp("transfer")
    write_world(folder)
    second_data_set(folder)
    (folder / "moving.yaml").write_text(TRANSFER)
    done = bench(folder, "run", "moving.yaml", "--plugin", "models.py")
    assert done.returncode == 0, done.stderr
    return folder


def records(folder: Path, suite: str = "moving") -> dict[str, dict[str, Any]]:
    """Records by the label of their source."""
    found = [json.loads(path.read_text()) for path in (folder / "runs" / suite / "cells").glob("*.json")]
    return {record["axes"]["pretrain"]: record for record in found}


def stage_folder(folder: Path, kind: str, key: str) -> Path:
    return folder / "home" / "stages" / kind / key


def train_note(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    return json.loads((stage_folder(folder, "train", record["keys"]["train"]) / "stage.json").read_text())


def test_one_source_run_serves_every_cell_that_needs_it(ran: Path) -> None:
    needed = {train_note(ran, record)["needs"].get("pretrain") for record in records(ran).values()}
    assert len(needed - {None}) == 1
    assert len(list((ran / "home" / "stages" / "train").glob("[0-9a-f]*"))) == 4  # source, alone, as it is, tuned


def test_weights_that_are_not_tuned_are_the_best_ones_of_the_source(ran: Path) -> None:
    from safetensors.numpy import load_file

    record = records(ran)["as it is"]
    source = stage_folder(ran, "train", train_note(ran, record)["needs"]["pretrain"])
    ours = load_file(stage_folder(ran, "train", record["keys"]["train"]) / "best.safetensors")
    theirs = load_file(source / "best.safetensors")
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_the_normalisation_of_the_source_stays_with_its_weights(ran: Path) -> None:
    from bench.train.weights import load_weights

    found = records(ran)
    source = stage_folder(ran, "train", train_note(ran, found["tuned"])["needs"]["pretrain"])
    constants = load_weights(source / "best.safetensors").mean
    for label in ("as it is", "tuned"):
        own = stage_folder(ran, "train", found[label]["keys"]["train"])
        assert load_weights(own / "best.safetensors").mean == constants
        if (own / "last.safetensors").is_file():  # those of the last step are others than the best
            assert load_weights(own / "last.safetensors").mean == constants
    alone = stage_folder(ran, "train", found["alone"]["keys"]["train"])
    assert load_weights(alone / "best.safetensors").mean != constants


def last_weights(folder: Path) -> Path:
    """The file with the weights of the last step, which may be the best ones."""
    last = folder / "last.safetensors"
    return last if last.is_file() else folder / "best.safetensors"


def test_fine_tuning_changes_every_layer(ran: Path) -> None:
    from safetensors.numpy import load_file

    found = records(ran)
    before, after = (
        load_file(last_weights(stage_folder(ran, "train", found[label]["keys"]["train"])))
        for label in ("as it is", "tuned")
    )
    assert all(not np.array_equal(before[name], after[name]) for name in before)


def test_the_threshold_of_the_source_is_that_of_its_best_validation(ran: Path) -> None:
    found = records(ran)
    source = stage_folder(ran, "train", train_note(ran, found["its threshold"])["needs"]["pretrain"])
    history = json.loads((source / "history.json").read_text())
    best = max(history, key=lambda event: event["validation_f1"])
    assert found["its threshold"]["scores"]["test"]["threshold"] == pytest.approx(best["threshold"])
    assert found["as it is"]["scores"]["validation"]["f1"] >= found["its threshold"]["scores"]["validation"]["f1"]


def test_both_thresholds_read_the_same_weights(ran: Path) -> None:
    found = records(ran)
    assert found["its threshold"]["keys"]["train"] == found["as it is"]["keys"]["train"]
    assert found["its threshold"]["keys"]["predict"] != found["as it is"]["keys"]["predict"]


def test_nothing_is_drawn_where_nothing_is_trained(ran: Path) -> None:
    found = records(ran)
    for label, trained in (("as it is", False), ("its threshold", False), ("tuned", True), ("alone", True)):
        record = found[label]
        assert stage_folder(ran, "crops", record["keys"]["crops"]).is_dir() is trained
        assert (record["draw"] is not None) is trained
        assert (record["reuse"] is not None) is trained


def test_another_suite_that_names_the_source_as_a_cell_does_not_train_it_again(ran: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (ran / "home" / "stages" / "train").glob("*/best.safetensors")}
    (ran / "sources.yaml").write_text(SOURCE.replace("[folder]", "[coco]") + "name: sources\ndata: {coco: elsewhere}\n")
    done = bench(ran, "run", "sources.yaml", "--plugin", "models.py")
    assert done.returncode == 0, done.stderr
    after = {path: path.stat().st_mtime_ns for path in (ran / "home" / "stages" / "train").glob("*/best.safetensors")}
    assert after == before
    (record,) = records(ran, "sources").values()
    assert record["keys"]["train"] == train_note(ran, records(ran)["tuned"])["needs"]["pretrain"]


def test_a_second_run_does_nothing(ran: Path) -> None:
    done = bench(ran, "plan", "moving.yaml", "--plugin", "models.py")
    assert "4 done" in done.stdout


def test_a_damaged_source_is_trained_again(ran: Path, tmp_path: Path) -> None:
    world = shutil.copytree(ran, tmp_path / "world")
    own = (
        "name: again\npaired:\n  - - {pretrain: {dataset: coco}, recipe.learning_rate: 0.003}\nboard: {rows: pretrain}"
    )
    (world / "again.yaml").write_text(f"{own}\ndata: {{folder: parts, coco: elsewhere}}\n{SOURCE}")
    key = train_note(ran, records(ran)["tuned"])["needs"]["pretrain"]
    weights = stage_folder(world, "train", key) / "best.safetensors"
    sound = weights.read_bytes()
    weights.write_bytes(b"\xff" * len(sound))
    again = ("run", "again.yaml", "--plugin", "models.py")
    done = bench(world, *again)
    assert done.returncode == 0, done.stderr
    assert weights.read_bytes() == sound


def test_the_board_has_a_row_for_each_way(ran: Path) -> None:
    done = bench(ran, "leaderboard", "moving.yaml", "--format", "csv", "--plugin", "models.py")
    assert all(label in done.stdout for label in ("alone", "as it is", "its threshold", "tuned")), done.stderr


def test_a_source_whose_data_are_absent_blocks_its_cells_only(tmp_path: Path) -> None:
    write_world(tmp_path)
    (tmp_path / "moving.yaml").write_text(TRANSFER)
    done = bench(tmp_path, "run", "moving.yaml", "--plugin", "models.py")
    assert "pretraining on coco: " in done.stderr + done.stdout
    found = records(tmp_path)
    assert found["alone"]["state"] == State.OK
    assert {found[label]["state"] for label in ("as it is", "its threshold", "tuned")} <= {"failed", "blocked"}


def test_a_source_that_diverges_ends_its_cells_with_its_reason_for_good(tmp_path: Path) -> None:
    write_world(tmp_path)
    second_data_set(tmp_path)
    text = TRANSFER.replace(
        "{dataset: coco, label: tuned}", "{dataset: coco, recipe: {learning_rate: 1.0e+30}, label: tuned}"
    )
    (tmp_path / "moving.yaml").write_text(text)
    done = bench(tmp_path, "run", "moving.yaml", "--plugin", "models.py")
    assert done.returncode == 3
    found = records(tmp_path)
    assert found["tuned"]["state"] == "nan"
    assert found["tuned"]["reason"].startswith("pretraining on coco diverged: ")
    assert found["as it is"]["state"] == State.OK
    assert "pending" not in bench(tmp_path, "plan", "moving.yaml", "--plugin", "models.py").stdout


@pytest.mark.parametrize("channels", [3])
def test_a_source_of_other_channels_is_skipped_with_what_to_do(tmp_path: Path, channels: int) -> None:
    write_world(tmp_path)
    second_data_set(tmp_path, channels=channels)
    (tmp_path / "moving.yaml").write_text(TRANSFER)
    bench(tmp_path, "run", "moving.yaml", "--plugin", "models.py")
    reason = records(tmp_path)["tuned"]["reason"]
    assert reason == (
        "pretraining on coco is on images of 3 channels, this cell's have 1; "
        "give both the same with the preprocessing 'channels'"
    )
    fixed = TRANSFER.replace("{dataset: coco, ", "{dataset: coco, preprocess: {use: channels, settings: {count: 1}}, ")
    (tmp_path / "moving.yaml").write_text(fixed)
    assert bench(tmp_path, "run", "moving.yaml", "--plugin", "models.py").returncode == 0


def test_a_source_that_has_trained_on_held_out_groups_wears_a_badge(tmp_path: Path) -> None:
    write_world(tmp_path)
    text = TRANSFER.replace("data: {folder: parts, coco: elsewhere}", "data: {folder: parts}")
    for label in ("as it is", "its threshold"):
        text = text.replace(f"{{dataset: coco, label: {label}}}", f"{{dataset: folder, label: {label}}}")
    text = text.replace("{dataset: coco, label: tuned}", "{dataset: folder, split: {fold: 1}, label: tuned}")
    (tmp_path / "moving.yaml").write_text(text)
    assert bench(tmp_path, "run", "moving.yaml", "--plugin", "models.py").returncode == 0
    found = records(tmp_path)
    assert any(
        "of the test split" in badge and "pretraining run was trained on" in badge for badge in found["tuned"]["badges"]
    )
    assert not any("was trained on" in badge for badge in found["as it is"]["badges"])


def test_pictures_of_the_held_out_splits_are_told_under_any_name_of_their_data_set(
    tmp_path: Path, components: Catalog
) -> None:
    from bench.engine.planner import Run, badges_of

    cell = transfer_cells(tmp_path, components)["tuned"]
    source = source_of(cell)
    assert source is not None
    seen = replace(OTHER, pictures={"train": frozenset("abc")})
    held = replace(DATA, pictures={"validation": frozenset("cd"), "test": frozenset("xy")})
    runs = [Run(cell, None, held), Run(source, None, seen)]  # type: ignore[arg-type]  # no folder is needed here
    badges = list(badges_of(runs))
    assert badges == ["the pretraining run was trained on 1 picture of the validation split"]


@pytest.fixture(scope="module")
def components(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load_catalog([write_world(tmp_path_factory.mktemp("components"), images=1).parent / "models.py"])


def transfer_cells(folder: Path, components: Catalog, *overrides: str) -> dict[str, Cell]:
    path = folder / "moving.yaml"
    path.write_text(TRANSFER)
    return {cell.labels["pretrain"]: cell for cell in load_suite(path, components, overrides=overrides).cells}


def before_of(graph: Graph, cell: Cell) -> Pretraining:
    source = source_of(cell)
    assert source is not None
    return Pretraining(source, None, graph.learning(source, OTHER))  # type: ignore[arg-type]  # no data set is needed here


def planned(graph: Graph, cell: Cell) -> Planned:
    before = before_of(graph, cell) if cell.pretrain else None
    return Planned(
        cell, "pending", None, graph.chain(cell, DATA, before.stages[-1] if before else None), pretraining=before
    )


def test_what_changes_the_source_changes_the_training_after_it(tmp_path: Path, components: Catalog) -> None:
    graph = Graph(components)
    plain = transfer_cells(tmp_path, components)["tuned"]
    other = transfer_cells(tmp_path, components, "recipe.batch=8")["tuned"]
    changed = replace(other, recipe=plain.recipe)  # the same steps on the target
    train = [planned(graph, cell).keys["train"] for cell in (plain, changed)]
    assert train[0] != train[1]


def test_without_epochs_the_crop_strategy_is_of_no_account(tmp_path: Path, components: Catalog) -> None:
    graph = Graph(components)
    pretrain = "{dataset: coco, crop: uniform, label: as it is}"
    path = tmp_path / "moving.yaml"
    path.write_text(TRANSFER.replace("{dataset: coco, label: as it is}", pretrain))
    keys = set()
    for crop in ("uniform", "defect-centred"):
        cells = load_suite(path, components, overrides=[f"axes.crop=[{crop}]"]).cells
        cell = next(cell for cell in cells if cell.labels["pretrain"] == "as it is")
        keys.add(planned(graph, cell).keys["train"])
    assert len(keys) == 1


class Nowhere:
    """A store without any stage."""

    def stage(self, kind: str, key: str) -> Path:
        return Path("/nowhere") / kind / key


class Somewhere(Nowhere):
    """A store that has every stage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stage(self, kind: str, key: str) -> Path:
        folder = self.folder / kind / key
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "stage.json").write_text('{"schema": 1}')
        return folder


def test_cells_wait_for_one_job_of_their_own_source(tmp_path: Path, components: Catalog) -> None:
    graph = Graph(components)
    cells = transfer_cells(tmp_path, components)
    needs = Needs.of([planned(graph, cell) for cell in cells.values()], Nowhere())  # type: ignore[arg-type]
    assert [p.cell.labels["pretrain"] for p in needs.ready] == ["alone"]
    (key,) = needs.missing
    assert [p.cell.labels["pretrain"] for p in needs.held[key]] == ["as it is", "its threshold", "tuned"]


def test_cells_whose_source_is_in_the_store_wait_for_nothing(tmp_path: Path, components: Catalog) -> None:
    graph = Graph(components)
    cells = transfer_cells(tmp_path, components)
    needs = Needs.of([planned(graph, cell) for cell in cells.values()], Somewhere(tmp_path))  # type: ignore[arg-type]
    assert len(needs.ready) == 4
    assert not needs.missing


def test_a_cell_of_the_suite_that_is_the_source_is_waited_for_instead_of_a_job(
    tmp_path: Path, components: Catalog
) -> None:
    graph = Graph(components)
    cells = transfer_cells(tmp_path, components)
    source = replace(before_of(graph, cells["tuned"]).cell, id="the source itself")
    own = Planned(source, "pending", None, graph.chain(source, OTHER))
    needs = Needs.of([own, *(planned(graph, cell) for cell in cells.values())], Nowhere())  # type: ignore[arg-type]
    assert not needs.missing
    assert list(needs.makers) == ["the source itself"]


def test_cells_start_when_their_source_is_done_and_fail_when_it_fails(tmp_path: Path, components: Catalog) -> None:
    graph = Graph(components)
    plans = [planned(graph, cell) for cell in transfer_cells(tmp_path, components).values()]
    lost = Needs.of(plans, Nowhere())  # type: ignore[arg-type]
    (key,) = lost.missing
    ready, failed = lost.after(Ended(key, State.FAILED, "no space left"))
    assert not ready
    assert {ended.reason for _, ended in failed} == {"pretraining on coco failed: no space left"}
    assert len(failed) == 3
    found = replace(lost, places=Somewhere(tmp_path))  # type: ignore[arg-type]
    ready, failed = found.after(Ended(key, State.OK))
    assert (len(ready), len(failed)) == (3, 0)
    assert found.after(Ended("another job", State.OK)) == ((), ())


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_the_source_run_of_transfer_is_a_cell_of_sources(catalog: Catalog, profile: str) -> None:
    """By stage keys: both suites name the same training of ``metalpart render``."""
    graph = Graph(catalog)
    sources = load_suite(SUITES / "sources.yaml", catalog, profile=profile)
    trained = {
        graph.chain(cell, OTHER)[2].key for cell in sources.cells if cell.labels["dataset"] == "metalpart render"
    }
    transfer = load_suite(SUITES / "transfer.yaml", catalog, profile=profile)
    needed = {before_of(graph, cell).train for cell in transfer.cells if cell.labels["pretrain"].startswith("render")}
    assert needed
    assert needed <= trained


def test_equal_pixels_are_as_many_crops_as_fill_the_standard_ones(tmp_path: Path, components: Catalog) -> None:
    suite = write_world(tmp_path, images=1)
    overrides = ["axes.crop=uniform", "axes.crop_size=[32, 16, 24]", "recipe.equal=pixels", "recipe.standard_size=32"]
    cells = load_suite(suite, components, overrides=overrides).cells
    assert [spent(cell).epoch_crops for cell in cells] == [16, 64, 28]
    pixels = [budget_crops(cell) * cell.crop_size**2 for cell in cells]
    assert max(pixels) / min(pixels) < 1.02


def test_at_the_standard_size_equal_pixels_are_equal_crops(tmp_path: Path, components: Catalog) -> None:
    suite = write_world(tmp_path, images=1)
    overrides = ["axes.crop=uniform", "axes.recipe.equal=[crops, pixels]", "recipe.standard_size=32"]
    one, two = load_suite(suite, components, overrides=overrides).cells
    assert one.id != two.id
    graph = Graph(components)
    assert [stage.key for stage in graph.chain(one, DATA)] == [stage.key for stage in graph.chain(two, DATA)]


def test_a_baseline_draws_no_crops(tmp_path: Path) -> None:
    suite = write_world(tmp_path)
    done = bench(tmp_path, "run", str(suite), "-x", "axes.model=otsu", "-x", "axes.crop=uniform")
    assert done.returncode == 0, done.stderr
    assert not list((tmp_path / "home" / "stages").glob("crops/[0-9a-f]*"))
