"""A tiny world in which commands run as processes: images, a model of two layers in a plugin file, and a suite."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from signal import SIG_DFL, SIGINT, signal
from typing import Any

from studies.faults.parts import write_parts

STEPS = "FAULTS_STEPS"
"""Variable with the file to which the model writes a line for each training step: the time, in seconds."""

MODEL = '''
"""A model that a processor trains in seconds, and others that go wrong."""

import os
import time

from bench.api import Component, Task, hookimpl


def build(task: Task, /, *, width: int = 4):
    import torch

    class Tiny(torch.nn.Sequential):
        def forward(self, images):
            if self.training and "FAULTS_STEPS" in os.environ:
                with open(os.environ["FAULTS_STEPS"], "ab", buffering=0) as file:
                    file.write(f"{time.time():.6f}\\n".encode())
            return super().forward(images)

    first = torch.nn.Conv2d(task.channels, width, 5, padding=2)
    return Tiny(first, torch.nn.ReLU(), torch.nn.Conv2d(width, 1 + task.classes, 1))


@hookimpl
def bench_models():
    yield Component("tiny", build)
'''

SUITE = """
name: tiny
data: {folder: parts}
axes:
  dataset: [folder]
  crop: [uniform, defect-centred]
  crop_size: [32]
  model: [tiny]
  seed: [0]
recipe:
  {epochs: 4, epoch_crops: 16, batch: 4, validate_every: 2, warmup_steps: 2, precision: float32, learning_rate: 0.01}
protocol: {tiles: {overlap: 0.0}}
runtime: {workers: 1}
"""
LONGER = ("-x", "recipe.epochs=40", "-x", "runtime.checkpoint.every=1s")
RUN = ("run", "tiny.yaml", "--plugin", "models.py", "--plain", *LONGER)
PASSING = ("cost", "provenance")
"""Parts of a record that differ from run to run: what was only timed, and when."""


def write_world(folder: Path) -> None:
    """Images with bright squares as defects, the plugin file and the suite."""
    write_parts(folder / "parts")
    (folder / "models.py").write_text(MODEL)
    (folder / "tiny.yaml").write_text(SUITE)


def started(
    folder: Path, arguments: Sequence[str] = RUN, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A command of ``bench`` in a world, in a session of its own; what it says goes to ``said.txt``."""
    own = {"BENCH_HOME": str(folder / "home"), "BENCH_PROFILE": "", "OMP_NUM_THREADS": "1"}
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "bench", *arguments],
            cwd=folder,
            env={**os.environ, **own, STEPS: str(folder / "steps.txt"), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
            preexec_fn=partial(signal, SIGINT, SIG_DFL),  # ignored in the background of a shell
        )


def said(folder: Path) -> str:
    """All that the commands in a world have said."""
    return (folder / "said.txt").read_text(errors="replace")


def steps(folder: Path) -> list[float]:
    """When each training step was made, in seconds since 1970."""
    path = folder / "steps.txt"
    return [float(line) for line in path.read_text().split()] if path.is_file() else []


def measured(folder: Path, suite: str = "tiny") -> dict[str, Any]:
    """The records of a run and its leaderboard, without what was only timed."""
    run = folder / "runs" / suite
    found: dict[str, Any] = {}
    for path in sorted((run / "cells").glob("*.json")):
        found[path.stem] = _lasting(json.loads(path.read_text()))
    board = json.loads((run / "leaderboard.json").read_text())
    board["cells"] = [{**cell, "record": _lasting(cell["record"])} for cell in board["cells"]]
    board["sections"] = [section for section in board["sections"] if section["title"] != "Cost"]
    return {**found, "board": {name: held for name, held in board.items() if name not in ("footer", "costs")}}


def _lasting(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: held for name, held in record.items() if name not in (*PASSING, "digest")}
