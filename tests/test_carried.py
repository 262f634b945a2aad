"""What crosses to a machine that sees no file of ours, and what comes back: the same content, and no path."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.canonical import digest_file
from bench.engine.carried import (
    expected,
    packed_job,
    packed_results,
    packed_stage,
    read_order,
    settled_in,
    take_results,
)
from bench.engine.pieces import Unpacking
from bench.errors import Damaged, PluginError
from bench.files import files_below
from bench.jobs import DataRef, Job
from bench.record import State, record_of
from bench.store.cache import damages_in
from bench.store.home import Places
from bench.store.records import write_record
from bench.store.store import checkpoint_path, finish_stage, stage_note
from bench.store.taken import take_stage

TRAIN, PREDICT, SOURCE = "a1" * 16, "b2" * 16, "c3" * 16
CELL = "d4" * 16


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A store with the trainings of a cell and of its pretraining run."""
    found = Places(tmp_path / "driver" / "home", tmp_path / "driver" / "runs", {})
    for key in (TRAIN, SOURCE):
        write_stage(found, key)
    return found


def write_stage(places: Places, key: str) -> None:
    def write(folder: Path) -> dict[str, str]:
        (folder / "best.safetensors").write_bytes(key.encode() * 99)
        (folder / "history.json").write_text("[]")
        return {"kind": "train", "key": key}

    finish_stage(places.stage("train", key), write)


@pytest.fixture
def job(places: Places) -> Job:
    """A cell with a plugin file, a split file and a pretraining run."""
    plugin, split = places.out / "models.py", places.out / "split.csv"
    places.out.mkdir()
    plugin.write_text("x = 1\n")
    split.write_text("id,split\n")
    return Job(
        key=CELL,
        data=DataRef(
            "folder", {}, "/driver/data", str(places.index("e5")), {"file": str(split), "digest": digest_file(split)}
        ),
        home=str(places.home),
        plugins=((str(plugin), digest_file(plugin)), ("theirs.models", "00")),
        stages=(
            {"kind": "tiles", "key": "f6", "facts": {"data": "99"}, "needs": {}},
            {"kind": "train", "key": TRAIN, "facts": {}, "needs": {"pretrain": SOURCE}},
            {"kind": "predict", "key": PREDICT, "facts": {}, "needs": {"train": TRAIN}},
        ),
        record=str(places.record("suite", CELL)),
    )


def carried(chunks: Iterable[bytes], folder: Path) -> Path:
    """What comes out of a stream."""
    folder.mkdir(parents=True)
    unpacking = Unpacking(folder, lambda _name: True)
    for chunk in chunks:
        unpacking.feed(chunk)
    unpacking.finish()
    return folder


def test_a_job_arrives_with_all_that_it_needs_and_without_a_path_of_the_driver(job: Job, tmp_path: Path) -> None:
    there = carried(packed_job(job, "cpu"), tmp_path / "there")
    for path in files_below(there):
        assert str(tmp_path / "driver").encode() not in path.read_bytes()
        assert b"/driver/data" not in path.read_bytes()
    order = read_order(there)
    assert order.device == "cpu"
    assert replace(order.job, data=job.data, home=job.home, plugins=job.plugins, record=job.record) == job
    (plugin, source), module = order.job.plugins
    assert (Path(plugin).name, digest_file(Path(plugin))) == ("models.py", source)
    assert Path(plugin).is_relative_to(there)
    assert module == ("theirs.models", "00")
    split = order.job.data.split
    assert isinstance(split, dict)
    assert digest_file(Path(str(split["file"]))) == split["digest"]
    assert Path(order.job.record).stem == CELL


