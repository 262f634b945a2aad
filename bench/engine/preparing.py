"""What can be done of a suite without a GPU: indices, image stores, draws and banks of crops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bench.engine.indices import Indices, endings
from bench.engine.invocation import Invocation, Watcher
from bench.engine.orders import source_job
from bench.engine.plan import RUNNABLE, Plan, Pretraining
from bench.engine.scheduler import MakeLauncher, launcher_of
from bench.jobs import Job
from bench.record import State
from bench.suite.reading.load import Suite

Told = Callable[[int, int, str], None]
"""Hears how many parts are ready, of how many, and the name of the last."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The plan with all data indexed, and why some of it could not be prepared."""

    plan: Plan
    problems: tuple[str, ...]


def prepare(
    suite: Suite, invocation: Invocation, watcher: Watcher, told: Told, make: MakeLauncher | None = None
) -> Prepared:
    """Index every data set; store the images and draw the crops of every cell that is not done; train nothing.

    The workers compute on the processor, whatever the suite asks for.
    """
    suite = replace(suite, runtime=suite.runtime.model_copy(update={"device": "cpu"}))
    launcher = (make or launcher_of(suite, invocation))(watcher.progress)
    try:
        plan = Indices(invocation, launcher, watcher).completed(suite)
        jobs = {job.key: (job, name) for job, name in _jobs(plan, invocation)}
        names = {key: name for key, (_, name) in jobs.items()}
        launcher.submit([job for job, _ in jobs.values()])
        problems = []
        while names:
            for ended in endings(launcher, watcher):
                name = names.pop(ended.key)
                if ended.state is not State.OK:
                    problems.append(f"{name}: {ended.reason}")
                told(len(jobs) - len(names), len(jobs), name)
    finally:
        launcher.close()
    return Prepared(plan, tuple(problems))


def _jobs(plan: Plan, invocation: Invocation) -> Iterator[tuple[Job, str]]:
    """What makes the crops of each run that learns, and its tiles, and the tiles of those that do not; with names."""
    runs = list(_runs(plan))
    learning = [run for run in runs if _learns(run, invocation)]
    tiled = {run.stages[0].key for run in learning}
    for run in learning:
        cell = run.cell
        name = f"{cell.dataset.use}, {cell.labels['crop']}, {cell.crop_size} pixels, seed {cell.seed}"
        job = source_job(plan.suite, run, invocation.catalog, invocation.places)
        yield replace(job, key=run.stages[1].key, until="crops"), name
    for run in runs:
        if run.stages[0].key not in tiled:
            job = source_job(plan.suite, run, invocation.catalog, invocation.places)
            tiles = f"{run.cell.dataset.use}, tiles of {run.cell.crop_size} pixels"
            yield replace(job, key=run.stages[0].key, until="tiles"), tiles


def _runs(plan: Plan) -> Iterator[Pretraining]:
    """The runs of cells that are not done, and their pretraining runs."""
    for planned in plan.cells:
        if planned.state in RUNNABLE:
            assert planned.dataset is not None
            yield Pretraining(planned.cell, planned.dataset, planned.stages[:3])
            if planned.pretraining is not None:
                yield planned.pretraining


def _learns(run: Pretraining, invocation: Invocation) -> bool:
    """Whether it is trained on crops."""
    component = invocation.catalog.find("model", run.cell.model.use).component
    return run.cell.recipe.epochs > 0 and component.learns
