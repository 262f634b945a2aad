"""What a job needs on a machine that sees no file of this one, and what it made there: both as files that cross.

There go the job, plugin files, a split file, the weights and evidence that are in the store, and a checkpoint. Back
come weights, evidence, checkpoints, and what lies in the folder of the run. Images, tiles and crops are made anew from
the data of the node. A place of the driver is no part of it: each machine has its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.bounded import read_bounded
from bench.engine.pieces import is_name, packed_bytes, packed_file
from bench.errors import Damaged, PluginError
from bench.jobs import DataRef, Job
from bench.stages.indexing import LocatedDataset
from bench.store.home import Places
from bench.store.records import load_record
from bench.store.replicates import read_replicates, replicates_file
from bench.store.store import NOTE, checkpoint_path, stage_note
from bench.store.taken import take_checkpoint, take_file, take_stage
from bench.version import __version__

ORDER, CHECKPOINT, SPLIT = "job.json", "checkpoint", "split.csv"
STAGES, PLUGINS, RUN = "stages", "plugins", "run"
"""Folders of what crosses; a stage is in ``stages/KIND/KEY``, what a run folder gets in ``run``."""
TRAVELLING = ("train", "predict")
"""Stages that cross: what follows on them needs weights and evidence, and nothing of the others."""
PICTURE = ".png"
PROGRESS, UNFIT, ANSWER = WORDS = ("progress.json", "unfit.json", "ended.json")
"""Files that say where a job is, why its node cannot do it, and how it ended."""


@dataclass(frozen=True, slots=True)
class Order:
    """A job as it arrives: what it is to compute on, and the version of bench that asks."""

    job: Job
    device: str | None
    version: str


def home_of(job: Job) -> Places:
    """The places of a job's own machine."""
    return Places(Path(job.home), Path(job.record).parent, {})


def stages_of(job: Job) -> dict[str, str]:
    """Key of each stage of a job's chain that crosses, by kind."""
    keys: dict[str, str] = {stage["kind"]: stage["key"] for stage in job.stages}
    return {kind: keys[kind] for kind in TRAVELLING if kind in keys}


def needed_stages(job: Job) -> Iterator[tuple[str, str]]:
    """Kind and key of the stages that a job may go on from: its own, and the training of its pretraining run."""
    for stage in job.stages:
        needs: Mapping[str, Any] = stage["needs"]
        if "pretrain" in needs:
            yield "train", needs["pretrain"]
    yield from stages_of(job).items()


def packed_job(job: Job, device: str | None) -> Iterator[bytes]:
    """All that a job needs elsewhere, as a stream.

    Raises:
        PluginError: a plugin file has a name that cannot cross.
        OSError: a file cannot be read.
    """
    files = {name: Path(place) for (place, _), name in zip(job.plugins, _plugin_names(job), strict=True) if name}
    split = job.data.split
    if isinstance(split, Mapping) and "file" in split:
        files[SPLIT] = Path(str(split["file"])).expanduser()
    asked = {"version": __version__, "device": device, "job": _without_places(job).as_json()}
    yield packed_bytes(ORDER, json.dumps(asked).encode())
    places = home_of(job)
    for kind, key in needed_stages(job):
        yield from packed_stage(places, kind, key)
    train = stages_of(job)["train"]
    checkpoint = checkpoint_path(places.stage("train", train))
    if checkpoint.is_file() and stage_note(places.stage("train", train)) is None:
        files[CHECKPOINT] = checkpoint
    for name, path in files.items():
        yield from packed_file(name, path)


def _plugin_names(job: Job) -> Iterator[str]:
    """The name under which each plugin of a job crosses; empty where it is a module, installed on each machine.

    Raises:
        PluginError: a file has a name that cannot cross.
    """
    for number, (place, _) in enumerate(job.plugins):
        name = f"{PLUGINS}/{number}/{Path(place).name}" if Path(place).is_absolute() else ""
        if name and not is_name(name):
            raise PluginError(f"{place}: a plugin file that is carried to other machines has a plain name: rename it")
        yield name


def _without_places(job: Job) -> Job:
    """The job without any path of this machine; of its record the id is left."""
    split = job.data.split
    if isinstance(split, Mapping) and "file" in split:
        split = {**split, "file": SPLIT}
    named = zip(job.plugins, _plugin_names(job), strict=True)
    return replace(
        job,
        home="",
        record=Path(job.record).stem,
        data=replace(job.data, root="", index="", split=split),
        plugins=tuple((name or place, source) for (place, source), name in named),
    )