def test_stages_and_a_checkpoint_are_taken_over_as_if_they_were_made_there(
    job: Job, places: Places, tmp_path: Path
) -> None:
    folder = places.stage("train", TRAIN)
    (folder / "stage.json").unlink()
    checkpoint_path(folder).write_bytes(b"where it is")
    there = carried(packed_job(job, None), tmp_path / "there")
    other = Places(tmp_path / "node", tmp_path / "there", {})
    settled = settled_in(read_order(there), there, other)
    assert settled.home == str(other.home)
    assert stage_note(other.stage("train", SOURCE)) == stage_note(places.stage("train", SOURCE))
    assert list(damages_in(other.stage("train", SOURCE))) == []
    assert stage_note(other.stage("train", TRAIN)) is None
    assert checkpoint_path(other.stage("train", TRAIN)).read_bytes() == b"where it is"


def test_a_finished_training_needs_no_checkpoint(job: Job, places: Places, tmp_path: Path) -> None:
    checkpoint_path(places.stage("train", TRAIN)).write_bytes(b"old")
    there = carried(packed_job(job, None), tmp_path / "there")
    assert not (there / "checkpoint").exists()


@pytest.mark.parametrize("harm", ["changed", "missing", "stray", "of another", "note"])
def test_a_stage_that_is_not_what_was_made_is_refused(places: Places, tmp_path: Path, harm: str) -> None:
    arrived = carried(packed_stage(places, "train", TRAIN), tmp_path / "there") / "stages" / "train" / TRAIN
    other = Places(tmp_path / "node", tmp_path, {})
    if harm == "changed":
        content = bytearray((arrived / "best.safetensors").read_bytes())
        content[7] ^= 1
        (arrived / "best.safetensors").write_bytes(content)
    elif harm == "missing":
        (arrived / "history.json").unlink()
    elif harm == "stray":
        (arrived / "stray").touch()
    elif harm == "note":
        (arrived / "stage.json").write_text("{")
    with pytest.raises(Damaged):
        take_stage(other, "train", SOURCE if harm == "of another" else TRAIN, arrived)
    assert not other.stage("train", TRAIN).exists()


def test_a_plugin_file_whose_name_cannot_cross_is_refused_in_one_line(job: Job) -> None:
    with pytest.raises(PluginError, match=r"my model\.py: .* rename it$"):
        list(packed_job(replace(job, plugins=(("/driver/my model.py", "00"),)), None))


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("progress.json", True),
        ("checkpoint", True),
        (f"stages/train/{TRAIN}/best.safetensors", True),
        (f"stages/train/{SOURCE}/best.safetensors", False),
        ("stages/crops/f6/crops.h5", False),
        (f"run/cells/{CELL}.json", True),
        (f"run/cells/{CELL}/aprf.png", True),
        (f"run/cells/{CELL}/deep/aprf.png", False),
        (f"run/cells/{SOURCE}.json", False),
        (f"run/replicates/{CELL}.npz", True),
        ("run/suite.json", False),
        ("job.json", False),
    ],
)
def test_only_what_is_of_the_job_may_come_back(job: Job, name: str, may: bool) -> None:
    assert expected(job, name) == may


def test_a_record_and_its_pictures_come_back_and_none_of_another_cell(job: Job, places: Places, tmp_path: Path) -> None:
    there = replace(job, record=str(Places(tmp_path, tmp_path / "node", {}).record("run", CELL)))
    write_record(Path(there.record), record_of(id=CELL, state=State.OK, reason=None))
    picture = Path(there.record).with_suffix("") / "aprf.png"
    picture.parent.mkdir()
    picture.write_bytes(b"png")
    back = carried(packed_results(there), tmp_path / "back")
    take_results(job, back)
    assert Path(job.record).read_bytes() == Path(there.record).read_bytes()
    assert (Path(job.record).with_suffix("") / "aprf.png").read_bytes() == b"png"
    other = tmp_path / "other"
    (other / "run" / "cells").mkdir(parents=True)
    write_record(other / "run" / "cells" / f"{CELL}.json", record_of(id=SOURCE, state=State.OK, reason=None))
    with pytest.raises(Damaged, match="not the record of cell"):
        take_results(job, other)


def test_an_order_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for content in ("", "[]", "{}", json.dumps({"job": {}})):
        (tmp_path / "job.json").write_text(content)
        with pytest.raises(Damaged, match="cannot be read"):
            read_order(tmp_path)
