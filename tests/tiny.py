"""A tiny world for tests of the main job: a folder of images, a model of one layer, a suite over them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.store.store import read_object
from studies.faults.parts import write_parts
from studies.faults.shell import SUITE

MODEL = '''
"""Models and a failing crop strategy for tests."""

from bench.api import Component, Task, hookimpl


def build(task: Task, /, *, width: int = 4):
    import torch

    first = torch.nn.Conv2d(task.channels, width, 5, padding=2)
    return torch.nn.Sequential(first, torch.nn.ReLU(), torch.nn.Conv2d(width, 1 + task.classes, 1))


def exploding(task: Task, /):
    import torch

    class Exploding(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, images):
            return images[:, :1].repeat(1, 2, 1, 1) * self.scale * float("inf")

    return Exploding()


def failing(task: Task, /):
    raise RuntimeError("this model cannot be built")


def dying(task: Task, /):
    import os

    os._exit(7)


@hookimpl
def bench_models():
    yield Component("tiny", build)
    yield Component("exploding", exploding)
    yield Component("failing", failing)
    yield Component("dying", dying)
    yield Component("impossible", build, supports=lambda task, **_: f"not for {task.classes} class")
'''


def write_world(folder: Path, *, images: int = 10, side: int = 48) -> Path:
    """Write images with bright squares as defects, the plugin file and the suite; return the suite's path."""
    write_parts(folder / "parts", images, side)
    (folder / "models.py").write_text(MODEL)
    suite = folder / "tiny.yaml"
    suite.write_text(SUITE)
    return suite


def environment(folder: Path) -> dict[str, str]:
    """An environment with its own store."""
    return {**os.environ, "BENCH_HOME": str(folder / "home"), "BENCH_PROFILE": "", "OMP_NUM_THREADS": "1"}


def edited(path: Path, **changed: Any) -> None:
    """Change keys of a JSON file of ours, which has no digest then, as those of earlier versions."""
    path.write_text(json.dumps({**read_object(path), **changed}))


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def bench(folder: Path, *arguments: str) -> Done:
    """Run the command line in ``folder`` and in this process, which has imported what a new one would import again."""
    said, complained = StringIO(), StringIO()
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["bench", *arguments])
        for name, value in environment(folder).items():
            patch.setenv(name, value)
        stack.enter_context(redirect_stdout(said))
        stack.enter_context(redirect_stderr(complained))
        left = stack.enter_context(pytest.raises(SystemExit))
        main()
    return Done(int(left.value.code or 0), said.getvalue(), complained.getvalue())


def bench_process(folder: Path, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the command line in ``folder`` as the installed command would: a process, without the folder on its path."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "bench", *arguments],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
