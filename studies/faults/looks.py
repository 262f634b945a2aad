"""``bench status`` at random instants of a run, held against what is true of its processes and files."""

from __future__ import annotations

import json
import random
import subprocess
import time
from pathlib import Path

from bench.runs.status import status_of
from bench.states import State
from studies.faults import shell
from studies.faults.trial import Outcome, Undisturbed, ended, fresh, repeated, workers

LOOKS = 5


def trial(whole: Undisturbed, rng: random.Random) -> Outcome:
    """Look several times during one run, and once after it."""
    with fresh(whole) as folder:
        began, lost = time.monotonic(), ""
        process = shell.started(folder)
        for instant in sorted(rng.uniform(0.0, 1.0) * whole.seconds for _ in range(LOOKS)):
            time.sleep(max(0.0, began + instant - time.monotonic()))
            lost = lost or _untrue(folder, process)
        ended(process)
        lost = lost or _untrue(folder, process) or repeated(folder, whole)
        return Outcome(f"{LOOKS} looks at the status", lost)


def _untrue(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """What a look tells that is not so; what changes while one looks may be told either way."""
    run = folder / "runs" / "tiny"
    if not (run / "suite.json").is_file():
        return ""
    was_alive, done_before, hands_before = process.poll() is None, _done(run), len(workers(folder))
    status = status_of(run)
    is_alive, done, hands = process.poll() is None, _done(run), max(len(workers(folder)), hands_before)
    told = status.plain()
    tasks = [task for command in told["commands"] for task in command["tasks"]]
    counted = status.cells.get("done", 0)
    faults = {
        f"{counted} done, {len(done_before)} to {len(done)} are": not len(done_before) <= counted <= len(done),
        "at work, but is not": bool(told["commands"]) and not was_alive,
        "killed, but is at work": is_alive and not told["commands"] and told["last"] and told["last"]["how"] is None,
        f"{len(tasks)} tasks of {hands} workers": len(tasks) > hands,
        "a cell that is done is at work": any(task["key"] in done_before for task in tasks),
        "more than all of a stage": any(task["done"] > task["total"] for task in tasks),
        "since a time to come": any(task["since"] > time.time() + 1 for task in tasks),
        f"{sum(status.cells.values())} cells": sum(status.cells.values()) != 2,
    }
    return "; ".join(what for what, is_so in faults.items() if is_so)


def _done(run: Path) -> set[str]:
    states = {path.stem: json.loads(path.read_text())["state"] for path in (run / "cells").glob("*.json")}
    return {cell for cell, state in states.items() if state == State.OK}
