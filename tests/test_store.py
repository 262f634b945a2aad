"""The store: whole or not at all, once per key."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from bench.errors import Damaged, StoreError
from bench.record import State, record_of
from bench.stages.graph import Stage, stage
from bench.store.cache import damages, stage_folders
from bench.store.garbage import garbage
from bench.store.records import Records, read_record, write_record
from bench.store.store import finish_stage, read_json, stage_note, write_json


def test_json_comes_back_as_written(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "b.json", {"schema": 1, "x": [1, None, "é"]})
    assert read_json(tmp_path / "a" / "b.json")["x"] == [1, None, "é"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]


def test_nan_never_enters_the_store(tmp_path: Path) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - what json says is its own matter
        write_json(tmp_path / "b.json", {"schema": 1, "x": float("nan")})


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_file_that_cannot_be_used_names_itself(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(Damaged, match=r"b\.json"):
        read_json(path)
    failed = read_record(path)
    assert failed is not None
    assert failed.state is State.FAILED
    assert str(path) in str(failed.reason)


def test_what_another_version_wrote_is_refused_and_not_taken_for_absent(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text('{"schema": 99}')
    with pytest.raises(StoreError, match="BENCH_HOME"):
        read_record(path)


def test_a_stage_with_a_file_gone_or_cut_short_is_done_again(tmp_path: Path) -> None:
    def write(folder: Path) -> dict[str, int]:
        (folder / "weights").write_bytes(b"1234")
        return {}

    folder = tmp_path / "train" / "k"
    finish_stage(folder, write)
    for harm in (lambda path: path.unlink(), lambda path: path.write_bytes(b"12")):
        harm(folder / "weights")
        assert stage_note(folder) is None
        finish_stage(folder, write)
        assert (folder / "weights").read_bytes() == b"1234"


def test_a_changed_byte_of_a_stage_is_named_and_the_stage_is_done_again(tmp_path: Path) -> None:
    def write(folder: Path) -> dict[str, int]:
        (folder / "weights").write_bytes(b"1234")
        return {"threshold": 512}

    folder = tmp_path / "stages" / "train" / "k"
    finish_stage(folder, write)
    assert list(damages(tmp_path)) == []
    note = (folder / "stage.json").read_text()
    for name, harmed in (("weights", "1334"), ("stage.json", note.replace("512", "513"))):
        (folder / name).write_text(harmed)
        (line,) = damages(tmp_path)
        assert line.startswith(f"{folder / name}: damaged (its content is not what was written)")
        assert [found.why for found in garbage(tmp_path, unused_since=None, keep=())] == ["damaged"]
        assert finish_stage(folder, write)["threshold"] == 512
        assert list(damages(tmp_path)) == []


def test_a_stage_without_digests_is_that_of_an_earlier_version(tmp_path: Path) -> None:
    folder = tmp_path / "stages" / "train" / "k"
    finish_stage(folder, lambda _: {"threshold": 512})
    path = folder / "stage.json"
    path.write_text(json.dumps({"schema": 1, "threshold": 513, "files": {}}))
    assert list(damages(tmp_path)) == []
    assert finish_stage(folder, lambda _: {"threshold": 512})["threshold"] == 513


def test_a_stage_that_somebody_works_on_is_no_garbage(tmp_path: Path) -> None:
    def write(folder: Path) -> dict[str, int]:
        assert list(garbage(tmp_path, unused_since=2e12, keep=())) == []
        return {}

    finish_stage(tmp_path / "stages" / "train" / "k", write)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write_json(tmp_path / "file" / "b.json", {"schema": 1})


def test_a_stage_is_done_once_per_key(tmp_path: Path) -> None:
    times = []

    def write(folder: Path) -> dict[str, int]:
        times.append(1)
        (folder / "weights").write_bytes(b"x")
        return {"figure": 7}

    threads = [threading.Thread(target=finish_stage, args=(tmp_path / "train" / "k", write)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == 1
    assert (stage_note(tmp_path / "train" / "k") or {})["figure"] == 7


def test_a_stage_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write(folder: Path) -> dict[str, int]:
        (folder / "half").write_bytes(b"x")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        finish_stage(tmp_path / "train" / "k", write)
    assert not [path for path in (tmp_path / "train").iterdir() if path.is_dir()]


def test_a_folder_without_a_note_is_not_a_finished_stage(tmp_path: Path) -> None:
    folder = tmp_path / "train" / "k"
    folder.mkdir(parents=True)
    (folder / "old").write_bytes(b"x")
    finish_stage(folder, lambda _: {})
    assert not (folder / "old").exists()


def test_leftovers_of_killed_workers_are_garbage(tmp_path: Path) -> None:
    left = {".m.1.tmp", "..m.lease.2.tmp"}  # of a stage, and of the file that says who has it in hand
    for name in left:
        (tmp_path / "stages" / "train" / name).mkdir(parents=True)
    finish_stage(tmp_path / "stages" / "train" / "k", lambda _: {})
    assert {found.path.name for found in garbage(tmp_path, unused_since=None, keep=())} == left
    assert [path.name for path in stage_folders(tmp_path)["train"]] == ["k"]


def test_the_leftover_of_a_killed_worker_goes_when_its_stage_is_done(tmp_path: Path) -> None:
    (tmp_path / ".k.1.tmp").mkdir()
    finish_stage(tmp_path / "k", lambda _: {})
    assert not (tmp_path / ".k.1.tmp").exists()


def test_unused_stages_are_garbage_unless_a_run_stands_on_them(tmp_path: Path) -> None:
    for key in ("k", "m"):
        finish_stage(tmp_path / "home" / "stages" / "train" / key, lambda _: {})
    write_record(tmp_path / "run" / "cells" / "c.json", record_of(id="c", state=State.OK, keys={"train": "k"}))
    found = garbage(tmp_path / "home", unused_since=2e12, keep=[tmp_path / "run"])
    assert [item.path.name for item in found] == ["m"]


FACTS = {"size": 128, "seed": 0}


def test_a_key_depends_on_facts_and_needs_and_kind_alone() -> None:
    base = stage("crops", FACTS, {"tiles": "a"})
    assert stage("crops", dict(reversed(FACTS.items())), {"tiles": "a"}).key == base.key
    others: list[Stage] = [
        stage("crops", {**FACTS, "seed": 1}, {"tiles": "a"}),
        stage("crops", FACTS, {"tiles": "b"}),
        stage("tiles", FACTS, {"tiles": "a"}),
    ]
    assert len({other.key for other in others} | {base.key}) == 4


def test_a_record_is_read_anew_when_its_file_is_another(tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    records = Records()
    assert records.read(path) is None
    write_record(path, record_of(id="cell", state=State.FAILED, reason="first"))
    first = records.read(path)
    assert first is not None
    assert records.read(path) is first
    write_record(path, record_of(id="cell", state=State.FAILED, reason="other"))
    assert records.read(path) == read_record(path) != first
    path.unlink()
    assert records.read(path) is None
