"""Intervals over seeds, tie groups and differences on a leaderboard, and the effect of an axis."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli.effects import command
from bench.errors import SuiteError
from bench.render.data import board_json, effects_csv, effects_json
from bench.report.effects import Effects, effects
from bench.report.order_section import TITLE
from bench.report.ranks import plain_order
from bench.report.shape import Entry, Leaderboard, Section
from bench.scores import F1
from bench.statistics.estimates import mean_estimate
from bench.store.store import SCHEMA, write_json
from bench.suite.joint import followers
from documents import to_latex, to_markdown, to_text
from report_samples import (
    CROPS,
    MODELS,
    FakeCell,
    board_of,
    budgeted_cells,
    by_id,
    cell,
    failed,
    product_cells,
    record,
    typed,
)
from suite_worlds import load, mistakes

GROUPS = 40
BEST = CROPS[2]


def scored(of: FakeCell, hits: np.ndarray, groups: Sequence[str] = ()) -> dict[str, Any]:
    """A record of a cell that found these shares of the defects of its groups, 1,000 pixels each."""
    found = np.round(1000 * hits).astype(int)
    counts = np.stack([found, np.full_like(found, 100), 1000 - found, np.full_like(found, 9000)], axis=1)
    f1 = float(F1.value(counts.sum(axis=0).astype(float)))
    made = record(of, f1, f1)
    names = list(groups) or [f"part {number}" for number in range(len(found))]
    for split in made["scores"].values():
        split["image_counts"] = {"ids": names, "groups": names, "counts": counts.tolist()}
    return made


def a_run(
    cells: Sequence[FakeCell], *, better: Mapping[str, float] = {BEST: 0.15}, noise: float = 0.01, groups: int = GROUPS
) -> dict[str, Any]:
    """Records of all cells: groups differ, seeds a little, and some crops are better by so much."""
    rng = np.random.default_rng(0)
    ease = rng.uniform(0.3, 0.8, groups)
    records = {}
    for one in cells:
        shift = better.get(one.labels["crop"], 0.0) + noise * rng.normal()
        records[one.id] = scored(one, np.clip(ease + shift + 0.02 * rng.normal(size=groups), 0, 1))
    return records


def entries(board: Leaderboard) -> list[Entry]:
    return [entry for table in board.tables for row in table.entries for entry in row]


def order_of(board: Leaderboard) -> Section | None:
    return next((section for section in board.sections if section.title.startswith(TITLE)), None)


def values(board: Leaderboard, column: str = MODELS[0]) -> dict[str, Mapping[str, Any]]:
    section = order_of(board)
    assert section is not None
    return {value["row"]: value for value in section.values if value["column"] == column}


def sentences(board: Leaderboard) -> str:
    section = order_of(board)
    assert section is not None
    return " ".join(section.sentences)


def test_the_interval_of_a_position_is_that_of_its_seeds_and_groups() -> None:
    cells = product_cells(3, CROPS[:3], MODELS[:1])
    records = a_run(cells)
    stored = [records[cell(CROPS[1], MODELS[0], seed).id]["scores"]["test"]["image_counts"] for seed in range(3)]
    expected = mean_estimate(np.array([one["counts"] for one in stored], float), F1).share_interval()
    assert values(board_of(cells, records))[CROPS[1]]["interval"] == pytest.approx(tuple(expected))


def test_a_better_row_has_a_letter_of_its_own_and_equal_rows_share_one() -> None:
    cells = product_cells(3, CROPS[:4], MODELS[:1])
    board = board_of(cells, a_run(cells))
    ties = {entry.row: entry.figures[1].tie for entry in entries(board)}
    assert ties == {CROPS[0]: "b", CROPS[1]: "b", BEST: "a", CROPS[3]: "b"}
    assert not any(entry.figures[0].tie for entry in entries(board))


def test_the_difference_to_the_reference_is_that_of_the_means() -> None:
    cells = product_cells(3, CROPS[:3], MODELS[:1])
    board = board_of(cells, a_run(cells), reference=CROPS[1])
    rows = values(board)
    assert rows[CROPS[1]]["difference"] is None
    assert rows[BEST]["difference"] == pytest.approx(rows[BEST]["value"] - rows[CROPS[1]]["value"])
    assert rows[BEST]["p"] < 0.05 < rows[CROPS[0]]["p"]
    assert f"Differences are to {CROPS[1]}" in sentences(board)


def test_one_seed_has_no_section_no_letters_and_claims_no_order() -> None:
    cells = product_cells(1, CROPS[:3])
    board = board_of(cells, a_run(cells))
    assert order_of(board) is None
    assert not any(figure.tie for entry in entries(board) for figure in entry.figures)
    assert "one seed, no order claimed" in board.remarks


def test_two_seeds_have_intervals_but_no_order() -> None:
    cells = product_cells(2, CROPS[:3], MODELS[:1])
    board = board_of(cells, a_run(cells))
    assert all(value["interval"] and not value["tie"] and value["p"] is None for value in values(board).values())
    assert "no order claimed" in sentences(board)


def test_a_row_that_lacks_seeds_is_left_out_by_name_and_the_others_are_compared() -> None:
    cells = product_cells(3, CROPS[:3], MODELS[:1])
    records = a_run(cells)
    lost = cell(CROPS[1], MODELS[0], 2)
    board = board_of(cells, {**records, **by_id(failed(lost))})
    rows = values(board)
    assert rows[CROPS[1]]["tie"] == ""
    assert rows[CROPS[1]]["interval"]
    assert (rows[BEST]["tie"], rows[CROPS[0]]["tie"]) == ("a", "b")
    assert f"not compared: {CROPS[1]}" in sentences(board)


def test_rows_are_compared_over_the_seeds_that_all_of_them_have() -> None:
    cells = product_cells(4, CROPS[:2], MODELS[:1])
    records = a_run(cells)
    del records[cell(CROPS[0], MODELS[0], 1).id]
    board = board_of(cells, records)
    assert "compared over the 3 seeds 0, 2, 3, so are the means here" in sentences(board)
    figures = [figure for row in board.tables[0].entries for entry in row for figure in entry.figures]
    assert not any(figure.tie for figure in figures)  # their means are over other seeds
    assert all(place["tie"] for place in values(board).values())
    kept = [np.mean([records[cell(c, MODELS[0], s).id]["scores"]["test"]["f1"] for s in (0, 2, 3)]) for c in CROPS[:2]]
    assert [values(board)[crop]["value"] for crop in CROPS[:2]] == pytest.approx(kept)
    assert values(board)[CROPS[1]]["difference"] == pytest.approx(kept[1] - kept[0])


def test_rows_that_share_too_few_seeds_are_not_ordered() -> None:
    cells = product_cells(4, CROPS[:2], MODELS[:1])
    records = a_run(cells)
    for crop, seed in ((CROPS[0], 0), (CROPS[1], 1)):
        del records[cell(crop, MODELS[0], seed).id]
    board = board_of(cells, records)
    assert not any(value["tie"] for value in values(board).values())
    assert "all rows share 2 seeds, fewer than 3" in sentences(board)


def test_a_lost_reference_gives_no_differences_and_says_so() -> None:
    cells = product_cells(3, CROPS[:3], MODELS[:1])
    records = a_run(cells)
    del records[cell(CROPS[0], MODELS[0], 0).id]
    board = board_of(cells, records)
    assert all(value["p"] is None for value in values(board).values())
    assert f"no difference to {CROPS[0]}" in sentences(board)


def test_data_sets_have_intervals_and_are_never_compared() -> None:
    cells = [cell(seed=seed, axes={"dataset": name}) for name, seed in product(("mtd", "dagm"), range(3))]
    board = board_of(cells, a_run(cells), rows="dataset", columns="model")
    assert all(value["interval"] and not value["tie"] for value in values(board).values())
    assert "Letter a" not in sentences(board)


def test_rows_that_scored_other_images_are_not_compared() -> None:
    cells = product_cells(3, CROPS[:2], MODELS[:1])
    records = a_run(cells)
    for seed in range(3):
        other = records[cell(CROPS[1], MODELS[0], seed).id]["scores"]["test"]["image_counts"]
        other["ids"] = [f"another {id}" for id in other["ids"]]
    board = board_of(cells, records)
    assert "not scored on the same images" in sentences(board)
    assert not any(value["tie"] for value in values(board).values())


def test_few_groups_with_defects_are_called_unreliable() -> None:
    cells = product_cells(3, CROPS[:2], MODELS[:1])
    assert "Interval unreliable (12 groups with defects)" in sentences(board_of(cells, a_run(cells, groups=12)))
    assert "unreliable" not in sentences(board_of(cells, a_run(cells)))


def test_columns_are_families_of_their_own() -> None:
    cells = product_cells(3, CROPS[:3], MODELS[:2])
    records = a_run(cells)
    alone = board_of([one for one in cells if one.labels["model"] == MODELS[1]], records)
    assert values(board_of(cells, records), MODELS[1]) == values(alone, MODELS[1])


def test_letters_stand_in_every_format() -> None:
    cells = product_cells(3, CROPS[:3], MODELS[:1])
    board = board_of(cells, a_run(cells))
    assert "ᵃ" in to_text(board)
    assert "<sup>a</sup>" in to_markdown(board)
    assert r"$^\mathrm{a}$" in to_latex(board)
    assert {"a", "b"} == {f["tie"] for row in json.loads(board_json(board))["tables"][0]["entries"] for e in row
                          for f in e["figures"][1:2]}  # fmt: skip


def test_the_best_of_a_data_set_is_a_position_with_an_interval_over_its_seeds() -> None:
    cells = product_cells(3, CROPS[:3], MODELS[:1])
    board = board_of(cells, a_run(cells))
    best, place = board.standings[0].best, values(board)[BEST]
    assert best is not None
    assert best.interval == pytest.approx(place["interval"])
    assert best.f1_test == pytest.approx(place["value"])
    assert any("mean of 3 seeds" in sentence for sentence in board.standings[0].sentences)


def test_plain_ranks_take_the_place_of_ties() -> None:
    cells = product_cells(3, CROPS[:3], MODELS[:1])
    board = plain_order(board_of(cells, a_run(cells)))
    section = order_of(board)
    assert section is not None
    ranks = {name: rank.split()[0] for name, rank in section.grids[0].rows}
    means = {entry.row: entry.figures[1].value or 0.0 for entry in entries(board)}
    assert ranks == {name: str(1 + sum(m > means[name] for m in means.values())) for name in means}
    assert not any(figure.tie for entry in entries(board) for figure in entry.figures)


def test_plain_ranks_are_given_to_one_seed_too() -> None:
    cells = product_cells(1, CROPS[:2], MODELS[:1])
    section = order_of(plain_order(board_of(cells, a_run(cells))))
    assert section is not None
    assert "without any test" in section.sentences[0]


def effect(cells: Sequence[FakeCell], records: Mapping[str, Any], axis: str = "crop", **more: Any) -> Effects:
    asked = {"metric": "f1@test", "reference": None, **more}
    return effects(cells, typed(records), axis, suite_name="cropping", **asked)


def test_the_effect_of_an_axis_is_the_mean_over_models_and_finds_what_was_planted() -> None:
    cells = product_cells(3, CROPS[:3])
    records = a_run(cells)
    found = {line.level: line for line in effect(cells, records).levels}
    means = {
        crop: np.mean([records[one.id]["scores"]["test"]["f1"] for one in cells if one.labels["crop"] == crop])
        for crop in CROPS[:3]
    }
    assert {level: line.mean for level, line in found.items()} == pytest.approx(means)
    assert found[BEST].difference == pytest.approx(means[BEST] - means[CROPS[0]])
    assert found[BEST].p is not None
    assert found[BEST].p < 0.05
    assert (found[BEST].tie, found[CROPS[1]].tie) == ("a", "b")


def test_axes_that_only_follow_another_are_part_of_its_levels() -> None:
    crops = (CROPS[0], BEST)
    cells = budgeted_cells(crops, 3)
    records = a_run(cells)
    assert effect(cells, records).combinations == 0
    found = effect(cells, records, paired=[("crop", "recipe.epochs")])
    assert (found.combinations, [line.level for line in found.levels]) == (1, list(crops))


def test_axes_whose_levels_do_not_tell_the_rows_apart_are_followed_by_none() -> None:
    rows = [{"crop": "a", "size": "1"}, {"crop": "a", "size": "2"}, {"crop": "b", "size": "1"}]
    assert followers("crop", [("crop", "size")], rows) == ()
    assert followers("crop", [("crop", "size")], rows[1:]) == ("size",)
    assert followers("model", [("crop", "size")], rows) == ()


def test_combinations_that_lack_a_level_are_left_out_and_named() -> None:
    cells = product_cells(3, CROPS[:3])
    records = a_run(cells)
    for seed in range(3):
        del records[cell(CROPS[1], MODELS[2], seed).id]
    found = effect(cells, records)
    assert found.combinations == 2
    assert any("1 of 3 combinations" in remark and MODELS[2] in remark for remark in found.remarks)
    assert found.levels == effect([one for one in cells if one.labels["model"] != MODELS[2]], records).levels


def test_a_level_without_a_finished_cell_is_left_out_and_named() -> None:
    cells = product_cells(3, CROPS[:3])
    records = {id: made for id, made in a_run(cells).items() if CROPS[1] not in id}
    found = effect(cells, records)
    assert [line.level for line in found.levels] == [CROPS[0], BEST]
    assert any(CROPS[1] in remark for remark in found.remarks)


def test_nothing_finished_is_an_answer_not_an_error() -> None:
    found = effect(product_cells(3, CROPS[:2]), {})
    assert found.levels == ()
    for render in (to_text, to_markdown, effects_csv, effects_json):
        assert render(found) is not None
    assert "Nothing can be compared yet" in to_text(found)


def test_one_seed_has_effects_with_intervals_over_groups_and_claims_nothing() -> None:
    cells = product_cells(1, CROPS[:3])
    found = effect(cells, a_run(cells))
    assert all(line.p is None and not line.tie and line.interval for line in found.levels)
    assert any("no order claimed" in remark for remark in found.remarks)


def test_every_other_axis_of_several_levels_has_its_interactions() -> None:
    cells = [
        cell(crop, model, seed, axes={"dataset": name})
        for name, crop, model, seed in product(("mtd", "dagm"), CROPS[:3], MODELS[:2], range(3))
    ]
    found = effect(cells, a_run(cells))
    assert [line.other_axis for line in found.interactions] == ["dataset"] * 4 + ["model"] * 4
    assert {line.level for line in found.interactions} == set(CROPS[1:3])


def test_the_reference_can_be_named() -> None:
    cells = product_cells(3, CROPS[:3], MODELS[:1])
    found = {line.level: line for line in effect(cells, a_run(cells), reference=BEST).levels}
    assert found[BEST].difference is None
    assert found[CROPS[0]].difference is not None
    assert found[CROPS[0]].difference < 0


@pytest.mark.parametrize(
    ("axis", "more", "words"),
    [
        ("crops", {}, "Did you mean 'crop'"),
        ("seed", {}, "seeds are repetitions"),
        ("dataset", {}, "different data sets cannot be compared"),
        ("crop_size", {}, "only level"),
        ("crop", {"metric": "ap@test"}, "no record comes with replicates of 'ap@test'"),
        ("crop", {"metric": "f1"}, "does not follow from pixel counts"),
        ("crop", {"reference": "Random"}, "unknown level 'Random'"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(axis: str, more: dict[str, Any], words: str) -> None:
    cells = product_cells(3, CROPS[:2])
    with pytest.raises(SuiteError, match=words):
        effect(cells, a_run(cells), axis, **more)


def test_models_with_nothing_to_fit_do_not_dilute_an_effect() -> None:
    cells = product_cells(3, CROPS[:2], MODELS[:2])
    records = a_run(cells)
    for one in cells:
        if one.labels["model"] == MODELS[1]:
            records[one.id]["parameters"] = 0
    assert effect(cells, records).combinations == 1


def test_the_figures_are_the_same_in_every_format() -> None:
    cells = product_cells(3, CROPS[:3])
    found = effect(cells, a_run(cells))
    rows = list(csv.DictReader(io.StringIO(effects_csv(found))))
    stored = json.loads(effects_json(found))
    for line, row, one in zip(found.levels, rows, stored["levels"], strict=False):
        assert float(row["mean"]) == line.mean == one["mean"]
        assert f"{100 * line.mean:.1f}" in to_text(found)
        assert f"{100 * line.mean:.1f}" in to_markdown(found)
    assert len(rows) == len(found.levels) + len(found.interactions)


def a_stored_run(folder: Path) -> Path:
    """A run folder as ``bench run`` leaves it, of cells that were never trained."""
    suite = load(folder, "name: small\naxes: {dataset: parts, crop: [uniform, bias], model: unet, seed: [0, 1, 2]}\n")
    run = folder / "runs" / "small"
    write_json(run / "suite.json", {"schema": SCHEMA, "command": "bench run", "suite": suite.resolved()})
    rng = np.random.default_rng(0)
    for one in suite.cells:
        made = scored(FakeCell(one.id, one.labels), rng.uniform(0.4, 0.9, GROUPS))
        write_json(run / "cells" / f"{one.id}.json", {**made, "schema": SCHEMA})
    return run


def test_the_command_reads_a_run_folder_and_knows_neither_torch_nor_the_suites_plugins(tmp_path: Path) -> None:
    run = a_stored_run(tmp_path)
    script = (
        "import sys\nfrom bench.cli.main import bench\n"
        f"bench(['effects', {str(run)!r}, '--axis', 'crop'], standalone_mode=False)\n"
        "print('TORCH', 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "small: effect of crop on F1_T; 1 combination, 3 seeds, 40 groups" in done.stdout
    assert done.stdout.splitlines()[-1] == "TORCH False"


@pytest.mark.parametrize("form", ["text", "markdown", "csv", "json"])
def test_the_command_prints_every_format(form: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(command, [str(a_stored_run(tmp_path)), "--axis", "crop", "--format", form])
    assert done.exit_code == 0
    assert "bias" in done.output


def test_a_reference_that_is_no_row_is_refused_with_its_place(tmp_path: Path) -> None:
    axes = "name: small\naxes: {dataset: parts, crop: [uniform, bias], model: unet}\n"
    assert (
        "unknown row 'unifrom'. Did you mean 'uniform'?"
        in mistakes(tmp_path, axes + "board: {reference: unifrom}\n")[0]
    )
    assert load(tmp_path, axes + "board: {reference: bias}\n").board.reference == "bias"
