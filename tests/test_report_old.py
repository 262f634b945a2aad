"""Scores that are not of today's data are marked in every format; a badge stands wherever a score of its data does."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.pictures.pareto import pareto_plot
from bench.render.data import board_csv, board_json
from bench.report.board import Leaderboard
from bench.report.compare import compare
from bench.report.comparison_document import comparison_document
from bench.report.effects import effects
from bench.report.effects_document import sentences
from bench.report.measures import measure_of
from bench.report.shape import CostLine
from documents import to_latex, to_markdown, to_text
from report_samples import CROPS, MODELS, board_of, by_id, cell, product_cells, record, side_of, typed
from sampling import whole_run
from tiny import bench, write_world

pytestmark = whole_run

WHY = "old scores, of an earlier run"
LEAKY = "leaky split: turned copies in train"
FORMATS = [to_text, to_markdown, to_latex, board_csv, board_json]
PROSE = [to_text, to_markdown, to_latex]


def rows_and_baseline(**more: Any) -> Leaderboard:
    """Two rows and a baseline, all of whose records say ``more``."""
    rows, baseline = product_cells(1, CROPS[:2], MODELS[:1]), cell(model="otsu")
    records = [record(one, 0.5, 0.5, **more) for one in rows]
    return board_of([*rows, baseline], by_id(*records, record(baseline, 0.3, 0.3, parameters=0, **more)))


def only_baseline(**more: Any) -> Leaderboard:
    alone = cell(model="otsu")
    return board_of([alone], by_id(record(alone, 0.3, 0.3, parameters=0, **more)))


@pytest.mark.parametrize("render", FORMATS)
def test_old_scores_say_so_in_every_format(render: Any) -> None:
    assert WHY in " ".join(render(rows_and_baseline(outdated=[WHY])).split())
    assert WHY not in render(rows_and_baseline())


def test_every_row_of_old_scores_is_marked_also_where_all_are_old() -> None:
    board = rows_and_baseline(outdated=[WHY])
    entries = [row[0] for row in board.tables[0].entries]
    assert [board.notes[(entry.note or 0) - 1] for entry in entries] == [WHY, WHY]
    assert all(f"{crop} | 50.0<sup>1</sup>" in to_markdown(board).replace("**", "") for crop in CROPS[:2])
    rows = list(csv.DictReader(io.StringIO(board_csv(board))))
    assert [row["outdated"] for row in rows] == [WHY] * 3


@pytest.mark.parametrize("render", PROSE)
def test_a_baseline_of_old_scores_is_marked(render: Any) -> None:
    assert "otsu (old scores)" in render(only_baseline(outdated=[WHY]))
    assert "old scores" not in render(only_baseline())


@pytest.mark.parametrize("render", FORMATS)
def test_a_badge_is_printed_where_only_baselines_ran(render: Any) -> None:
    assert LEAKY in " ".join(render(only_baseline(badges=[LEAKY])).split())


def test_a_badge_of_some_baselines_names_them() -> None:
    otsu, constant = cell(model="otsu"), cell(model="constant")
    records = by_id(record(otsu, 0.3, 0.3, parameters=0, badges=[LEAKY]), record(constant, 0.2, 0.2, parameters=0))
    board = board_of([otsu, constant], records)
    assert f"Baseline otsu: badge: {LEAKY}." in board.standings[0].sentences


def test_effects_and_comparisons_carry_badge_and_age_of_what_they_compare() -> None:
    cells = product_cells(3, CROPS[:2], MODELS[:1])
    records = by_id(*(record(one, 0.5, 0.5, badges=[LEAKY], outdated=[WHY]) for one in cells))
    said = sentences(effects(cells, typed(records), "crop", metric="f1@test", reference=None, suite_name="s"))
    assert f"Badge: {LEAKY}." in said
    assert f"Old{WHY[3:]}." in said
    side = side_of("run", records)
    text = " ".join(to_text(comparison_document(compare(side, side, [measure_of("f1@test")]), [])).split())
    assert f"6 cells of run: badge: {LEAKY}." in text
    assert f"6 cells of run: {WHY}." in text


def test_the_picture_of_costs_carries_the_badge(tmp_path: Path) -> None:
    from bench.pictures import pareto

    lines = [
        CostLine(
            "mtd", name, name, "U-Net", True, f1, f1, 1e6, 5.0, 5.0, f1, None, badges=(LEAKY,), fronts=("train_s",)
        )
        for name, f1 in (("one", 0.4), ("two", 0.5))
    ]
    assert pareto_plot(lines) is not None
    drawn: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pareto, "pareto_plot", lambda lines, *, title: drawn.append(title))
        pareto.write_pareto(lines, tmp_path, title="suite")
    assert drawn == [f"suite, mtd [{LEAKY}]"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    path = write_world(folder)
    included = "include: [{model: otsu}]\n"
    path.write_text(path.read_text().replace("[uniform, defect-centred]", "[uniform]") + included)
    done = bench(folder, "run", "tiny.yaml", "--plugin", "models.py")
    assert done.returncode == 0, done.stderr
    return folder


def copied(finished: Path, to: Path) -> Path:
    return Path(shutil.copytree(finished, to / "world"))


def run_again(folder: Path) -> Path:
    bench(folder, "run", "tiny.yaml", "--plugin", "models.py")
    return folder / "runs" / "tiny"


@pytest.mark.parametrize("harm", ["folder gone", "mask damaged"])
def test_data_that_became_unusable_mark_every_written_file(finished: Path, tmp_path: Path, harm: str) -> None:
    folder = copied(finished, tmp_path)
    if harm == "folder gone":
        shutil.rmtree(folder / "parts")
    else:
        next((folder / "parts" / "masks").iterdir()).write_bytes(b"no picture")
    run = run_again(folder)
    for name in ("txt", "md", "tex", "csv", "json"):
        assert WHY in " ".join((run / f"leaderboard.{name}").read_text().split()), name
    assert WHY in " ".join(bench(folder, "leaderboard", "runs/tiny").stdout.split())


def test_data_that_are_back_leave_no_mark(finished: Path, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path)
    parts = folder / "parts"
    parts.rename(folder / "away")
    assert WHY in (run_again(folder) / "leaderboard.md").read_text()
    (folder / "away").rename(parts)
    run = run_again(folder)
    assert "old scores" not in (run / "leaderboard.md").read_text()
    assert not (run / "outdated.json").exists()


def test_records_of_old_scores_stay_as_they_are(finished: Path, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path)
    shutil.rmtree(folder / "parts")
    before = {path.name: path.read_bytes() for path in (folder / "runs" / "tiny" / "cells").glob("*.json")}
    run = run_again(folder)
    assert {path.name: path.read_bytes() for path in (run / "cells").glob("*.json")} == before
    assert set(json.loads((run / "outdated.json").read_text())["cells"]) == {Path(name).stem for name in before}


def test_show_says_that_the_scores_of_a_cell_are_old(finished: Path, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path)
    shutil.rmtree(folder / "parts")
    cell_id = next((run_again(folder) / "cells").glob("*.json")).stem
    assert WHY in bench(folder, "show", cell_id).stdout


def test_an_archive_and_a_merged_run_keep_the_marks(finished: Path, tmp_path: Path) -> None:
    folder = copied(finished, tmp_path)
    shutil.rmtree(folder / "parts")
    run_again(folder)
    assert bench(folder, "export", "runs/tiny", "--to", "tiny.zip").returncode == 0
    assert bench(folder, "merge", "tiny.zip", "--to", "merged").returncode == 0
    for place in ("tiny.zip", "merged"):
        assert WHY in " ".join(bench(folder, "leaderboard", place).stdout.split()), place
