"""``bench run --only`` does the cells that it is asked for, and leaves and shows all others as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.engine.only import Only, Shard, only_of
from bench.errors import SuiteError
from bench.suite.cells import Cell
from sampling import whole_run
from suite_worlds import load
from tiny import Done, bench, write_world

RUN = Path("runs") / "tiny" / "cells"


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cell, ...]:
    axes = "axes: {dataset: parts, model: unet, seed: [" + ", ".join(map(str, range(40))) + "]}\n"
    return load(tmp_path_factory.mktemp("only"), f"name: small\n{axes}").cells


def test_words_are_states_and_starts_of_ids(cells: tuple[Cell, ...]) -> None:
    one, other = cells[3].id, cells[7].id
    assert only_of(["failed", one, other[:20]], cells) == Only(frozenset({"failed"}), frozenset({one, other}))
    assert only_of(["missing", "stale"], cells) == Only(frozenset({"pending", "stale"}), frozenset())


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("faild", "--only 'faild': neither failed, missing, stale nor the start of a cell's id"),
        ("", "--only '': neither"),
        ("0" * 32, "--only '00000000000000000000000000000000': neither"),
        ("/../", "neither"),
    ],
)
def test_a_word_that_is_neither_is_told_with_what_there_is(cells: tuple[Cell, ...], word: str, said: str) -> None:
    with pytest.raises(SuiteError) as caught:
        only_of([word, "failed"], cells)
    (mistake,) = caught.value.mistakes
    assert said in mistake


def test_a_start_that_fits_several_cells_is_told_with_their_ids(cells: tuple[Cell, ...]) -> None:
    first = next(sign for sign in "0123456789abcdef" if sum(cell.id.startswith(sign) for cell in cells) > 1)
    with pytest.raises(SuiteError, match=f"--only '{first}': [0-9]+ cells begin with it: {first}"):
        only_of([first], cells)


@given(of=st.integers(1, 60))
def test_shards_are_neighbours_and_together_all(cells: tuple[Cell, ...], of: int) -> None:
    parts = [Shard(number, of).ids(cells) for number in range(1, of + 1)]
    assert [id for part in parts for id in sorted(part, key=[cell.id for cell in cells].index)] == [c.id for c in cells]
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_words_within_a_shard_mean_its_own_cells(cells: tuple[Cell, ...]) -> None:
    shard = Shard(2, 4)
    own = shard.ids(cells)
    assert own == {cell.id for cell in cells[10:20]}
    assert only_of([], cells) is None
    assert only_of([], cells, shard) == Only(frozenset(), own)
    found = only_of(["failed", cells[3].id, cells[12].id], cells, shard)
    assert found == Only(frozenset({"failed"}), frozenset({cells[12].id}), own)


def run(folder: Path, *arguments: str) -> Done:
    return bench(folder, "run", "tiny.yaml", "--plugin", "models.py", "-x", "recipe.epochs=1", *arguments)


def states(folder: Path) -> dict[str, str]:
    records = [json.loads(path.read_text()) for path in sorted((folder / RUN).glob("*.json"))]
    return {f"{record['axes']['crop']} {record['axes']['model']}": record["state"] for record in records}


@whole_run
def test_cells_are_done_by_state_or_id_and_the_others_left(tmp_path: Path) -> None:
    write_world(tmp_path)
    models = ("-x", "axes.model=[tiny, failing]")
    told = bench(tmp_path, "plan", "tiny.yaml", "--plugin", "models.py", *models)
    assert told.returncode == 0, told.stderr
    assert run(tmp_path, *models, "-x", "axes.crop=[uniform]").returncode == 3
    before = {path.name: path.read_bytes() for path in (tmp_path / RUN).glob("*.json")}
    assert states(tmp_path) == {"uniform tiny": "done", "uniform failing": "plugin-error"}

    again = run(tmp_path, *models, "--only", "failed")
    assert again.returncode == 3
    assert "1 cell (1 failed)" in again.stderr
    assert len(states(tmp_path)) == 2
    assert len([line for line in again.stdout.splitlines() if "defect-centred" in line]) > 0

    ids = json.loads((tmp_path / "runs" / "tiny" / "suite.json").read_text())["suite"]["cells"]
    (wanted,) = [
        cell["id"] for cell in ids if {"crop": "defect-centred", "model": "tiny"}.items() <= cell["labels"].items()
    ]
    assert run(tmp_path, *models, "--only", wanted[:12]).returncode == 0
    assert states(tmp_path)["defect-centred tiny"] == "done"
    assert "defect-centred failing" not in states(tmp_path)

    assert run(tmp_path, *models, "--only", "missing").returncode == 3
    assert states(tmp_path)["defect-centred failing"] == "plugin-error"
    done = next(name for name in before if b'"state": "done"' in before[name])
    assert (tmp_path / RUN / done).read_bytes() == before[done]


@whole_run
def test_a_word_that_means_nothing_is_one_line_and_runs_nothing(tmp_path: Path) -> None:
    write_world(tmp_path)
    told = run(tmp_path, "--only", "nonsense")
    assert (told.returncode, told.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("asked", [("--only", "failed"), ("--shard", "1/8")])
def test_where_no_cell_is_as_asked_nothing_is_done_and_said_so(tmp_path: Path, asked: tuple[str, str]) -> None:
    write_world(tmp_path)
    ended = bench(tmp_path, "run", "tiny.yaml", "--plugin", "models.py", "--plain", *asked)
    assert ended.returncode == 0
    assert "no cell is as --only or --shard asks, so nothing is done" in ended.stderr
    assert "internal error" not in ended.stderr
    assert not (tmp_path / RUN).exists()
