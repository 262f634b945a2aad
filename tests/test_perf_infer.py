"""Latency: refused on a busy machine, one figure for cells that differ in weights alone, kept for boards."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count, cycle, repeat
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import sem, t

from bench.cli.options import Workspace
from bench.cli.perf.infer import ModelOptions, targets_of
from bench.commands import board_of_run
from bench.errors import BenchError
from bench.machine import processors
from bench.perf.apart import Apart
from bench.perf.clocks import Clocks, Use, use_between
from bench.perf.infer import Infer, infer, rounds_of
from bench.perf.measure import QUIET, Limits, Measured, NotQuiet, _measured, is_quiet, measure
from bench.perf.reference import Reference
from bench.perf.rounds import Load, Rounds, Sample, Spell
from bench.runs.folder import read_run, records_in, told
from bench.runs.latencies import LATENCIES, keep_latencies, latencies_in
from bench.train.device import choose_device
from tiny import bench, edited

ANY = Limits(waited=1e9, others=1e9, pace=1e9, noise=1e9, processes=2, spells=2, samples=2, seconds=0.01)
"""Every spell counts: what a shared machine gives, to be looked at and not to be believed."""


@pytest.fixture
def world(ran_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "world"
    shutil.copytree(ran_world, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BENCH_HOME", str(folder / "home"))
    return folder


@contextmanager
def busy() -> Iterator[None]:
    """A process on every processor that computes."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processors())]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def timed(folder: Path, *targets: str) -> Infer:
    """What ``bench perf infer`` does where every machine is quiet enough and this process stands for each."""
    workspace = Workspace((folder / "models.py",), no_plugins=False)
    wanted = targets_of(targets, workspace, ModelOptions((), "32x32x1", 32, 0.0, "float32", 1), None)
    start = partial(rounds_of, wanted.subjects, "cpu")
    found = infer(wanted.subjects, folder / "home", start=start, device="cpu", patience_s=60, limits=ANY)
    wanted.keep(found)
    return found


def test_a_machine_with_a_busy_process_on_every_core_is_refused_in_a_sentence(world: Path) -> None:
    timed(world, "constant")  # imports what the command would import, at leisure
    with busy():
        done = bench(world, "perf", "infer", "constant", "--image", "32x32x1", "--tile", "32", "--patience", "1")
    assert done.returncode == 3
    assert done.stdout == ""
    assert "the machine is not quiet, nothing was measured: " in done.stderr
    assert "repeat it when nothing else runs" in done.stderr
    assert not (world / "runs" / "tiny" / LATENCIES).exists()


def test_cells_that_differ_in_weights_alone_are_one_measurement_and_have_one_figure(world: Path) -> None:
    found = timed(world, "tiny")
    (subject,) = found.subjects
    suite, _ = read_run(world / "runs" / "tiny")
    assert {record.id for record in subject.cells} == {cell.id for cell in suite.cells}
    kept = latencies_in(world / "runs" / "tiny")
    assert {one.p50_s for own in kept.values() for one in own} == {found.timed(subject).p50_s}
    assert 0 < found.timed(subject).p50_s <= found.timed(subject).p95_s


def test_a_cell_and_a_model_are_timed_in_turns_and_only_the_cell_is_kept(world: Path) -> None:
    suite, _ = read_run(world / "runs" / "tiny")
    first = suite.cells[0].id
    found = timed(world, first[:6], "constant")
    assert [subject.name for subject in found.subjects] == [f"tiny {first[:8]}", "constant"]
    assert list(latencies_in(world / "runs" / "tiny")) == [first]


def test_a_board_prints_the_latency_that_was_measured_and_says_on_what(world: Path) -> None:
    before = bench(world, "leaderboard", "runs/tiny").stdout
    assert "ms/image" not in before
    assert "bench perf infer RUN" in before
    found = timed(world, "tiny")
    board = board_of_run(world / "runs" / "tiny")
    assert {one.image_latency_s for one in board.costs} == {found.timed(found.subjects[0]).p50_s}
    assert any("image_latency_s" in one.fronts for one in board.costs)
    again = bench(world, "leaderboard", "tiny.yaml", "--plugin", "models.py").stdout
    assert "ms/image" in again
    assert "measured it" in again


