"""SIGKILL at random instants, of the command, of a worker, or of all: the repeated command ends as if nothing had been.

A kill inside a training costs the steps since its last checkpoint, which are counted: each step writes a line.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from subprocess import Popen

from studies.faults import shell
from studies.faults.trial import Outcome, Undisturbed, ended, fresh, repeated, stage_at, workers

WHO = ("parent", "worker", "group")
SLACK_S = 1.5
"""Seconds before a kill whose steps may be repeated: one between checkpoints, and half of one to write it."""


def trial(whole: Undisturbed, rng: random.Random) -> Outcome:
    """Kill once and repeat."""
    who = rng.choice(WHO)
    with fresh(whole) as folder:
        process = shell.started(folder)
        time.sleep(rng.uniform(0.0, 1.0) * whole.seconds)
        at, stage = time.time(), stage_at(folder)
        _kill(who, process, folder)
        ended(process)
        before = shell.steps(folder)
        lost = repeated(folder, whole)
        again = len(shell.steps(folder)) - whole.steps
        late = sum(moment > at - SLACK_S for moment in before)
        if not lost and again > late:
            lost = f"{again} steps were repeated, {late} were made within {SLACK_S} s of the kill"
        return Outcome(f"{who} killed, {stage}", lost)


def _kill(who: str, process: Popen[bytes], folder: Path) -> None:
    with suppress(ProcessLookupError):  # it has ended by now
        if who == "group":
            os.killpg(process.pid, signal.SIGKILL)
            for pid in workers(folder):
                os.kill(pid, signal.SIGKILL)
        elif who == "parent":
            os.kill(process.pid, signal.SIGKILL)
        else:
            for pid in workers(folder)[:1]:
                os.kill(pid, signal.SIGKILL)