def packed_stage(places: Places, kind: str, key: str) -> Iterator[bytes]:
    """A stage of the store as a stream, its note last; nothing where it is not finished."""
    folder = places.stage(kind, key)
    note = stage_note(folder)
    for name in (*note["files"], NOTE) if note is not None else ():
        yield from packed_file(f"{STAGES}/{kind}/{key}/{name}", folder / name)


def read_order(folder: Path) -> Order:
    """The order in a folder that a stream was unpacked into, with its own places there for plugins, split and record.

    Raises:
        Damaged: it is not there or not what this version packs.
    """
    try:
        asked = read_bounded(folder / ORDER)
        job = Job.from_json(asked["job"])
        split = job.data.split
        if isinstance(split, Mapping) and "file" in split:
            split = {**split, "file": str(folder / SPLIT)}
        names = [(place, source, place.startswith(f"{PLUGINS}/") and is_name(place)) for place, source in job.plugins]
        job = replace(
            job,
            data=replace(job.data, split=split),
            plugins=tuple((str(folder / place) if file else place, source) for place, source, file in names),
            record=job.record and str(Places(folder, folder / RUN, {}).record("", job.record)),
        )
        return Order(job, asked["device"], str(asked["version"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"the order of a job cannot be read: {error}") from None


def settled_in(order: Order, folder: Path, places: Places) -> Job:
    """The job on the store of this machine, which takes over the stages and the checkpoint that came along.

    Raises:
        Damaged: what came is not what was written.
        StoreError: the disk is full or the store cannot be written.
    """
    job = replace(order.job, home=str(places.home))
    for kind, key in needed_stages(job):
        arrived = folder / STAGES / kind / key
        if arrived.is_dir():
            take_stage(places, kind, key, arrived)
    if (folder / CHECKPOINT).is_file():
        take_checkpoint(places, stages_of(job)["train"], folder / CHECKPOINT)
    return job


def with_data(job: Job, data: DataRef) -> Job:
    """The job on the data of this machine, split as it was."""
    return replace(job, data=replace(data, split=job.data.split))


def packed_results(job: Job) -> Iterator[bytes]:
    """What a job has left in its run folder, the record last."""
    if not job.record:
        return
    record = Path(job.record)
    found = [*sorted(record.with_suffix("").glob(f"*{PICTURE}")), replicates_file(record.parent.parent, record.stem)]
    for path in (*found, record):
        if path.is_file():
            yield from packed_file(f"{RUN}/{path.relative_to(record.parent.parent)}", path)


def expected(job: Job, name: str) -> bool:
    """Whether a file may come back from a job: of its own stages, of its own cell, or a word on how it goes."""
    if name in (CHECKPOINT, *WORDS):
        return True
    if any(name.startswith(f"{STAGES}/{kind}/{key}/") for kind, key in stages_of(job).items()):
        return True
    if not job.record:
        return False
    id = Path(job.record).stem
    picture = name.startswith(f"{RUN}/cells/{id}/") and name.count("/") == 3 and name.endswith(PICTURE)
    return picture or name in (f"{RUN}/cells/{id}.json", f"{RUN}/replicates/{id}.npz")


def take_results(job: Job, arrived: Path) -> None:
    """File what a job has left in its run folder, the record last: it says that the cell is done.

    Raises:
        Damaged: a file is not what was written, or the record is of another cell.
        StoreError: the disk is full or the folder cannot be written.
    """
    if not job.record or not (arrived / RUN).is_dir():
        return
    record = Path(job.record)
    came = arrived / RUN / "cells" / record.name
    if came.is_file() and load_record(came).id != record.stem:
        raise Damaged(f"what came is not the record of cell {record.stem}")
    replicates = arrived / RUN / "replicates" / f"{record.stem}.npz"
    read_replicates(replicates)
    for picture in came.with_suffix("").glob(f"*{PICTURE}"):
        take_file(picture, record.with_suffix("") / picture.name)
    for path, place in ((replicates, replicates_file(record.parent.parent, record.stem)), (came, record)):
        if path.is_file():
            take_file(path, place)


def same_data(job: Job, located: LocatedDataset) -> str | None:
    """Why the data of this machine are not those that a job was planned with, or None."""
    asked = job.stages[0]["facts"]["data"]
    if located.index is None:
        return located.problem or f"data set {job.data.use!r} could not be indexed"
    if located.index.fingerprint == asked:
        return None
    return (
        f"data set {job.data.use!r} in {located.data.root} is another one: its fingerprint is "
        f"{located.index.fingerprint}, asked for is {asked}"
    )