def test_a_second_measurement_takes_the_place_of_the_first_and_one_of_another_batch_stands_beside_it(
    world: Path,
) -> None:
    run = world / "runs" / "tiny"
    timed(world, "tiny")
    latest = timed(world, "tiny").latencies()
    assert latencies_in(run) == latest
    (id, (one,)), *_ = latest.items()
    keep_latencies(run, {id: [one.model_copy(update={"batch": 1})]})
    assert [kept.batch for kept in latencies_in(run)[id]] == [one.batch, 1]


def test_a_latency_of_other_weights_is_none_of_the_record(world: Path) -> None:
    run = world / "runs" / "tiny"
    timed(world, "tiny")
    stored = json.loads((run / LATENCIES).read_text())
    for own in stored["cells"].values():
        own[0]["predict"] = "another"
    edited(run / LATENCIES, cells=stored["cells"])
    suite, _ = read_run(run)
    assert {record.latency for record in told(run, records_in(run, suite)).values()} == {None}


def test_latencies_travel_with_an_archive_and_a_merged_run(world: Path) -> None:
    timed(world, "tiny")
    assert bench(world, "export", "runs/tiny", "--to", "tiny.zip", "--plugin", "models.py").returncode == 0
    archived = board_of_run(world / "tiny.zip").costs
    merged = bench(world, "merge", "tiny.zip", "--to", "runs/merged")
    assert merged.returncode == 0, merged.stderr
    here = board_of_run(world / "runs" / "tiny").costs
    assert archived == board_of_run(world / "runs" / "merged").costs == here
    assert here[0].image_latency_s


