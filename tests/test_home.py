"""A store or a results folder that cannot be used is one line: what, which folder, where to go instead."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.errors import StoreError
from bench.store.home import check_readable, check_writable, writing
from bench.store.store import finish_stage
from tiny import write_world

CLI = Callable[..., tuple[int, str]]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CLI:
    """Run one command beside a tiny world: exit code, and all that was printed."""
    write_world(tmp_path)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.chdir(tmp_path)

    def run(home: str, *arguments: str) -> tuple[int, str]:
        monkeypatch.setenv("BENCH_HOME", str(tmp_path / home))
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out + told.err

    return run


COMMANDS = {
    "run": "run tiny.yaml --plugin models.py --plain",
    "plan": "plan tiny.yaml --plugin models.py",
    "verify": "data verify folder --data folder=parts",
    "card": "data card folder --data folder=parts",
    "fetch": "data fetch mtd",
    "import": "data import folder parts",
    "list": "data list",
    "ls": "cache ls",
    "check": "cache verify",
    "gc": "cache gc",
}


@pytest.mark.parametrize("home", ["file", "file/below/it"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_home_that_is_a_file_or_lies_below_one_is_one_line(cli: CLI, command: str, home: str) -> None:
    code, told = cli(home, *COMMANDS[command].split())
    assert code == 2
    (line,) = told.strip().splitlines()
    assert f"/{home}: cannot be " in line
    assert "set BENCH_HOME to a folder of yours" in line


def refusing(number: int, folder: str) -> Callable[..., Any]:
    """``tempfile.TemporaryFile`` as it is where nothing may be written in folders of this name."""
    real = tempfile.TemporaryFile

    def attempt(*arguments: Any, **named: Any) -> Any:
        if folder in str(named.get("dir")):
            raise OSError(number, os.strerror(number), str(named["dir"]))
        return real(*arguments, **named)

    return attempt


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("command", ["run", "plan", "card", "import"])
def test_a_home_in_which_nothing_can_be_written_is_told_with_the_reason(
    cli: CLI, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str, number: int
) -> None:
    (tmp_path / "locked").mkdir()
    monkeypatch.setattr("bench.store.home.tempfile.TemporaryFile", refusing(number, "locked"))
    code, told = cli("locked/home", *COMMANDS[command].split())
    assert code == 2
    line = told.strip().splitlines()[-1]
    assert f"cannot be written ({os.strerror(number)}); set BENCH_HOME to a folder of yours" in line
    assert "locked/home" in line
    made = {path.name for path in (tmp_path / "locked").glob("home/*")}
    assert made <= {"plugins"}  # what a plugin was found to be is kept before anything is to be written


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("out", ["file", "file/runs"])
def test_results_that_cannot_be_written_are_told_before_anything_runs(
    cli: CLI, tmp_path: Path, command: str, out: str
) -> None:
    code, told = cli("home", *COMMANDS[command].split(), "--out", out)
    assert code == 2
    (line,) = told.strip().splitlines()
    assert line.startswith(f"{out}/tiny: cannot be written (")
    assert "--out" in line
    assert not (tmp_path / "home").exists()


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    check_writable(tmp_path / "not" / "made" / "yet")
    check_readable(tmp_path / "not made yet")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_in_a_stage_is_told_with_the_stage(tmp_path: Path) -> None:
    def write(folder: Path) -> dict[str, Any]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as a library says it, without a name

    with pytest.raises(StoreError, match=r"crops/key: cannot be written \(No space left on device\)"):
        finish_stage(tmp_path / "stages" / "crops" / "key", write)


def test_a_library_that_gives_no_number_is_understood_by_the_path_that_it_names(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to create file"), writing(tmp_path / "bank"):
        raise OSError(f"unable to create file\n(name = '{tmp_path / 'bank'}', errno = 13)")


def test_an_image_that_cannot_be_read_is_not_blamed_on_the_store(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), writing(tmp_path / "store" / "bank"):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / "data" / "image.png"))


def test_room_can_be_made_on_a_full_disk(cli: CLI, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir()
    monkeypatch.setattr("bench.store.home.tempfile.TemporaryFile", refusing(errno.ENOSPC, "locked"))
    assert cli("locked", "cache", "gc")[0] == 0


@pytest.mark.parametrize("command", ["verify", "card"])
def test_a_folder_in_which_no_picture_can_be_rendered_is_one_line(cli: CLI, tmp_path: Path, command: str) -> None:
    code, told = cli("home", "data", command, "metalpart", "--data", f"metalpart={tmp_path / 'file' / 'below'}")
    assert code == 2
    assert told.count("cannot be written (Not a directory); name another folder with --data") == 1
    assert "Errno" not in told
