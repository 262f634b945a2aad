"""The main job on a tiny world: from YAML to leaderboard, and what happens when something goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.record import State
from sampling import whole_run
from tiny import bench, environment, write_world


def records(folder: Path) -> dict[str, dict[str, Any]]:
    return {p.stem: json.loads(p.read_text()) for p in sorted((folder / "runs" / "tiny" / "cells").glob("*.json"))}


def scores(folder: Path) -> dict[str, Any]:
    return {id: record.get("scores") for id, record in records(folder).items()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world whose suite has run once."""
    folder = tmp_path_factory.mktemp("finished")
    write_world(folder)
    done = bench(folder, "run", "tiny.yaml", "--plugin", "models.py")
    assert done.returncode == 0, done.stderr
    return folder


def test_a_run_ends_with_a_record_for_every_cell_and_a_leaderboard(finished: Path) -> None:
    found = records(finished)
    assert [record["state"] for record in found.values()] == [State.OK, State.OK]
    files = {path.name for path in (finished / "runs" / "tiny").glob("leaderboard.*")}
    assert files == {f"leaderboard.{suffix}" for suffix in ("txt", "md", "tex", "html", "csv", "json")}
    for record in found.values():
        for picture in record["pictures"]:
            assert (finished / "runs" / "tiny" / "cells" / picture).stat().st_size > 1000


def test_the_same_command_again_reuses_every_cell(finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (finished / "runs" / "tiny" / "cells").glob("*.json")}
    again = bench(finished, "run", "tiny.yaml", "--plugin", "models.py")
    assert again.returncode == 0, again.stderr
    assert "2 done" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before


@whole_run
def test_another_store_gives_the_same_scores(finished: Path, tmp_path: Path) -> None:
    write_world(tmp_path)
    assert bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py").returncode == 0
    assert scores(tmp_path) == scores(finished)


def test_the_leaderboard_of_a_run_folder_needs_no_plugin(finished: Path) -> None:
    done = bench(finished, "leaderboard", "runs/tiny", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip().splitlines()) == 3


def test_a_cell_is_shown_by_the_start_of_its_id(finished: Path) -> None:
    id = next(iter(records(finished)))
    done = bench(finished, "show", id[:8])
    assert done.returncode == 0, done.stderr
    assert id in done.stdout
    assert "overlays.png" in done.stdout


def test_new_images_are_predicted_with_mask_probability_and_overlay(finished: Path) -> None:
    id = next(iter(records(finished)))
    arguments = ("predict", id[:8], "parts/images", "--save", "prob,mask,overlay", "--plugin", "models.py")
    done = bench(finished, *arguments)
    assert done.returncode == 0, done.stderr
    assert len(list((finished / "predictions").glob("*.png"))) == 30


def test_an_unreadable_image_is_named_and_the_others_are_predicted(finished: Path, tmp_path: Path) -> None:
    id = next(iter(records(finished)))
    (tmp_path / "bad.png").write_bytes(b"not an image")
    good = "parts/images/part00.png"
    done = bench(finished, "predict", id[:8], str(tmp_path / "bad.png"), good, "--plugin", "models.py", "--to", "some")
    assert done.returncode == 3
    assert "bad.png" in done.stderr
    assert (finished / "some" / "part00.overlay.png").is_file()


@whole_run
def test_a_changed_image_reruns_what_depends_on_it(tmp_path: Path) -> None:
    write_world(tmp_path)
    assert bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py").returncode == 0
    write_world(tmp_path, images=11)
    done = bench(tmp_path, "plan", "tiny.yaml", "--plugin", "models.py")
    assert "2 unindexed" in done.stdout
    done = bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py")
    assert done.returncode == 0
    assert "2 stale" in done.stderr


@whole_run
def test_a_touched_but_equal_image_reruns_nothing(tmp_path: Path) -> None:
    write_world(tmp_path)
    assert bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py").returncode == 0
    (tmp_path / "parts" / "images" / "part03.png").touch()
    done = bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py")
    assert "2 done" in done.stderr


@whole_run
def test_failing_cells_are_rows_with_reasons_and_the_others_go_on(tmp_path: Path) -> None:
    write_world(tmp_path)
    models = "axes.model=[failing, dying, exploding, impossible, tiny]"
    done = bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py", "-x", models, "-x", "axes.crop=[uniform]")
    assert done.returncode == 3, done.stderr
    states = {record["axes"]["model"]: record["state"] for record in records(tmp_path).values()}
    assert states == {
        "failing": "plugin-error",
        "dying": "killed",
        "exploding": "nan",
        "impossible": "skipped",
        "tiny": State.OK,
    }
    board = " ".join((tmp_path / "runs" / "tiny" / "leaderboard.txt").read_text().split())
    for reason in ("this model cannot be built", "ended with code 7", "not for 1 class"):
        assert reason in board
    assert "Traceback" not in done.stderr + done.stdout


