"""Runs made before the rooms were moved: what was written then is read, said and made again, bit for bit.

A folder of ``tests/old_runs`` holds a suite, the run folder that it left, what the commands said of it (``said``) and a
digest of the evidence of every cell. Nothing in them is ever made anew: they are what users have on their disks.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bench.canonical import digest
from bench.catalog import Catalog, load_catalog
from bench.cli.main import bench as group
from bench.store.records import load_record
from bench.suite.reading.load import load_suite
from bench.suite.shipped import shipped_suites
from sampling import whole_run
from tiny import bench_process

OLD = Path(__file__).parent / "old_runs"
CHANGED = Path(__file__).parent / "old_suites"
"""Shipped suites that ask for other cells by now, as they were: what they asked for must keep its ids."""
RUNS = ("smoke", "axes", "tuned")
AXES = {"smoke": ("crop",), "axes": ("crop", "model", "pretrain"), "tuned": ("crop",)}
OLD_NAMES = """
from bench_plugins.datasets.metalpart import dataset
dataset.build, dataset.SECOND = dataset.build_first, dataset.FIRST
"""
"""Python imports this by itself where it is called ``sitecustomize``: ``metalpart`` then means version 1, as it did."""
OLD_VECTORS = {"ATEN_CPU_CAPABILITY": "avx2", "DNNL_MAX_CPU_ISA": "AVX2"}
"""The instructions of the processor of then, whose name tells nothing of them; more would round otherwise."""
OF_THE_MACHINE = ("cost", "provenance", "plugins", "providers", "log", "pictures")
"""Parts of a record that another machine or another day fills otherwise."""


def commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name of a file below ``said``, and the command that says it, in the folder of its run."""
    for run in RUNS:
        for form in ("text", "markdown", "latex", "csv", "json"):
            yield f"{run}/leaderboard.{form}", ("leaderboard", "run", "--format", form)
        yield f"{run}/leaderboard-raw.text", ("leaderboard", "run", "--raw-rank")
        for axis in AXES[run]:
            for form in ("text", "markdown", "csv", "json"):
                yield f"{run}/effects-{axis}.{form}", ("effects", "run", "--axis", axis, "--format", form)
        for form in ("text", "markdown", "csv", "json"):
            yield f"{run}/compare.{form}", ("compare", "run", "other.csv", "--format", form)
        for record in sorted((OLD / run / "run" / "cells").glob("*.json")):
            yield f"{run}/show-{record.stem}.text", ("show", record.stem)


def say(run: str, arguments: tuple[str, ...], place: Path) -> Result:
    """Run a command on an old run, laid out in ``place`` as it was where it ran."""
    (place / "runs").mkdir()
    (place / "runs" / run).symlink_to(OLD / run / "run")
    (place / "run").symlink_to(OLD / run / "run")
    (place / "other.csv").symlink_to(OLD / run / "other.csv")
    before = Path.cwd()
    os.chdir(place)
    try:
        return CliRunner().invoke(group, list(arguments), env={"COLUMNS": "100", "NO_COLOR": "1"})
    finally:
        os.chdir(before)


@pytest.mark.parametrize(("name", "arguments"), [pytest.param(*one, id=one[0]) for one in commands()])
def test_what_is_said_of_an_old_run_is_what_was_said(name: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    said = say(name.partition("/")[0], arguments, tmp_path)
    assert said.exit_code == 0, said.output
    expected = (OLD / "said" / name).read_bytes()
    if name.endswith(".json"):
        assert hashlib.sha256(said.stdout_bytes).hexdigest() == expected.decode().strip()
    else:
        assert said.stdout_bytes == expected


def test_the_ids_of_shipped_suites_are_those_of_before(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what ``metalpart`` meant then."""
    module = inspect.getmodule(catalog.find("dataset", "metalpart").component.build)
    monkeypatch.setattr(module, "build", module.build_first)
    monkeypatch.setattr(module, "SECOND", module.FIRST)
    expected = json.loads((OLD / "ids.json").read_text())
    found = ids_of_shipped_suites(load_catalog())
    assert {name: found[name] for name in expected} == expected  # suites that came since have no ids of then


def ids_of_shipped_suites(catalog: Catalog) -> dict[str, str]:
    """Suite and profile to a digest of all its cells' ids in their order."""
    return {
        f"{name} {profile}": digest([cell.id for cell in load_suite(path, catalog, profile=profile).cells])
        for name, path in (shipped_suites() | {path.stem: path for path in CHANGED.glob("*.yaml")}).items()
        for profile in ("none", "cpu", "gpu")
        if profile == "none" or f"\n  {profile}:" in path.read_text()
    }


@whole_run
@pytest.mark.parametrize("run", RUNS)
def test_the_suite_of_an_old_run_gives_the_same_cells_keys_and_evidence(
    run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids, keys and states always; scores and evidence bit by bit where device and packages are those of then."""
    (tmp_path / "suite.yaml").symlink_to(OLD / run / f"{run}.yaml")
    (tmp_path / "models.py").symlink_to(OLD / "models.py")
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "sitecustomize.py").write_text(OLD_NAMES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "names"))
    for name, value in OLD_VECTORS.items():
        monkeypatch.setenv(name, value)
    done = bench_process(tmp_path, "run", "suite.yaml", "--plugin", "models.py", timeout=1200)
    assert done.returncode in (0, 3), done.stderr
    evidence = json.loads((OLD / run / "evidence.json").read_text())
    files = {path.stem: path for path in (tmp_path / "runs" / run / "cells").glob("*.json")}
    assert sorted(files) == sorted(path.stem for path in (OLD / run / "run" / "cells").glob("*.json"))
    for id, path in files.items():
        before, now = (json.loads(file.read_text()) for file in (OLD / run / "run" / "cells" / path.name, path))
        assert (now["id"], now["axes"], now["cell"], now["keys"]) == tuple(
            before[part] for part in ("id", "axes", "cell", "keys")
        )
        if same_machine(before, now):
            assert essence(path) == essence(OLD / run / "run" / "cells" / path.name)
            if id in evidence:
                folder = tmp_path / "home" / "stages" / "predict" / now["keys"]["predict"]
                assert {split: digest_of(folder / f"{split}.npz") for split in ("validation", "test")} == evidence[id]


def same_machine(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether bits can be asked for; a cell without provenance has no scores, and its words depend on no machine."""
    one, two = before.get("provenance"), now.get("provenance")
    if one is None or two is None:
        return one is two
    return (one["device"], one["packages"]) == (two["device"], two["packages"])


def essence(path: Path) -> dict[str, Any]:
    """A record without what differs from day to day; its state in the words that every schema has.

    A tolerance score of no true pixel was stored as 0 and is none by now; alarms on clean images were not counted then.
    """
    record = load_record(path)
    parts = {name: part for name, part in record.plain().items() if name not in OF_THE_MACHINE}
    for scores in parts.get("scores", {}).values():
        for name, value in scores.get("tolerance", {}).items():
            scores["tolerance"][name] = value or None
        for operating in scores.get("operating", {}).values():
            operating.pop("clean_images_with_alarm", None)
    return {**parts, "state": record.state.word, "data_absent": record.data_absent}


def digest_of(path: Path) -> str:
    """SHA-256 of the arrays of an ``.npz``: names, types, shapes and bytes, in the order of the names."""
    found = hashlib.sha256()
    with np.load(path) as arrays:
        for name in sorted(arrays.files):
            array = np.ascontiguousarray(arrays[name])
            found.update(f"{name} {array.dtype} {array.shape}".encode())
            found.update(array.tobytes())
    return found.hexdigest()
