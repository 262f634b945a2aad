"""Imports point one way, importing is light, and the package lists everything it has."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ORDER = [
    ["version", "words", "document", "files", "bounded", "cuda_driver", "documented", "contain"],
    ["errors", "gpus"],
    ["life"],
    ["threads"],
    ["machine", "types"],
    ["canonical", "decoding", "replicates", "scores"],
    ["states", "leaves", "sealed", "arrays", "home"],
    ["parts", "migrations"],
    ["record"],
    ["images", "picture_files"],
    ["releases"],
    ["trials", "jobs"],
    ["component", "observers", "reporters"],
    ["hookspecs"],
    ["catalog", "api"],
    ["plugin_trial"],
    ["suite"],
    ["data"],
    ["crops"],
    ["statistics"],
    ["score"],
    ["train"],
    ["report"],
    ["render", "pictures"],
    ["store"],
    ["stages"],
    ["engine"],
    ["obtain"],
    ["runs", "audit"],
    ["figures", "page"],
    ["commands", "start", "testing"],
    ["_pytest", "scaffold", "perf"],
    ["cli"],
    ["__main__"],
]
"""Rooms from the ground up; a room may import itself and what lies below."""

LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}

CORE_PLUGINS = {"bench/train/losses.py", "bench/score/metrics.py"}
"""Modules of the core that offer components, so they know the hooks."""

HEAVY = (
    "torch",
    "torchvision",
    "timm",
    "segmentation_models_pytorch",
    "scipy",
    "h5py",
    "pandas",
    "matplotlib",
    "numba",
)


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, at any depth, for types alone too; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_by_file() -> dict[str, set[str]]:
    """Every module of the package to those of its own modules that it imports."""
    paths = {}
    for path in (ROOT / "bench").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        paths[".".join(parts).removesuffix(".__init__")] = path
    graph = {}
    for module, path in paths.items():
        graph[module] = set()
        for name in imported(path):
            while name and name not in paths:
                name = name.rpartition(".")[0]
            graph[module] |= {name} & paths.keys() - {module}
    return graph


def circle_of(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, or that stand between two circles; none when there is no circle."""
    left = dict(graph)
    while True:
        ends = {module for module, others in left.items() if not others & left.keys()}
        if not ends:
            return sorted(left)
        for module in ends:
            del left[module]


def test_no_file_imports_itself_through_others_not_even_late_or_for_a_type() -> None:
    graph = imports_by_file()
    assert graph["bench.engine.worker"] >= {"bench.stages.execute", "bench.jobs"}
    assert circle_of(graph) == []
    assert circle_of({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["a", "b", "c"]


@pytest.mark.parametrize("path", sorted((ROOT / "bench").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_what_lies_below_it(path: Path) -> None:
    room = path.relative_to(ROOT / "bench").with_suffix("").parts[0]
    if room == "__init__":
        return
    for module in imported(path):
        if module.startswith("bench."):
            other = module.split(".")[1]
            allowed = other == room or LEVEL[other] < LEVEL[room]
            assert allowed, f"{path.name} of {room} imports {module}"


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_plugin_knows_the_api_alone(path: Path) -> None:
    package = ".".join(("bench_plugins", *path.relative_to(ROOT / "plugins").parent.parts))
    for module in imported(path):
        if module == "bench" or module.startswith(("bench.", "bench_")):
            assert f"{module}.".startswith(("bench.api.", package)), f"{path.name} imports {module}"


def test_nothing_imports_the_plugins_by_name() -> None:
    for path in [*(ROOT / "bench").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        assert not any(module.startswith("bench_plugins") for module in imported(path)), path


@pytest.mark.parametrize(
    "arguments",
    ["--help", "list models", "list suites", "info unet", "plugins", "validate cropping", "plan cropping", "data list"],
)
def test_a_command_that_computes_nothing_imports_nothing_heavy(arguments: str, tmp_path: Path) -> None:
    script = (
        "import sys\nsys.argv = ['bench', *sys.argv[1:]]\nfrom bench.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0, end.code\n"
        f"print('HEAVY', sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments.split()],
        capture_output=True,
        text=True,
        check=True,
        env={"BENCH_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "BENCH_PROFILE": "cpu"},
        cwd=tmp_path,
    )
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_help_loads_little_more_than_click() -> None:
    script = "import sys; import {0}; print(len(sys.modules))"
    click, ours = (
        int(
            subprocess.run(
                [sys.executable, "-c", script.format(name)], capture_output=True, text=True, check=True
            ).stdout
        )
        for name in ("click", "bench.cli")
    )
    assert ours < 1.5 * click


def test_packages_and_entry_points_are_complete() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["setuptools"]["packages"])
    mapped = {"bench": "bench", "plugins": "bench_plugins", "suites": "bench_suites"}
    found = {
        ".".join((mapped[folder], *path.parent.relative_to(ROOT / folder).parts))
        for folder in mapped
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert packages == found
    offering = {
        ".".join(("bench_plugins", *path.relative_to(ROOT / "plugins").with_suffix("").parts))
        for path in (ROOT / "plugins").rglob("*.py")
        if "@hookimpl" in path.read_text()
    }
    entries = project["project"]["entry-points"]["bench"]
    assert set(entries) == offering
    assert all(name == value for name, value in entries.items())
