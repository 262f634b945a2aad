"""The suite that is run on clusters, and what its records must be."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studies.faults import shell

SUITE = (*shell.RUN, "-x", "axes.seed=[0, 1, 2]")
CELLS = 6
STEPS = CELLS * 160
"""Steps that all trainings make together."""
MODELS = ("tiny", "{use: tiny, settings: {width: 2}, label: two}", "{use: tiny, settings: {width: 6}, label: six}")
MANY = (
    *("run", "tiny.yaml", "--plugin", "models.py", "--plain"),
    *("-x", "axes.crop=[uniform, defect-centred]"),
    *("-x", f"axes.model=[{', '.join(MODELS)}]"),
    *("-x", "axes.seed=[0, 1, 2, 3, 4]"),
    *("-x", "recipe.epochs=1", "-x", "recipe.epoch_crops=8", "-x", "recipe.validate_every=1"),
)
"""A suite of thirty cells of seconds."""
LIMIT_S = 900.0
"""Seconds for anything; a machine may have much else to do."""


def records_of(folder: Path) -> dict[str, Any]:
    """The records of a run without what was only timed, by id."""
    return {id: record for id, record in shell.measured(folder).items() if id != "board"}


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {LIMIT_S:g} s: {what}"
        time.sleep(0.2)


def training(folder: Path) -> bool:
    """Whether steps are made."""
    return len(shell.steps(folder)) > 20
