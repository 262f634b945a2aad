"""A tiny world whose cells were really run, and a suite of thousands of such cells."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.catalog import Catalog, load_catalog
from bench.commands import Silent
from bench.engine.invocation import Invocation
from bench.engine.plan import Planned
from bench.engine.scheduler import run_suite
from bench.store.home import Places
from bench.store.replicates import read_replicates, replicates_file
from bench.store.store import read_note
from bench.suite.reading.load import Suite, load_suite
from studies.faults import shell
from studies.scale.simulation import Template

RECIPE: dict[str, Any] = {
    "epochs": 4,
    "epoch_crops": 16,
    "batch": 4,
    "validate_every": 2,
    "warmup_steps": 2,
    "precision": "float32",
    "learning_rate": 0.01,
}
PRETRAIN = ["none", {"dataset": "folder", "recipe": {"epochs": 2}}]
SEEDS = 10


def suite_of(cells: int) -> dict[str, Any]:
    """A suite of so many cells, by hundreds: half of them wait for a pretraining run."""
    widths = [{"use": "tiny", "settings": {"width": width}, "label": f"tiny {width}"} for width in range(2, 12)]
    rates = [round(0.001 * (1 + number), 4) for number in range(max(1, cells // (len(widths) * SEEDS * len(PRETRAIN))))]
    return {
        "name": "many",
        "data": {"folder": "parts"},
        "axes": {
            "dataset": ["folder"],
            "crop": ["uniform"],
            "crop_size": [32],
            "model": widths,
            "recipe.learning_rate": rates,
            "pretrain": PRETRAIN,
            "seed": list(range(SEEDS)),
        },
        "recipe": {name: value for name, value in RECIPE.items() if name != "learning_rate"},
        "protocol": {"tiles": {"overlap": 0.0}},
        "runtime": {"launcher": "slurm", "device": "cpu"},
    }


@dataclass(frozen=True, slots=True)
class World:
    """A folder with images and a plugin, and its components."""

    folder: Path
    catalog: Catalog

    @property
    def places(self) -> Places:
        """Its store and results."""
        return Places(self.folder / "home", self.folder / "runs", {"folder": str(self.folder / "parts")})

    def suite(self, written: Mapping[str, Any]) -> Suite:
        """A suite in it."""
        file = self.folder / f"{written['name']}.yaml"
        file.write_text(json.dumps(written))
        return load_suite(file, self.catalog)

    def invocation(self) -> Invocation:
        """Its components and folders."""
        return Invocation(self.catalog, self.places)


def write_world(folder: Path) -> World:
    """Write one, and have this process use its store."""
    shell.write_world(folder)
    os.environ["BENCH_HOME"] = str(folder / "home")
    return World(folder, load_catalog([folder / "models.py"]))


def few() -> dict[str, Any]:
    """A suite of four such cells, for this machine."""
    written = suite_of(100)
    written["name"] = "few"
    written["axes"] |= {"model": [{"use": "tiny", "settings": {"width": 4}, "label": "tiny 4"}], "seed": [0, 1]}
    written["runtime"] = {"workers": 1, "device": "cpu"}
    return written


def templates(world: World) -> list[Template]:
    """What some cells leave that are really run here."""
    plan = run_suite(world.suite(few()), world.invocation(), Silent())
    return [_left(planned, world.places) for planned in plan.cells]


def _left(planned: Planned, places: Places) -> Template:
    assert planned.record is not None
    notes = {}
    for stage in planned.stages:
        note = read_note(places.stage(stage.kind, stage.key))
        if note is not None:
            notes[stage.kind] = note
    replicates = read_replicates(replicates_file(places.run("few"), planned.cell.id))
    assert replicates is not None
    seconds = sum(float(note["seconds"]) for note in notes.values())
    return Template(planned.record.stored, notes, replicates, seconds)
