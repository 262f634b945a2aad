"""The smallest run there is, with a file of every kind, and a launcher that does its jobs in this process."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.catalog import Catalog, load_catalog
from bench.commands import Silent, run_and_file
from bench.engine.invocation import Invocation
from bench.engine.plan import Plan
from bench.engine.worker import perform
from bench.jobs import Ended, Job, Listener
from bench.record import Latency
from bench.runs.folder import note_outdated, records_in
from bench.runs.latencies import keep_latencies
from bench.runs.rescore import ScoreRequest, file_scores, rescored
from bench.score.rules import rule_from
from bench.store.home import Places
from bench.suite.reading.load import Suite, load_suite
from bench.train.stop import Stop
from studies.faults.parts import write_parts

PLUGIN = '''
"""A model of two layers."""

from bench.api import Component, Task, hookimpl


def build(task: Task, /):
    import torch

    first = torch.nn.Conv2d(task.channels, 4, 5, padding=2)
    return torch.nn.Sequential(first, torch.nn.ReLU(), torch.nn.Conv2d(4, 1 + task.classes, 1))


@hookimpl
def bench_models():
    yield Component("small", build)
'''

SUITE = """
name: small
axes: {dataset: [folder], crop: [uniform], crop_size: [32], model: [small], seed: [0]}
recipe:
  {epochs: 3, epoch_crops: 8, batch: 4, validate_every: 1, warmup_steps: 1, precision: float32, learning_rate: 0.3}
protocol: {tiles: {overlap: 0.0}}
runtime: {workers: 1}
"""


@dataclass(frozen=True)
class World:
    """A folder with images (``parts``), a plugin and a suite; store and results lie in ``place``.

    The images may be those of another world, so that they keep their stamps where store and results are copied.
    """

    folder: Path
    place: Path

    @property
    def home(self) -> Path:
        """The store."""
        return self.place / "home"

    @property
    def run(self) -> Path:
        """The run folder."""
        return self.place / "runs" / self.suite.name

    @cached_property
    def catalog(self) -> Catalog:
        """Installed components and the model."""
        return load_catalog([self.folder / "small.py"], plugins=False)

    @cached_property
    def places(self) -> Places:
        """Store, results, images."""
        return Places(self.home, self.place / "runs", {"folder": str(self.folder / "parts")})

    @cached_property
    def suite(self) -> Suite:
        """The suite of one cell."""
        return load_suite(self.folder / "small.yaml", self.catalog)

    def at(self, place: Path) -> World:
        """The same images, plugin and suite with another store and other results."""
        other = replace(self, place=place)
        vars(other).update(catalog=self.catalog, suite=self.suite)
        return other

    def ran(self) -> Plan:
        """Run the suite, as ``bench run`` does."""
        invocation = Invocation(self.catalog, self.places)
        return run_and_file(self.suite, invocation, Silent(), "bench run small.yaml", Here)[0]


def finished_world(folder: Path) -> World:
    """Write a world into an empty folder and run it; leaves late scores, a latency and a remark on old scores too."""
    world = new_world(folder)
    for cell in world.suite.cells:
        in_the_way = world.run / "cells" / cell.id
        in_the_way.parent.mkdir(parents=True, exist_ok=True)
        in_the_way.write_text("no pictures: to draw them takes longer than all else, and nobody reads them")
    world.ran()
    records = records_in(world.run, world.suite)
    request = ScoreRequest(rule_from("recall>=0.5"))
    late = rescored(world.suite.cells, records, request, world.catalog, world.places)
    file_scores(world.run, late, request, world.catalog)
    note_outdated(world.run, {id: ["old scores, says somebody"] for id in records})
    for id, record in records.items():
        keep_latencies(world.run, {id: [Latency(predict=record.keys["predict"], p50_s=0.01, ratio=1.0, noise=0.01)]})
    return world


def new_world(folder: Path) -> World:
    """Write a world into an empty folder."""
    write_parts(folder / "parts")
    (folder / "small.py").write_text(PLUGIN)
    (folder / "small.yaml").write_text(SUITE)
    return World(folder, folder)


class Here:
    """A launcher whose jobs are done in this process, when somebody asks what has ended."""

    def __init__(self, _listener: Listener) -> None:
        self._waiting: list[Job] = []
        self._catalogs: dict[Any, Catalog] = {}

    def submit(self, jobs: Sequence[Job]) -> None:
        """See :class:`bench.launcher.Launcher`, also for what follows."""
        self._waiting += jobs

    def ended(self, timeout: float) -> Sequence[Ended]:  # noqa: ARG002 - nothing is waited for
        """Do all that waits."""
        jobs, self._waiting = self._waiting, []
        return [perform(job, self._catalogs, lambda _message: None, Stop()) for job in jobs]

    def remarks(self) -> Sequence[str]:
        """There are none."""
        return ()

    def cancel(self, keys: Collection[str]) -> None:
        """Forget jobs."""
        self._waiting = [job for job in self._waiting if job.key not in keys]

    def stop(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing is held."""
