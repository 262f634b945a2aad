"""What a cell costs on each launcher beside its own work: cells that find everything done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bench.scaffold.templates.launcher as processes
from bench.catalog import load_catalog
from bench.commands import Silent
from bench.component import Component, build
from bench.engine.carriers import launcher_from
from bench.engine.orders import source_job
from bench.engine.plan import Pretraining
from bench.engine.scheduler import run_suite
from bench.engine.workers import worker_environments
from bench.jobs import Epoch, Job
from bench.launcher import Launcher, Site
from bench.stages.execute import run_cell
from bench.states import State
from bench.suite.schema import Runtime
from bench.train.stop import Stop
from studies import slurm_cluster
from studies.scale.worlds import World, few

DIRECT, WARM, COLD = 200, 100, 4
"""Cells that are measured: called as functions, on a warm worker, and where each is a process of its own."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the first cell, and of each later one, which come one after the other."""

    first: float
    later: float


def idle_job(world: World) -> Job:
    """A job whose only stage is in the store."""
    plan = run_suite(world.suite(few()), world.invocation(), Silent())
    planned = plan.cells[0]
    assert planned.dataset is not None
    run = Pretraining(planned.cell, planned.dataset, planned.stages[:3])
    return replace(source_job(plan.suite, run, world.catalog, world.places), until="tiles")


def unheard(_stage: str, _done: int, _total: int, _note: str, _epoch: Epoch | None = None, /) -> None:
    """Nobody listens."""


def direct(world: World, job: Job) -> Cost:
    """The function that does a cell, called here."""

    def call() -> None:
        run_cell(job, world.catalog, unheard, Stop())

    def calls() -> None:
        for _ in range(DIRECT):
            call()

    first = _timed(call)
    return Cost(first, _timed(calls) / DIRECT)


def through(component: Component[Any], settings: dict[str, Any], job: Job, cells: int) -> Cost:
    """The same through a launcher."""
    with TemporaryDirectory(prefix="bench-scale-") as place:
        environments = worker_environments(Runtime(device="cpu", workers=1), 1)
        site = Site("scale", Path(place) / "jobs" / "one", lambda _progress: None, environments, "cpu")
        launcher = launcher_from(build(component, site, settings=settings), site)
        try:
            first = _timed(lambda: _done(launcher, job, 1))
            return Cost(first, _timed(lambda: _done(launcher, job, cells)) / cells)
        finally:
            launcher.close()


def _done(launcher: Launcher, job: Job, cells: int) -> None:
    """Have so many jobs done."""
    launcher.submit([replace(job, key=f"{job.key}{number}") for number in range(cells)])
    left = cells
    while left:
        for ended in launcher.ended(1.0):
            assert ended.state is State.OK, ended
            left -= 1


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def costs(world: World) -> Iterator[tuple[str, Cost]]:
    """Name of a launcher to what a cell costs on it; clusters are started for it where they are installed."""
    job = idle_job(world)
    yield "the function itself", direct(world, job)
    catalog = load_catalog()
    yield "local", through(catalog.find("launcher", "local").component, {}, job, WARM)
    (template,) = processes.bench_launchers()
    yield "a queue of processes", through(template, {"at_once": 1}, job, COLD)
    if slurm_cluster.why_not() is None and find_spec("submitit"):
        with TemporaryDirectory(prefix="bench-slurm-") as place, slurm_cluster.slurm(Path(place), here=True) as slurm:
            settings = {"at_once": 1, "cpus": 1, "memory_gb": 1.0}
            yield "slurm", through(catalog.find("launcher", "slurm").component, settings, job, COLD)
            yield "submitit alone, an empty function", empty_submitit(slurm)
    if find_spec("ray"):
        with ray_cluster() as address:
            cluster = {"address": address, "cpus": 2, "gpus": 0}
            yield "ray", through(catalog.find("launcher", "ray").component, cluster, job, COLD)
            yield "Ray alone, an empty task", empty_ray()


def nothing() -> None:
    """Do it."""


def empty_submitit(slurm: slurm_cluster.Slurm) -> Cost:
    """Functions that do nothing, as submitit has Slurm do them one after the other."""
    from submitit import SlurmExecutor

    executor = SlurmExecutor(folder=slurm.folder / "empty")
    executor.update_parameters(time=10, cpus_per_task=1, mem="1024M", array_parallelism=1)

    def ran(number: int) -> None:
        with executor.batch():
            jobs = [executor.submit(nothing) for _ in range(number)]
        while not all(job.paths.result_pickle.exists() for job in jobs):
            time.sleep(0.1)

    cost = Cost(_timed(lambda: ran(1)), _timed(lambda: ran(COLD)) / COLD)
    while slurm.jobs():  # a daemon that ends before its jobs leaves them behind
        time.sleep(0.1)
    return cost


@contextmanager
def ray_cluster() -> Iterator[str]:
    """A Ray of one node on this machine; its address."""
    ray: Any = import_module("ray")
    clusters: Any = import_module("ray.cluster_utils")
    cluster = clusters.Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "object_store_memory": 100 * 10**6})
    try:
        yield str(cluster.address)
    finally:
        ray.shutdown()
        cluster.shutdown()


def empty_ray() -> Cost:
    """Tasks that do nothing, one after the other."""
    ray: Any = import_module("ray")
    task = ray.remote(num_cpus=2)(nothing)

    def ran(number: int) -> None:
        for _ in range(number):
            ray.get(task.remote())

    first = _timed(lambda: ran(1))
    return Cost(first, _timed(lambda: ran(WARM)) / WARM)
