"""``bench cache gc`` takes nothing away that a command at work needs, and cleans up what killed ones left."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.store import running
from bench.store.garbage import SILENT_S, Cleaning, garbage, remove
from bench.store.leases import lease_path
from bench.store.owners import this_process
from bench.store.running import RUNNING, at_work, running_in
from bench.store.store import finish_stage, write_json
from sampling import whole_run
from test_resume import LONG, start, wait_for_checkpoint
from tiny import bench, write_world

LONG_AGO = time.time() - 2 * SILENT_S
ALL = 2e12
"""A time after which no stage was used."""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for key in ("a", "b"):
        finish_stage(tmp_path / "stages" / "train" / key, lambda _: {})
    return tmp_path


def may_go(store: Path) -> list[str]:
    found = [one for one in garbage(store, unused_since=ALL, keep=()) if one.needed_by is None]
    return sorted(one.path.name for one in found)


def aged(path: Path) -> Path:
    """A file that was touched long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def test_stages_that_a_command_at_work_needs_are_spared_and_counted(store: Path) -> None:
    with at_work(store, "bench run x") as command:
        assert may_go(store) == []
        command.keep(["a"])
        assert may_go(store) == ["b"]
        spared = [one for one in garbage(store, unused_since=ALL, keep=()) if one.needed_by is not None]
        assert [(one.path.name, one.needed_by.command) for one in spared if one.needed_by] == [("a", "bench run x")]
    assert may_go(store) == ["a", "b"]
    assert list((store / RUNNING).iterdir()) == []


@pytest.mark.parametrize(
    ("host", "pid", "age", "alive"),
    [(None, None, 2 * SILENT_S, True), (None, 2**22 + 1, 0.0, False), ("elsewhere", 1, 0.0, True),
     ("elsewhere", 1, 2 * SILENT_S, False)],
)  # fmt: skip
def test_a_command_is_at_work_for_as_long_as_its_process_is_or_from_afar_it_gives_signs_of_life(
    store: Path, monkeypatch: pytest.MonkeyPatch, host: str | None, pid: int | None, age: float, alive: bool
) -> None:
    here = this_process()
    owner = replace(here, host=host or here.host, pid=pid or here.pid)
    monkeypatch.setattr(running, "this_process", lambda: owner)
    with at_work(store, "bench run x"):
        ((file,), then) = (store / RUNNING).iterdir(), time.time() - age
        os.utime(file, (then, then))
        assert may_go(store) == ([] if alive else sorted(["a", "b", file.name]))


def test_what_killed_processes_left_is_found(store: Path) -> None:
    dead = replace(this_process(), pid=2**22 + 1)
    lease = lease_path(store / "stages" / "train" / "c")
    lease.write_bytes(dead.as_bytes())
    orphan = lease.with_name(f"{lease.name}.{dead.token}0")
    orphan.write_bytes(b"")
    lock = store / "stages" / "train" / ".a.lock"
    lock.touch()
    picture = aged(store / "data" / "metalpart" / "images" / f".part.png.{'0' * 32}")
    fresh = store / "data" / "metalpart" / "images" / f".part.png.{'1' * 32}"
    fresh.write_bytes(b"")
    index = aged(store / "index" / f".name.json.{'0' * 12}.tmp")
    unpacking = store / "data" / ".mtd.unpacking"
    unpacking.mkdir()
    killed = store / RUNNING / "x.json"
    write_json(killed, {"schema": 1})
    found = [one.path for one in garbage(store, unused_since=None, keep=())]
    assert sorted(found) == sorted([lease, orphan, lock, picture, index, unpacking, killed])
    for path in found:
        remove(path)
    assert list(garbage(store, unused_since=None, keep=())) == []
    assert fresh.exists()


def test_the_lease_of_a_living_owner_is_left(store: Path) -> None:
    stage = store / "stages" / "train" / "c"

    def write(_folder: Path) -> dict[str, str]:
        assert list(Cleaning(store, ALL, frozenset({"a", "b"})).found()) == []
        return {}

    finish_stage(stage, write)


def test_a_file_of_a_command_that_cannot_be_read_stands_for_none(store: Path) -> None:
    for number, text in enumerate(("{", '{"schema": 1}', '{"schema": 1, "owner": {"pid": "x"}, "keys": []}')):
        (store / RUNNING).mkdir(exist_ok=True)
        (store / RUNNING / f"{number}.json").write_text(text)
    assert running_in(store) == []


@whole_run
def test_gc_during_a_run_takes_nothing_from_it(tmp_path: Path) -> None:
    write_world(tmp_path)
    process = start(tmp_path, LONG)
    wait_for_checkpoint(process, tmp_path)
    told = bench(tmp_path, "cache", "gc", "--days", "0")
    assert told.returncode == 0, told.stderr
    assert "spared" in told.stdout
    assert "bench run tiny" in told.stdout
    assert "removed" not in told.stdout
    assert process.wait() == 0
