"""The shell completes commands, options and names, and the installation of that can be repeated and undone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from bench.cli import complete
from bench.cli.completion import SHELLS, script_of
from bench.cli.main import COMMANDS
from bench.cli.main import bench as root
from tiny import bench, environment


def proposed(*words: str) -> set[str]:
    """What may stand in place of the last word."""
    *before, last = words
    return {str(item.value) for item in BashComplete(root, {}, "bench", "X").get_completions(before, last)}


def test_commands_are_proposed_and_none_is_imported() -> None:
    assert proposed("") == COMMANDS.keys()
    code = (
        "import sys; from bench.cli.main import bench; bench.shell_complete(bench.make_context('bench', ['list']), 'p')"
    )
    modules = f"{code}; print([name for name in sys.modules if name in ('bench.cli.plan', 'bench.cli.perf', 'torch')])"
    done = subprocess.run([sys.executable, "-c", modules], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_options_are_proposed() -> None:
    assert {"--json", "--cells", "--pilot"} <= proposed("plan", "--")


def test_cells_and_runs_of_the_results_folder_are_proposed(ran_world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ran_world)
    ids = [path.stem for path in Path("runs/tiny/cells").glob("*.json")]
    assert proposed("show", "") == {id[:8] for id in ids}
    assert proposed("why", ids[0][:3]) >= {ids[0][:8]}
    assert proposed("show", ids[0][:12]) == {ids[0][:12]}
    assert "tiny" in proposed("effects", "t")
    assert proposed("claims", "") == {"tiny"}
    assert proposed("status", "") == {"runs/tiny"}


def test_suites_are_proposed_by_name_and_by_file(ran_world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ran_world)
    assert {"cropping", "smoke", "tiny.yaml"} <= proposed("run", "")
    assert proposed("run", "elsewhere/") == {"elsewhere/"}  # left to the shell


def test_components_axes_and_measures_are_proposed() -> None:
    assert "unet" in proposed("info", "un")
    assert "unet" not in proposed("data", "card", "")
    assert "crop_size" in proposed("effects", "smoke", "--axis", "crop")
    assert {"f1@test", "f1@validation"} <= proposed("effects", "smoke", "--metric", "f1")
    assert "iou" in proposed("score", "smoke", "--metric", "i")


def test_components_are_remembered_until_a_plugin_folder_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    packages = tmp_path / "packages"
    packages.mkdir()
    monkeypatch.syspath_prepend(str(packages))
    first = complete.known_components()
    monkeypatch.setattr(complete, "_loaded_components", dict)
    assert complete.known_components() == first
    later = time.time_ns() + 10**9
    os.utime(packages, ns=(later, later))
    assert complete.known_components() == {}


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_its_script(shell: str) -> None:
    assert "_BENCH_COMPLETE" in script_of(shell)


def installed(folder: Path, shell: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HOME", str(folder))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR"):
        monkeypatch.delenv(name, raising=False)
    done = bench(folder, "completion", shell, "--install")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("shell", "startup"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_an_installation_adds_one_line_however_often_it_is_repeated(
    tmp_path: Path, shell: str, startup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / startup).write_text("export MINE=1")  # without an end of line
    told = installed(tmp_path, shell, monkeypatch)
    once = (tmp_path / startup).read_text()
    assert once.startswith("export MINE=1\n[ -f ")
    assert once.count("\n") == 2
    assert "to undo: remove" in told
    again = installed(tmp_path, shell, monkeypatch)
    assert (tmp_path / startup).read_text() == once
    assert again.count("unchanged: ") == 2


def test_fish_reads_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, "fish", monkeypatch)
    assert (tmp_path / ".config" / "fish" / "completions" / "bench.fish").is_file()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_a_real_bash_completes_the_id_of_a_cell(
    ran_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, "bash", monkeypatch)
    version = subprocess.run(["bash", "-c", "echo ${BASH_VERSINFO[0]}"], capture_output=True, text=True, check=True)
    if int(version.stdout) < 5:
        pytest.skip("the completion of click needs bash 4.4")
    (id,) = [path.stem[:8] for path in sorted((ran_world / "runs" / "tiny" / "cells").glob("*.json"))][:1]
    called = tmp_path / "bin" / "bench"
    called.parent.mkdir()
    called.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bench "$@"\n')
    called.chmod(0o755)
    words = f'COMP_WORDS=(bench show {id[:5]}); COMP_CWORD=2; _bench_completion bench; echo "${{COMPREPLY[@]}}"'
    env = {**environment(ran_world), "PATH": f"{called.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-c", f". ~/.bashrc; {words}"], cwd=ran_world, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [id]
