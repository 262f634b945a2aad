"""What a board says it could have found, and what a plan says before anything is paid for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.catalog import Catalog, load_catalog
from bench.cli.power import GROUPS_SD, SEEDS_SD, power_lines
from bench.engine.invocation import Invocation, make_plan
from bench.engine.plan import Plan
from bench.record import record_from
from bench.report.power_section import TITLE
from bench.report.shape import Leaderboard, Section
from bench.scores import F1
from bench.stages.opening import open_indexed
from bench.statistics.estimates import block
from bench.statistics.power import FOUND, Scatter, detectable, power, scatter_of
from bench.store.home import Places
from bench.suite.reading.load import Suite, load_suite
from documents import to_text
from report_samples import CROPS, MODELS, FakeCell, board_of, product_cells
from test_report_order import GROUPS, a_run, scored
from tiny import write_world


def power_of(board: Leaderboard) -> Section | None:
    return next((section for section in board.sections if section.title.startswith(TITLE)), None)


def told(board: Leaderboard) -> Mapping[str, Any]:
    section = power_of(board)
    assert section is not None
    return section.values[0]


def test_the_difference_that_could_have_been_found_follows_from_the_counts_in_the_records() -> None:
    cells = product_cells(3, CROPS[:4], MODELS[:1])
    records = a_run(cells, noise=0.03)
    stored = [records[one.id]["scores"]["test"]["image_counts"]["counts"] for one in cells]
    counts = np.array(stored, float).reshape(4, 1, 3, GROUPS, 4)
    pairs = list(combinations(range(4), 2))
    scatter = scatter_of([block(counts, F1)], pairs)
    values = told(board_of(cells, records))
    assert values["found"] == pytest.approx(detectable(scatter, 3, len(pairs)))
    assert (values["rows"], values["seeds"], values["defective_groups"]) == (4, 3, GROUPS)
    seeds = values["seeds_wanted"]
    assert power(0.05, scatter, seeds, len(pairs)) >= FOUND > power(0.05, scatter, seeds - 1, len(pairs))


def test_fewer_than_three_seeds_have_no_section_as_nothing_can_be_found() -> None:
    cells = product_cells(2, CROPS[:3], MODELS[:1])
    assert power_of(board_of(cells, a_run(cells))) is None


def test_every_column_has_a_line_and_the_words_say_what_it_means() -> None:
    cells = product_cells(3, CROPS[:3], MODELS[:2])
    board = board_of(cells, a_run(cells))
    section = power_of(board)
    assert section is not None
    assert [row[0] for row in section.grids[0].rows] == list(MODELS[:2])
    assert "8 of 10 repetitions" in " ".join(to_text(board).split())


def test_data_sets_are_not_compared_and_nothing_is_said_of_their_power() -> None:
    cells = product_cells(3, CROPS[:1], MODELS[:2])
    assert power_of(board_of(cells, a_run(cells), rows="dataset", columns="model")) is None


def test_groups_that_differ_too_much_are_mended_by_no_number_of_seeds() -> None:
    cells = product_cells(3, CROPS[:2], MODELS[:1])
    rng = np.random.default_rng(3)
    hits = {crop: rng.uniform(0.1, 0.9, 8) for crop in CROPS[:2]}
    records = {one.id: scored(one, hits[one.labels["crop"]] + 0.001 * rng.normal(size=8)) for one in cells}
    board = board_of(cells, records)
    assert told(board)["seeds_wanted"] is None
    assert told(board)["groups_wanted"] > 8
    assert "none" in to_text(board)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny world whose data are indexed, and nothing else."""
    folder = tmp_path_factory.mktemp("planned")
    write_world(folder)
    catalog = load_catalog([folder / "models.py"])
    suite = load_suite(folder / "tiny.yaml", catalog)
    open_indexed(catalog, suite.cells[0].dataset, places_of(folder, suite))
    return folder


def places_of(folder: Path, suite: Suite) -> Places:
    return Places(folder / "home", folder / "runs", suite.data)


@pytest.fixture(scope="module")
def plugged(world: Path) -> Catalog:
    return load_catalog([world / "models.py"])


def planned(world: Path, catalog: Catalog, *overrides: str) -> Plan:
    suite = load_suite(world / "tiny.yaml", catalog, overrides=overrides)
    return make_plan(suite, Invocation(catalog, places_of(world, suite)))


def test_a_plan_says_what_its_design_would_find_and_what_it_assumes(world: Path, plugged: Catalog) -> None:
    (line,) = power_lines(planned(world, plugged, "axes.seed=[0,1,2,3]"))
    groups = 2  # a fifth of ten parts, all of them defective
    found = detectable(Scatter(SEEDS_SD**2, GROUPS_SD**2 / groups, 10.0), 4, 1)
    assert line.startswith("  power: folder, 4 seeds, 2 test groups with defects: a difference of ")
    assert f"{100 * found:.1f} points of F1_T between two of 2 rows" in line
    assert "assumed" in line


def test_a_plan_of_one_seed_says_that_no_order_will_be_claimed(world: Path, plugged: Catalog) -> None:
    (line,) = power_lines(planned(world, plugged))
    assert "1 seed, 2 test groups with defects: no order of the rows is claimed with fewer than 3 seeds" in line


def test_a_plan_of_one_row_or_of_data_sets_has_nothing_to_find(world: Path, plugged: Catalog) -> None:
    assert not list(power_lines(planned(world, plugged, "axes.crop=[uniform]")))
    assert not list(power_lines(planned(world, plugged, "board.rows=dataset", "board.columns=crop")))


def test_finished_cells_take_the_place_of_what_is_assumed(world: Path, plugged: Catalog) -> None:
    plan = planned(world, plugged, "axes.seed=[0,1,2,3]")
    rng = np.random.default_rng(0)
    cells = []
    for one in plan.cells:
        made = scored(FakeCell(one.cell.id, one.cell.labels), rng.uniform(0.4, 0.9, GROUPS))
        cells.append(replace(one, record=record_from(made, "made up") if one.cell.seed < 3 else None))
    (line,) = power_lines(replace(plan, cells=tuple(cells)))
    assert "by the scatter of finished cells" in line
    assert "assumed" not in line


def test_a_plan_of_data_that_are_not_indexed_waits_with_it(tmp_path: Path) -> None:
    write_world(tmp_path)
    catalog = load_catalog([tmp_path / "models.py"])
    assert list(power_lines(planned(tmp_path, catalog))) == ["  power: folder, known after indexing"]
