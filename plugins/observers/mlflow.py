"""MLflow: an experiment for each suite, in it a run for the suite and below that one for each cell.

Runs are found again by their tags ``bench.suite`` and ``bench.cell``, which hold ids: a suite that goes on goes on in
the same runs, whoever continues it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.api import (
    About,
    CellResult,
    Component,
    Epoch,
    ObservedCell,
    ObservedRun,
    Observer,
    PluginError,
    RunResult,
    hookimpl,
)

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

AT_ONCE = 100
"""Values in one request; MLflow takes no more parameters."""
LONGEST_NAME = 250
LONGEST_VALUE = 500
"""Characters that every version of MLflow takes."""
OTHERS = re.compile(r"[^\w\-. :]|\.\.")
"""What MLflow takes in no name, but for the slash, which stands between its parts."""


class MLflow(Observer):
    """Writes to a tracking server, a database or a folder, through MLflow's client."""

    def __init__(self, client: MlflowClient) -> None:
        self.client = client
        self.experiment = ""
        self.suite = ""
        self.runs: dict[str, str] = {}

    def run_began(self, run: ObservedRun) -> None:
        """Find the suite's experiment and its run there, or make them."""
        found = self.client.get_experiment_by_name(run.suite)
        self.experiment = found.experiment_id if found else self.client.create_experiment(run.suite)
        told = {"bench.profile": run.profile or "none", "bench.cells": str(run.cells)}
        self.suite = self._run("bench.suite", run.id, run.suite, {"mlflow.note.content": run.description, **told})

    def cell_began(self, cell: ObservedCell) -> None:
        """Find the cell's run, or make it, with its settings as parameters and its labels as tags."""
        labels = {part("axis", axis): label[:LONGEST_VALUE] for axis, label in cell.axes.items()}
        run = self._run("bench.cell", cell.id, cell.name, {"mlflow.parentRunId": self.suite, **labels})
        self.runs[cell.id] = run
        self._log("params", run, {part(name): plain(value) for name, value in cell.settings.items()})

    def epoch_ended(self, cell: ObservedCell, epoch: Epoch) -> None:
        """Log what is known of it, by the number of the epoch."""
        values = {part("epoch", name): value for name, value in asdict(epoch).items() if value is not None}
        self._log_metrics(self.runs[cell.id], values, epoch.epoch)

    def cell_ended(self, cell: ObservedCell, result: CellResult) -> None:
        """Log scores, costs and pictures, and end the run."""
        run, record = self.runs.pop(cell.id), result.record
        for split, scores in record.scores.items():
            self._log_metrics(run, {part(split, name): value for name, value in scores.numbers.items()})
        self._log_metrics(run, {part("cell", name): value for name, value in record.facts.items()})
        for picture in result.pictures:
            self.client.log_artifact(run, str(picture), "pictures")
        self.client.set_tag(run, "bench.state", record.state.word)
        self.client.set_tag(run, "bench.reason", (record.reason or "")[:LONGEST_VALUE])
        self.client.set_terminated(run, "FAILED" if record.reason else "FINISHED")

    def run_ended(self, _run: ObservedRun, result: RunResult) -> None:
        """Keep the leaderboard with the suite's run; cells that have not ended are marked as killed."""
        for run in self.runs.values():
            self.client.set_terminated(run, "KILLED")
        for path in result.files:
            self.client.log_artifact(self.suite, str(path))
        self.client.set_terminated(self.suite, "FINISHED" if result.how == "done" else "KILLED")

    def _run(self, tag: str, id: str, name: str, tags: Mapping[str, str]) -> str:
        """The run that has this id as a tag, running again, or a new one."""
        found = self.client.search_runs([self.experiment], f"tags.`{tag}` = '{id}'", max_results=1)
        if not found:
            name = name[:LONGEST_VALUE]
            return str(self.client.create_run(self.experiment, tags={tag: id, **tags}, run_name=name).info.run_id)
        run = str(found[0].info.run_id)
        self.client.update_run(run, status="RUNNING")
        self._log("tags", run, tags)
        return run

    def _log_metrics(self, run: str, values: Mapping[str, float], step: int = 0) -> None:
        from mlflow.entities import Metric

        now = round(1000 * time.time())
        self._batches("metrics", run, [Metric(name, value, now, step) for name, value in values.items()])

    def _log(self, kind: str, run: str, values: Mapping[str, str]) -> None:
        from mlflow.entities import Param, RunTag

        entity = {"params": Param, "tags": RunTag}[kind]
        self._batches(kind, run, [entity(name, value) for name, value in values.items()])

    def _batches(self, kind: str, run: str, entities: list[Any]) -> None:
        for start in range(0, len(entities), AT_ONCE):
            some: dict[str, Any] = {kind: entities[start : start + AT_ONCE]}
            self.client.log_batch(run, **some)


def part(*parts: str) -> str:
    """A name as MLflow takes it: parts between slashes, other signs as ``_``."""
    return "/".join(OTHERS.sub("_", one) for one in parts)[:LONGEST_NAME]


def plain(value: Any) -> str:
    """A setting as text."""
    return (value if isinstance(value, str) else json.dumps(value))[:LONGEST_VALUE]


def build(_folder: Path, /, *, uri: str | None = None) -> Observer:
    """Track a run with MLflow.

    ``uri`` is where to, as ``http://tracking:5000`` or ``sqlite:///mlflow.db``; null is what ``MLFLOW_TRACKING_URI``
    says, and without that MLflow's own default.
    """
    try:
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise PluginError("the observer 'mlflow' needs MLflow: pip install \"defectbench[mlflow]\"") from None
    return MLflow(MlflowClient(uri))


@hookimpl
def bench_observers() -> Iterable[Component[Observer]]:
    """Offer it."""
    yield Component("mlflow", build, about=About("runs of MLflow, one for each cell; needs the extra 'mlflow'"))
