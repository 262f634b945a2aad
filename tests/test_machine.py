"""What bench runs on: Windows and Apple's GPU are refused in one sentence, before anything else happens."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.catalog import Catalog
from bench.cli.planning import opening_remarks
from bench.engine.invocation import Invocation, make_plan
from bench.engine.workers import worker_environments
from bench.errors import BenchError, TrainingError
from bench.machine import NO_WINDOWS, refuse_windows, why_no_device
from bench.store.home import Places
from bench.suite.reading.load import load_suite
from bench.suite.schema import Runtime
from bench.suite.shipped import shipped_suites
from bench.train.device import choose_device
from bench.train.memory import SINCE_START, PeakMemory
from suite_worlds import mistakes

ROOT = Path(__file__).resolve().parent.parent
ABSENT = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix")
"""Modules that Windows lacks."""
ON_WINDOWS = f"import sys\nsys.platform = 'win32'\nsys.modules.update(dict.fromkeys({ABSENT[:-1]!r}))\n"
"""The start of a program that runs as if on Windows: importing what is absent there fails."""


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", ["", "--help", "--version", "list models", "run cropping", "nonsense"])
def test_on_windows_every_command_ends_with_one_sentence_and_exit_code_2(arguments: str) -> None:
    done = python(ON_WINDOWS + "from bench.cli import main\nmain()", *arguments.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{NO_WINDOWS}\n")


def test_on_windows_the_module_answers_as_the_command_does() -> None:
    done = python(ON_WINDOWS + "import runpy\nrunpy.run_module('bench', run_name='__main__')", "list", "models")
    assert (done.returncode, done.stderr) == (2, f"{NO_WINDOWS}\n")


@pytest.mark.parametrize(
    "call", ["import bench; bench.run('cropping')", "from bench.commands import compare", "import bench.testing.crops"]
)
def test_on_windows_the_python_twin_raises_a_bench_error(call: str) -> None:
    program = f"{ON_WINDOWS}import bench.errors\ntry:\n    {call}\nexcept bench.errors.BenchError as e:\n    print(e)"
    done = python(program)
    assert done.stdout == f"{NO_WINDOWS}\n", done.stderr


def test_on_windows_pytest_still_loads_the_plugin_of_an_installed_bench() -> None:
    done = python(f"import pytest\n{ON_WINDOWS}import bench._pytest")
    assert done.returncode == 0, done.stderr


def test_only_windows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform in ("linux", "darwin", "freebsd14"):
        monkeypatch.setattr(sys, "platform", platform)
        refuse_windows()
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(BenchError) as caught:
        refuse_windows()
    assert str(caught.value) == NO_WINDOWS


def test_what_windows_lacks_is_imported_late_or_behind_a_package_that_refuses_it(tmp_path: Path) -> None:
    (tmp_path / "early.py").write_text("import fcntl\n")
    assert at_import(tmp_path / "early.py") & set(ABSENT)
    packages = (ROOT / "bench").rglob("__init__.py")
    refusing = [path.parent for path in packages if "\nrefuse_windows()" in path.read_text()]
    importing = [path for path in (ROOT / "bench").rglob("*.py") if at_import(path) & set(ABSENT)]
    assert [path for path in importing if path.parent not in refusing] == []


def at_import(path: Path) -> set[str]:
    """Modules that a file imports at its top level."""
    body = ast.parse(path.read_text()).body
    return {alias.name for node in body if isinstance(node, ast.Import) for alias in node.names}


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:0", "cuda:12"])
def test_a_device_of_these_names_may_be_one(name: str) -> None:
    assert why_no_device(name) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [("mps", "Apple's GPU (mps) is not supported"), ("mps:0", "Apple's GPU"), ("gpu", "'gpu' is no device")],
)
def test_another_device_is_refused_at_planning_with_its_place_and_the_remedy(
    tmp_path: Path, name: str, why: str
) -> None:
    (line,) = mistakes(tmp_path, f"name: a\naxes: {{dataset: parts, model: unet}}\nruntime:\n  device: '{name}'\n")
    assert line.startswith(f"suite.yaml:4:11: runtime.device: {why}")
    assert "write cpu" in line


def test_processors_are_counted_where_the_system_does_not_tell_which_may_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    found = worker_environments(Runtime(device="cpu", workers=2), jobs=9)
    assert [one["BENCH_THREADS"] for one in found] == ["3", "3"]


def test_without_proc_peak_memory_is_that_since_the_start_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def absent(path: Path, *_: object, **__: object) -> str:
        raise FileNotFoundError(2, "no such file", str(path))

    monkeypatch.setattr(Path, "write_text", absent)
    monkeypatch.setattr(Path, "read_text", absent)
    peak = PeakMemory(torch.device("cpu")).read()
    assert peak.of == SINCE_START
    assert peak.bytes > 2**20


def test_without_a_wish_a_mac_computes_on_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device(None) == torch.device("cpu")
    with pytest.raises(TrainingError, match="write cpu"):
        choose_device("mps")


def test_bf16_is_told_to_be_slow_where_the_processor_only_emulates_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, catalog: Catalog
) -> None:
    suite = tmp_path / "s.yaml"
    suite.write_text("name: s\naxes: {dataset: [metalpart], model: [unet]}\n")
    invocation = Invocation(catalog, Places(tmp_path / "home", tmp_path / "runs", {}))
    for flags, told in (("fpu avx2", True), ("avx2 avx512bw", False), ("", False)):
        monkeypatch.setattr("bench.machine.processor_lines", lambda flags=flags: {"flags": flags})
        for precision in ("bf16", "float32"):
            loaded = load_suite(suite, catalog, overrides=[f"recipe.precision={precision}", "runtime.device=cpu"])
            said = "".join(opening_remarks(make_plan(loaded, invocation)))
            assert ("1 cell in bf16" in said) == (told and precision == "bf16")
            on_gpu = load_suite(suite, catalog, overrides=[f"recipe.precision={precision}", "runtime.device=cuda"])
            assert "bf16" not in "".join(opening_remarks(make_plan(on_gpu, invocation)))


def test_suites_for_the_processor_compute_in_float32(catalog: Catalog) -> None:
    for path in shipped_suites().values():
        if "cpu:" in path.read_text():
            suite = load_suite(path, catalog, profile="cpu")
            assert {cell.recipe.precision for cell in suite.cells} == {"float32"}