@whole_run
def test_a_diverged_cell_is_final_and_a_failed_one_is_tried_again(tmp_path: Path) -> None:
    write_world(tmp_path)
    changes = ("-x", "axes.model=[failing, exploding]", "-x", "axes.crop=[uniform]")
    arguments = ("tiny.yaml", "--plugin", "models.py", *changes)
    assert bench(tmp_path, "run", *arguments).returncode == 3
    plan = bench(tmp_path, "plan", *arguments).stdout
    assert "1 diverged" in plan
    assert "1 failed" in plan


def test_an_absent_data_set_is_a_reason_and_not_a_crash(tmp_path: Path) -> None:
    write_world(tmp_path)
    done = bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py", "--data", "folder=nowhere")
    assert done.returncode == 3
    assert "nowhere" in (tmp_path / "runs" / "tiny" / "leaderboard.txt").read_text()
    assert "Traceback" not in done.stderr


@whole_run
def test_an_absent_data_set_does_not_overwrite_finished_records(tmp_path: Path) -> None:
    write_world(tmp_path)
    assert bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py").returncode == 0
    before = scores(tmp_path)
    (tmp_path / "parts").rename(tmp_path / "moved")
    done = bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py")
    assert scores(tmp_path) == before
    assert done.returncode == 3
    assert "images: the folder is missing" in done.stderr
    assert "those of an earlier run, not of these data" in done.stderr


@whole_run
def test_a_broken_plugin_beside_a_good_one_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    write_world(tmp_path)
    (tmp_path / "broken.py").write_text("raise RuntimeError('half-written')")
    done = bench(tmp_path, "run", "tiny.yaml", "--plugin", "broken.py", "--plugin", "models.py")
    assert done.returncode == 0
    assert "half-written" in done.stderr


def test_a_suite_with_mistakes_exits_with_2_and_names_the_places(tmp_path: Path) -> None:
    suite = write_world(tmp_path)
    suite.write_text(suite.read_text().replace("epochs: 4", "epoch: 4").replace("[tiny]", "[tiyn]"))
    done = bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py")
    assert done.returncode == 2
    assert len([line for line in done.stderr.splitlines() if line.startswith("tiny.yaml:")]) == 2


def test_coverage_is_shown_before_any_training(tmp_path: Path) -> None:
    write_world(tmp_path)
    done = bench(tmp_path, "data", "coverage", "tiny.yaml", "--plugin", "models.py", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert "defect-centred" in done.stdout
    assert not (tmp_path / "runs").exists()


def test_the_python_twin_returns_the_leaderboard(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import bench as product

    monkeypatch.chdir(finished)
    monkeypatch.setenv("BENCH_HOME", str(finished / "home"))
    board = product.run("tiny.yaml", plugins=["models.py"])
    assert board.suite == "tiny"
    assert all(line.state == "done" for line in board.cells)


def test_a_pipe_whose_reader_left_is_no_error(finished: Path) -> None:
    command = f"{sys.executable} -P -m bench leaderboard tiny.yaml --format json --plugin models.py"
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -c 1 > /dev/null; exit ${{PIPESTATUS[0]}}"],
        cwd=finished,
        env=environment(finished),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


UNPOOLING = '''
"""A model with an operation that torch has in no deterministic form, not even on a processor."""

from bench.api import Component, Task, hookimpl


def build(task: Task, /):
    import torch

    class Unpooling(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.last = torch.nn.Conv2d(task.channels, 1 + task.classes, 1)

        def forward(self, images):
            coarse, places = torch.nn.functional.max_pool2d(images, 2, return_indices=True)
            return self.last(torch.nn.functional.max_unpool2d(coarse, places, 2))

    return Unpooling()


@hookimpl
def bench_models():
    yield Component("unpooling", build)
'''


@whole_run
def test_a_model_that_torch_cannot_compute_the_same_way_twice_has_a_badge(tmp_path: Path) -> None:
    write_world(tmp_path)
    (tmp_path / "unpooling.py").write_text(UNPOOLING)
    plugins = ("--plugin", "models.py", "--plugin", "unpooling.py")
    changes = ("-x", "axes.model=[tiny, unpooling]", "-x", "axes.crop=[uniform]")
    done = bench(tmp_path, "run", "tiny.yaml", *plugins, *changes)
    assert done.returncode == 0, done.stderr
    badges = {record["axes"]["model"]: record["badges"] for record in records(tmp_path).values()}
    assert badges == {"tiny": [], "unpooling": ["not deterministic on cpu: max_unpooling2d_forward_out"]}
    assert "not deterministic on cpu" in (tmp_path / "runs" / "tiny" / "leaderboard.txt").read_text()
