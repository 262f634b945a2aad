"""A terminal that is gone, full or of another encoding costs messages at most: never a cell, and never a traceback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.streams import lasting
from sampling import whole_run
from tiny import environment, write_world

FULL = Path("/dev/full")
NEEDS_FULL = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full, a device of Linux")


def broken_pipe() -> int:
    """The end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def full() -> int:
    """A disk without room."""
    return os.open(FULL, os.O_WRONLY)


SINKS = [broken_pipe, pytest.param(full, marks=NEEDS_FULL)]


def command(folder: Path, *arguments: str, closed: str = "", **streams: int) -> subprocess.CompletedProcess[str]:
    """A command of the shell with its streams as told; ``closed`` as ``>&-``."""
    line = f'exec "$0" -P -m bench "$@" {closed}'
    return subprocess.run(
        ["/bin/sh", "-c", line, sys.executable, *arguments],
        cwd=folder,
        env={**environment(folder), "PYTHONIOENCODING": os.environ.get("PYTHONIOENCODING", "")},
        text=True,
        check=False,
        **streams,
    )


@whole_run
@pytest.mark.parametrize("sink", SINKS)
def test_a_run_whose_output_goes_nowhere_does_its_cells(tmp_path: Path, sink: Callable[[], int]) -> None:
    write_world(tmp_path)
    number = sink()
    arguments = ("run", "tiny.yaml", "--plugin", "models.py", "-x", "axes.crop=[uniform]", "-x", "recipe.epochs=1")
    done = command(tmp_path, *arguments, stdout=number, stderr=number)
    os.close(number)
    assert done.returncode == 0
    assert (tmp_path / "runs" / "tiny" / "leaderboard.csv").is_file()


@pytest.mark.parametrize("sink", SINKS)
def test_a_lasting_stream_takes_everything_and_knows_its_file(sink: Callable[[], int]) -> None:
    number = sink()
    with os.fdopen(number, "w", encoding="latin-1") as stream:
        kept = lasting(stream)
        for _ in range(3):
            assert kept.write("a line → and more\n") == 18
            kept.flush()
        assert kept.fileno() == number
        kept.detach()


def test_a_lasting_stream_writes_what_can_be_written(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="latin-1") as stream:
        lasting(stream).write("½ → 1\n")
    assert (tmp_path / "log").read_text(encoding="latin-1") == "½ \\u2192 1\n"


def test_a_stream_of_memory_is_left_as_it_is() -> None:
    stream = io.StringIO()
    assert lasting(stream) is stream


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_closed_stream_ends_no_command(tmp_path: Path, closed: str) -> None:
    done = command(tmp_path, "list", "suites", closed=closed, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0
    assert "rror" not in done.stderr


@NEEDS_FULL
def test_what_was_asked_for_and_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    number = full()
    done = command(tmp_path, "list", "suites", stdout=number, stderr=subprocess.PIPE)
    os.close(number)
    assert done.returncode == 2
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-16"])
def test_a_terminal_of_any_encoding_is_written_to(
    ran_world: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    arguments = ("leaderboard", "runs/tiny")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bench", *arguments], cwd=ran_world, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "tiny" in done.stdout.decode(encoding, "replace")
