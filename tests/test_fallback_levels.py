"""Levels of the crop axis that choose nothing: planned, drawn and printed."""

from __future__ import annotations

import re
from pathlib import Path

from bench.report.notes import FELL_BACK
from bench.store.records import load_record
from sampling import whole_run
from tiny import bench, write_world

LEVELS = (
    "axes.crop=[uniform, {use: intensity-bias, settings: {threshold: 250}, label: Bias 250}, "
    "{use: intensity-bias, settings: {threshold: 45}, label: Bias 45}, "
    "{use: category-limit, settings: {limit: 0.02}, label: Limit}]"
)


@whole_run
def test_a_level_whose_crops_are_all_fallback_is_marked_on_the_board_and_in_the_plan(tmp_path: Path) -> None:
    suite = write_world(tmp_path)
    budget = ("-x", "recipe.epochs=1", "-x", "recipe.validate_every=1")
    done = bench(tmp_path, "run", str(suite), "--plugin", "models.py", "-x", LEVELS, *budget)
    assert done.returncode == 0, done.stderr
    records = map(load_record, (tmp_path / "runs" / "tiny" / "cells").glob("*.json"))
    shares = {record.axes["crop"]: record.draw["fallback"] for record in records}
    assert shares["Bias 250"] == shares["Limit"] == 1
    assert shares["uniform"] == 0
    assert shares["Bias 45"] < 1
    marked = {row.split("  ")[0] for row in done.stdout.splitlines() if "†" in row and not row.startswith("†")}
    assert marked == {"Bias 250", "Limit"}
    assert FELL_BACK in re.sub(r"\s+", " ", done.stdout)
    planned = bench(tmp_path, "plan", str(suite), "--plugin", "models.py", "-x", LEVELS, *budget)
    assert re.findall(r"fallback: (.*) admits no position", planned.stdout) == ["Bias 250", "Limit"]
