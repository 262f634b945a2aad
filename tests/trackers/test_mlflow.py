"""What MLflow's client reads from its database is what the records say; a run that goes on is one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bench.catalog import load_catalog
from bench.testing import breaches
from trackers.conftest import Tracked

Runs = Mapping[str, Any]


@pytest.fixture(scope="module")
def client(tracked: Tracked) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{tracked.folder}/mlflow.db")


@pytest.fixture(scope="module")
def runs(client: Any) -> Runs:
    """Runs of cells by id; each once."""
    experiment = client.get_experiment_by_name("tiny")
    found = [run for run in client.search_runs([experiment.experiment_id]) if "bench.cell" in run.data.tags]
    by_id = {run.data.tags["bench.cell"]: run for run in found}
    assert len(by_id) == len(found)
    return by_id


def test_there_is_one_run_for_each_cell_below_that_of_the_suite(tracked: Tracked, client: Any, runs: Runs) -> None:
    assert set(runs) == set(tracked.records)
    (parent,) = {run.data.tags["mlflow.parentRunId"] for run in runs.values()}
    assert client.get_run(parent).data.tags["bench.suite"] == tracked.suite.hash
    files = {file.path for file in client.list_artifacts(parent)}
    assert {"leaderboard.json", "leaderboard.csv", "leaderboard.md"} <= files
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_scores_and_costs_are_those_of_the_record_to_the_bit(tracked: Tracked, runs: Runs) -> None:
    for id, run in runs.items():
        final = {name: value for name, value in run.data.metrics.items() if not name.startswith("epoch/")}
        assert final == tracked.numbers(id)


def test_validations_are_those_of_the_history_to_the_bit(tracked: Tracked, client: Any, runs: Runs) -> None:
    for id, run in runs.items():
        for name in ("validation_f1", "validation_loss"):
            points = client.get_metric_history(run.info.run_id, f"epoch/{name}")
            assert [point.step for point in points] == list(tracked.history(id, name))
            assert {point.step: point.value for point in points} == tracked.history(id, name)


def test_settings_are_parameters_and_pictures_artifacts(tracked: Tracked, client: Any, runs: Runs) -> None:
    cells = {cell.id: cell for cell in tracked.suite.cells}
    for id, run in runs.items():
        assert run.data.params["recipe.learning_rate"] == str(cells[id].recipe.learning_rate)
        assert run.data.tags["axis/crop"] == cells[id].labels["crop"]
        pictures = {file.path for file in client.list_artifacts(run.info.run_id, "pictures")}
        assert pictures == {f"pictures/{name.rpartition('/')[2]}" for name in tracked.records[id].pictures}


def test_it_keeps_the_contract_of_observers(monkeypatch: pytest.MonkeyPatch, tracked: Tracked) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tracked.folder}/contract.db")
    monkeypatch.chdir(tracked.folder)
    assert breaches("observer", load_catalog().find("observer", "mlflow").component) == []
