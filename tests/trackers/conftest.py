"""A small run that every tracker was told of in two parts, broken off in between, and its records."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from bench.record import Record
from bench.runs.folder import read_run, records_in
from bench.suite.resolved import Suite
from bench.train.history import read_history
from tiny import bench, write_world

PACKAGES = ("mlflow", "tensorboard", "wandb")


@dataclass(frozen=True)
class Tracked:
    """A run folder with what it must have told."""

    folder: Path

    @property
    def run(self) -> Path:
        return self.folder / "runs" / "tiny"

    @property
    def suite(self) -> Suite:
        return read_run(self.run)[0]

    @property
    def records(self) -> dict[str, Record]:
        return records_in(self.run, self.suite)

    def history(self, id: str, name: str) -> dict[int, float]:
        """Epoch to a value of its validation."""
        folder = self.folder / "home" / "stages" / "train" / str(self.records[id].keys["train"])
        return {epoch["epoch"]: epoch[name] for epoch in read_history(folder)}

    def numbers(self, id: str) -> dict[str, float]:
        """All scores and facts of a cell by the name that trackers give them."""
        record = self.records[id]
        found = {f"cell/{name}": value for name, value in record.facts.items()}
        for split, scores in record.scores.items():
            found |= {f"{split}/{name}": value for name, value in scores.numbers.items()}
        return found


@pytest.fixture(scope="session")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    for name in PACKAGES:
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("tracked")
    suite = write_world(folder)
    trackers = [
        {"use": "mlflow", "settings": {"uri": f"sqlite:///{folder}/mlflow.db"}},
        {"use": "wandb", "settings": {"mode": "offline"}},
        "tensorboard",
    ]
    content = yaml.safe_load(suite.read_text())
    content["runtime"]["observers"] = trackers
    suite.write_text(json.dumps(content))
    for only in (["--only", "missing", "--shard", "1/2"], []):
        done = bench(folder, "run", "tiny.yaml", "--plugin", "models.py", *only)
        assert done.returncode == 0, done.stderr
        assert "remark: observer" not in done.stderr
    return Tracked(folder)
