"""The command line called in this process: as the installed command, but without waiting for an interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.cli import main


class Commands:
    """``bench ARGUMENTS`` in a folder with a store of its own; returns exit code, lines of output, lines of errors."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        monkeypatch.chdir(folder)
        monkeypatch.setenv("BENCH_HOME", str(folder / "home"))

    def __call__(self, *arguments: str) -> tuple[int, list[str], list[str]]:
        self.monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        told = self.capsys.readouterr()
        assert isinstance(left.value.code, int)
        return left.value.code, told.out.splitlines(), told.err.splitlines()
