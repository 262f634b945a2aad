"""What the house itself costs: starting, planning, scheduling and filing a cell, ranking many; in processor time."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from bench.catalog import Catalog
from bench.commands import board_of_plan
from bench.engine.invocation import Invocation, make_plan
from bench.engine.plan import Plan
from bench.engine.scheduler import index_plan, run_suite
from bench.jobs import Ended, Job
from bench.record import State, record_from
from bench.store.home import Places
from bench.store.records import write_record
from bench.suite.reading.load import Suite, load_suite
from report_samples import record

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 7
FEW, MANY = 1_000, 10_000
HUNDRED_THOUSAND = 100_000

SUITE = """
name: many
axes:
  dataset: [{{use: metalpart, settings: {{objects: 6, size: 64}}}}]
  crop: [uniform, defect-centred, {{use: intensity-bias, settings: {{threshold: 10}}}}, {{use: intensity-bias, settings: {{threshold: 20}}}}, whole-image]
  crop_size: [64]
  model: [{{use: unet, settings: {{encoder: resnet10t}}}}, {{use: fcn, settings: {{encoder: resnet10t}}}}]
  seed: [{seeds}]
"""  # noqa: E501


class Silent:
    """Watches a run and says nothing."""

    def planned(self, plan: Plan) -> None: ...
    def progress(self, progress: Any) -> None: ...
    def ended(self, planned: Any, ended: Ended) -> None: ...
    def tick(self) -> None: ...


class AtOnce:
    """A launcher whose jobs end as soon as they are submitted."""

    def __init__(self) -> None:
        self._ended: list[Ended] = []

    def submit(self, jobs: Sequence[Job]) -> None:
        self._ended += [Ended(job.key, State.FAILED, "none was meant to run") for job in jobs]

    def ended(self, timeout: float) -> Sequence[Ended]:
        found, self._ended = self._ended, []
        return found

    def remarks(self) -> Sequence[str]:
        return ()

    def cancel(self, keys: Collection[str]) -> None: ...
    def close(self) -> None: ...


def many(cells: int, folder: Path, catalog: Catalog) -> tuple[Suite, Invocation]:
    """A suite of so many cells on six small images, which are indexed."""
    folder.mkdir()
    path = folder / "many.yaml"
    path.write_text(SUITE.format(seeds=", ".join(map(str, range(cells // 10)))))
    suite = load_suite(path, catalog)
    invocation = Invocation(catalog, Places(folder / "home", folder / "runs", {}))
    index_plan(suite, invocation, Silent())
    return suite, invocation


def seconds_of(command: Sequence[str]) -> float:
    """Processor seconds of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, env=dict(os.environ), check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_starting(benchmark: Any, report: Callable[..., None]) -> None:
    commands = {
        "click": [sys.executable, "-c", "import click"],
        "imports": [sys.executable, "-c", "import click, numpy, pydantic, yaml"],
        "help": [sys.executable, "-m", "bench", "--help"],
        "plan": [sys.executable, "-m", "bench", "plan", "suites/cropping.yaml", "--profile", "cpu"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}

    def all_of_them() -> None:
        for name, command in commands.items():
            taken[name].append(seconds_of(command))

    benchmark.pedantic(all_of_them, rounds=ROUNDS, warmup_rounds=1)
    click, imports, help, plan = (median(found[1:]) for found in taken.values())
    report("starting", plan_s=plan, help_of_import_click=help / click, plan_of_imports=plan / imports)


def test_scheduling_and_filing(benchmark: Any, report: Callable[..., None], tmp_path: Path, catalog: Catalog) -> None:
    suite, invocation = many(FEW, tmp_path / "few", catalog)
    started = process_time()
    benchmark.pedantic(lambda: run_suite(suite, invocation, Silent(), lambda _: AtOnce()), rounds=1)
    report("scheduling", cells_per_s=FEW / (process_time() - started), ms_a_cell=1e3 * (process_time() - started) / FEW)
    assert len(list((tmp_path / "few/runs/many/cells").glob("*.json"))) == FEW


def test_many_cells(benchmark: Any, report: Callable[..., None], tmp_path: Path, catalog: Catalog) -> None:
    """Plan, store made-up records, read them again and rank."""
    taken = {}
    for cells in (FEW, MANY):
        suite, invocation = many(cells, tmp_path / str(cells), catalog)

        def whole(suite: Suite = suite, invocation: Invocation = invocation) -> None:
            for place, planned in enumerate(make_plan(suite, invocation).cells):
                made = record(planned.cell, 0.4 + place % 100 / 1000, 0.4, keys=planned.keys)
                write_record(invocation.places.record(suite.name, planned.cell.id), record_from(made, "made up"))
            plan = make_plan(suite, invocation)
            assert plan.counts() == {"done": len(suite.cells)}
            board_of_plan(plan, "", invocation.places.run(suite.name))

        started = process_time()
        whole() if cells == FEW else benchmark.pedantic(whole, rounds=1)
        taken[cells] = (process_time() - started) / cells
    report(
        "many cells", cells_per_s=1 / taken[MANY], s_of_100000=HUNDRED_THOUSAND * taken[MANY],
        cost_of_a_cell_among_ten_times_as_many=taken[MANY] / taken[FEW],
    )  # fmt: skip
