"""``bench cache``: the shared stages under ``$BENCH_HOME``."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import click

from bench.cli.printing import json_option, put_json
from bench.words import plural

DAY_S = 86_400
RUNS = Path("runs")
REMEDY = "'bench cache gc' removes damaged stages; 'bench run' does again what a line names no other remedy for"


@dataclass(frozen=True, slots=True)
class Held:
    """Finished stages of one kind."""

    kind: str
    stages: int
    bytes: int


@click.group("cache")
def command() -> None:
    """List, verify or clear shared stages: images, crops, validation tiles, weights, evidence."""


@command.command("ls")
@json_option
def ls(as_json: bool) -> None:
    """List finished stages by kind: how many, how large."""
    from bench.home import bench_home
    from bench.store.cache import stage_folders, weight
    from bench.store.home import check_readable

    home = bench_home()
    check_readable(home)
    kinds = [Held(kind, len(found), sum(map(weight, found))) for kind, found in stage_folders(home).items()]
    total = sum(one.bytes for one in kinds)
    if as_json:
        put_json({"home": home, "kinds": kinds, "bytes": total})
        return
    click.echo(f"{home}")
    for one in kinds:
        click.echo(f"  {one.kind:8s} {one.stages:6d} stages {one.bytes / 1e6:10.1f} MB")
    click.echo(f"  {'all':8s} {'':6s}        {total / 1e6:10.1f} MB")


@command.command("verify")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
@json_option
def verify(runs: tuple[Path, ...], as_json: bool) -> int:
    """Read every file and compare it with its checksum; exit code 3 when something is damaged.

    Checked are all shared stages, checkpoints, indices and measured rates, and the run folders RUNS (a folder of runs
    stands for all in it), by default those in ./runs.
    """
    from itertools import chain

    from bench.home import bench_home
    from bench.runs.verify import run_damages, runs_below
    from bench.store.cache import damages
    from bench.store.home import check_readable

    check_readable(bench_home())
    folders = list(chain.from_iterable(runs_below(run) for run in runs or (RUNS,)))
    found = list(chain(damages(bench_home()), *map(run_damages, folders)))
    if as_json:
        put_json({"home": bench_home(), "runs": folders, "damaged": list(map(str, found))})
        return 3 if found else 0
    for problem in found:
        click.echo(problem)
    seen = f"the store and {plural(len(folders), 'run')}"
    click.echo(f"{seen}: {plural(len(found), 'file')} damaged; {REMEDY}" if found else f"{seen} are sound")
    return 3 if found else 0


@command.command("gc")
@click.option("--days", type=click.FloatRange(min=0), help="Also remove stages that no run has used for so many days.")
@click.option(
    "--keep", multiple=True, type=click.Path(path_type=Path, exists=True), help="Spare the stages of a run folder."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def gc(days: float | None, keep: tuple[Path, ...], dry_run: bool) -> None:
    """Remove leftovers of killed runs and damaged stages, and, with --days, unused stages.

    What a command at work needs, on this machine or another, is spared.
    """
    from bench.home import bench_home
    from bench.store.garbage import garbage, remove
    from bench.store.home import check_readable

    check_readable(bench_home())  # nothing is written: room is made on a full disk too
    limit = None if days is None else time.time() - days * DAY_S
    freed, spared = 0, Counter[str]()
    for found in garbage(bench_home(), unused_since=limit, keep=keep):
        if found.needed_by is not None:
            spared[f"'{found.needed_by.command}', {found.needed_by.owner}"] += 1
            continue
        freed += found.size
        click.echo(f"{'would remove' if dry_run else 'removed'} {found.path} ({found.size / 1e6:.1f} MB, {found.why})")
        if not dry_run:
            remove(found.path)
    for command, count in spared.items():
        click.echo(f"spared {plural(count, 'stage')} that {command} needs")
    click.echo(f"{freed / 1e6:.1f} MB {'would be ' if dry_run else ''}freed")
