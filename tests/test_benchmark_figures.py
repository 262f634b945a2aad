"""Saved runs of the benchmarks compared: a gate on what has a bar, and on nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMPARE = Path(__file__).parent / "benchmarks" / "compare.py"
FIGURES = {"bank reading": {"crops_per_s": 1e5, "share_of_memcpy": 0.7}, "exact sampling": {"index_kilobytes": 14.0}}


def compared(place: Path, stage: str, name: str, after: float) -> subprocess.CompletedProcess[str]:
    """The comparison of a run with one that differs in one figure."""
    second = {**FIGURES, stage: {**FIGURES[stage], name: after}}
    for file, figures in (("a.json", FIGURES), ("b.json", second)):
        (place / file).write_text(json.dumps({"schema": 1, "figures": figures}))
    return subprocess.run(
        [sys.executable, str(COMPARE), str(place / "a.json"), str(place / "b.json")],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("stage", "name", "after", "code"),
    [
        ("bank reading", "share_of_memcpy", 0.7, 0),
        ("bank reading", "share_of_memcpy", 0.65, 0),
        ("bank reading", "share_of_memcpy", 0.55, 3),  # below its bar
        ("bank reading", "crops_per_s", 1e4, 0),  # a rate is of the machine and has no bar
        ("exact sampling", "index_kilobytes", 40.0, 3),  # less than its bar, but nearly three times as large
    ],
)
def test_a_figure_with_a_bar_that_became_worse_fails_the_comparison(
    tmp_path: Path, stage: str, name: str, after: float, code: int
) -> None:
    done = compared(tmp_path, stage, name, after)
    assert done.returncode == code, done.stderr
    assert (f"worse than before: {stage}: {name}" in done.stderr) is (code == 3)


def test_what_is_no_saved_run_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    done = subprocess.run(
        [sys.executable, str(COMPARE), str(tmp_path / "a.json"), str(tmp_path / "a.json")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "make it again with 'make benchmark'" in done.stderr
