"""What a run of the benchmarks says at its end: one table, and a file to compare with."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from figures import Figures, rows_of, save, table

COLLECTED = pytest.StashKey[Figures]()
SKIPPED = pytest.StashKey[dict[str, str]]()
FOLDER = Path(__file__).resolve().parents[2] / "build" / "benchmarks"


def pytest_configure(config: pytest.Config) -> None:
    """Begin with no figures."""
    config.stash[COLLECTED] = {}
    config.stash[SKIPPED] = {}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Operations of torch have one thread, as in a worker: two on small copies wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def report(benchmark: Any, pytestconfig: pytest.Config) -> Callable[..., None]:
    """Tell the figures of a stage by name, its rate first; what could not be compared is told as ``None``."""

    def tell(stage: str, **figures: float | None) -> None:
        known = {name: float(value) for name, value in figures.items() if value is not None}
        benchmark.extra_info.update(known)
        pytestconfig.stash[COLLECTED].setdefault(stage, {}).update(known)

    return tell


@pytest.fixture
def left_out(pytestconfig: pytest.Config) -> Callable[[str, str], None]:
    """Tell which rival was left out, and why."""
    return pytestconfig.stash[SKIPPED].__setitem__


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table and save the run; ``BENCHMARK_TO`` names the file."""
    figures, skipped = config.stash[COLLECTED], config.stash[SKIPPED]
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        skipped[report.nodeid.rpartition("::")[2]] = reason.removeprefix("Skipped: ")
    if not figures:
        return
    to = Path(os.environ.get("BENCHMARK_TO") or FOLDER / time.strftime("%Y-%m-%d-%H%M%S.json"))
    terminalreporter.section("figures")
    for line in table(rows_of(figures), ("stage", "figure", "value", "bar", "")):
        terminalreporter.write_line(line)
    for name, reason in skipped.items():
        terminalreporter.write_line(f"left out: {name}: {reason}")
    save(figures, skipped, to)
    terminalreporter.write_line(f"saved: {to}")
