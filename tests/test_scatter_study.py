"""What a run scatters by is what its trainings and groups do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.errors import StoreError
from bench.scores import F1
from studies.scatter import of_one_group, powers, table
from test_claims import a_stored_run
from test_report_order import GROUPS


def counts_of(run: Path) -> dict[str, np.ndarray]:
    """Counts ``[seeds, groups, 4]`` of every row."""
    rows: dict[str, list[np.ndarray]] = {}
    for path in sorted((run / "cells").glob("*.json")):
        record = json.loads(path.read_text())
        rows.setdefault(record["axes"]["crop"], []).append(record["scores"]["test"]["image_counts"]["counts"])
    return {name: np.array(counts, float) for name, counts in rows.items()}


def test_the_scatter_is_the_variance_over_seeds_and_that_of_leaving_groups_out(tmp_path: Path) -> None:
    run = a_stored_run(tmp_path)
    (power,) = powers(run).values()
    rows = counts_of(run)
    seeds = np.mean([F1.value(counts.sum(axis=1)).var(ddof=1) for counts in rows.values()])
    first, second = (F1.value(counts.sum(axis=1, keepdims=True) - counts).mean(axis=0) for counts in rows.values())
    groups = (GROUPS - 1) / GROUPS * ((first - second - (first - second).mean()) ** 2).sum()
    found = of_one_group(power)
    assert found.seeds == pytest.approx(seeds)
    assert found.groups == pytest.approx(GROUPS * groups)
    assert found.freedom == pytest.approx(power.scatter.freedom / GROUPS)


def test_the_table_has_a_line_for_every_column_and_one_for_all(tmp_path: Path) -> None:
    found = powers(a_stored_run(tmp_path))
    *_, column, everything = table(found).splitlines()
    assert column.split("|")[2:] == everything.split("|")[2:]


def test_a_run_that_claims_no_order_tells_no_scatter(tmp_path: Path) -> None:
    run = a_stored_run(tmp_path)
    for path in list((run / "cells").glob("*.json"))[1:]:
        path.unlink()
    with pytest.raises(StoreError, match="run more seeds"):
        powers(run)