def test_a_damaged_file_of_latencies_is_one_line_that_names_it(world: Path) -> None:
    path = world / "runs" / "tiny" / LATENCIES
    path.write_text('{"schema": 1, "cells": ["no"]}')
    done = bench(world, "leaderboard", "runs/tiny")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "runs/tiny/latency.json: damaged; remove it and repeat 'bench perf infer runs/tiny'"
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("utne",), "no model and no start of a cell's id. Did you mean 'unet'?"),
        (("unet", "-x", "encoder"), "write KEY=VALUE"),
        (("unet", "-x", "encodr=resnet18"), "'unet' has no setting 'encodr'"),
        (("unet", "--image", "512"), "write height, width and channels"),
        (("dead",), "no cell whose id begins with 'dead'"),
    ],
)
def test_a_target_that_is_nothing_is_refused_with_what_it_could_be(
    world: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = bench(world, "perf", "infer", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def spell(ratio: float, pace: float, use: Use = Use(0.0, 0.0)) -> Spell:  # noqa: B008
    return Spell({"it": [Sample(ratio * pace, pace)] * 3}, {1: pace}, use)


def test_a_slow_hour_changes_no_figure() -> None:
    load = Load("it", 1, lambda: None)
    steady = _measured([load], [[spell(20, 0.01)] * 2] * 5, 10).loads["it"]
    slower = [[spell(20, 0.01 * (1 + place / 50))] * 2 for place in range(5)]
    drifting = _measured([load], slower, 10).loads["it"]
    assert steady.ratio == pytest.approx(drifting.ratio) == 20
    assert steady.noise == pytest.approx(0)
    assert drifting.noise == pytest.approx(0)


def test_noise_is_the_interval_over_processes_whatever_moved_within_them() -> None:
    ratios = [20.0, 21.0, 22.0, 23.0, 24.0]
    processes = [[spell(ratio - 1, 0.01), spell(ratio + 1, 0.01)] for ratio in ratios]
    found = _measured([Load("it", 1, lambda: None)], processes, 10).loads["it"]
    low, high = t.interval(0.95, len(ratios) - 1, loc=np.mean(ratios), scale=sem(ratios))
    assert found.ratio == pytest.approx(22)
    assert found.noise == pytest.approx((high - low) / 22)


@pytest.mark.parametrize(
    ("one", "quiet"),
    [
        (spell(20, 0.01), True),
        (spell(20, 0.01, Use(0.06, 0.0)), False),
        (spell(20, 0.01, Use(0.0, 0.6)), False),
        (spell(20, 0.014), True),
        (spell(20, 0.016), False),
    ],
    ids=["alone", "waited", "others", "slower", "slow"],
)
def test_a_spell_is_quiet_where_nobody_else_computes_and_the_reference_keeps_its_pace(one: Spell, quiet: bool) -> None:
    assert is_quiet(one, {1: 0.01}, QUIET) is quiet


ALONE = Use(0.0, 0.0)


@dataclass
class Scripted:
    """Makes the spells of a process in which a load takes so many runs of the reference."""

    ratio: float
    use: Use = ALONE

    def warm(self, until: float) -> bool:
        return True

    def spell(self, least_s: float) -> Spell:
        return spell(self.ratio, 0.01, self.use)

    def close(self) -> None: ...


def scripted(processes: Iterable[Scripted], patience_s: float, limits: Limits = QUIET) -> Measured:
    start = partial(next, iter(processes))
    return measure(start, [Load("it", 1, lambda: None)], fastest={}, patience_s=patience_s, limits=limits)


def test_more_processes_are_started_until_the_interval_over_them_is_narrow() -> None:
    found = scripted(map(Scripted, cycle([19.5, 20.5])), patience_s=60)
    assert found.processes > QUIET.processes
    assert found.loads["it"].ratio == pytest.approx(20, rel=0.01)
    assert found.loads["it"].noise <= QUIET.noise


def test_five_measurements_that_are_accepted_differ_by_no_more_than_is_promised() -> None:
    rng = np.random.default_rng(0)
    world = (Scripted(20 * (1 + 0.045 * draw)) for draw in iter(rng.standard_normal, None))
    fives = [[scripted(world, patience_s=60).loads["it"].ratio for _ in range(5)] for _ in range(100)]
    apart = np.array([max(five) / min(five) - 1 for five in fives])
    assert np.quantile(apart, 0.9) <= 0.05


def test_processes_that_differ_too_much_are_refused_by_the_load_that_does() -> None:
    with pytest.raises(NotQuiet, match=r"the interval of it over \d+ processes is still \d+ % wide \(limit 5 %"):
        scripted((Scripted(1.1**place) for place in count()), patience_s=0.2, limits=Limits(processes=2, spells=1))


def test_a_process_beside_others_at_work_is_refused_with_what_they_did() -> None:
    with pytest.raises(NotQuiet, match=r"0 of \d+ spells? of rounds were, .* other processes used 2.0 processors"):
        scripted(repeat(Scripted(20, Use(0.0, 2.0))), patience_s=0)


def adding() -> Rounds:
    device = choose_device("cpu")
    return Rounds([Load("adding", 1, partial(sum, range(1000)))], device, Reference(device))


def test_a_process_of_its_own_gives_spells_and_one_that_ends_is_an_error() -> None:
    with closing(Apart(adding)) as apart:
        assert apart.warm(time.monotonic() + 3600)
        first, second = (apart.spell(0.01) for _ in range(2))
    assert list(first.samples) == list(second.samples) == ["adding"]
    with (
        closing(Apart(partial(rounds_of, [], "nowhere"))) as apart,
        pytest.raises(BenchError, match="ended with code 1"),
    ):
        apart.warm(time.monotonic() + 3600)


def test_a_process_that_has_not_started_in_time_is_refused_and_ended() -> None:
    started = []

    def start() -> Apart:
        started.append(Apart(adding))
        return started[-1]

    with pytest.raises(NotQuiet, match=r"process(es)? had not started in time; repeat"):
        measure(start, [], fastest={}, patience_s=0)
    assert not any(apart.alive for apart in started)


def test_time_without_work_is_waiting_where_the_system_counts_none() -> None:
    use = use_between(Clocks(0.0, 0.0, None, None), Clocks(2.0, 1.5, None, None))
    assert use == Use(0.25, 0.0)
    counted = use_between(Clocks(0.0, 0.0, 0.0, 0.0), Clocks(2.0, 1.5, 0.1, 3.5))
    assert counted == Use(0.05, 1.0)


def test_the_fastest_reference_of_a_machine_is_remembered(world: Path) -> None:
    timed(world, "constant")
    (kept,) = (world / "home" / "measured").glob("*.json")
    (values,) = json.loads(kept.read_text())["rates"]["reference"].values()
    first = values["1"]["fastest_s"]
    timed(world, "constant")
    (values,) = json.loads(kept.read_text())["rates"]["reference"].values()
    assert 0 < values["1"]["fastest_s"] <= first
