"""A process in which a fake CUDA device is in place of none, asked case by case."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fake_cuda.library import compiled

TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Told:
    """What a case did: the waits, each with ``why``, ``function`` and ``place``, and what was refused, if anything."""

    waits: list[dict[str, str]]
    refused: str | None


class Process:
    """Runs cases of :mod:`fake_cuda.cases`, one after the other."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def ask(self, kind: str, *arguments: Any) -> Told:
        """Run a case by the name of its function."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps([kind, *arguments]) + "\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        assert answer, f"the process with the fake device ended with {self._child.wait()}"
        return Told(**json.loads(answer))


@contextmanager
def started(folder: Path) -> Iterator[Process]:
    """A process whose CUDA device is fake; the library and the crops of cases lie in ``folder``."""
    environment = {"LD_PRELOAD": str(compiled(folder)), "PYTHONPATH": str(TESTS), "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "fake_cuda"]
    with subprocess.Popen(command, env=os.environ | environment, text=True, stdin=-1, stdout=-1) as child:
        yield Process(child)
        child.communicate()
