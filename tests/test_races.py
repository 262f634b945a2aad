"""Several commands at once do every stage of a suite once, whether or not the file system can lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.faults.races import race
from tiny import write_world

SUITE = ("tiny.yaml", "--plugin", "models.py", "-x", "recipe.epochs=1")


@pytest.mark.parametrize("locks", [True, False])
def test_three_runs_of_one_suite_file_every_stage_once_and_none_fails(tmp_path: Path, locks: bool) -> None:
    write_world(tmp_path)
    raced = race(tmp_path, SUITE, 3, locks=locks)
    assert raced.codes == [0, 0, 0], raced.errors
    assert raced.filed == raced.there
    assert len(raced.rows) == 2
    assert {row["state"] for row in raced.rows} == {"done"}
    assert not list((tmp_path / "home" / "stages").glob("*/.*"))
