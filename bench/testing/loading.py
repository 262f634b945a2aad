"""Clauses on what a data set loads: the image asked for, always the same, from the files its record names."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np

from bench.data.index import build_index
from bench.data.splits import assign
from bench.errors import DataError
from bench.testing.clauses import MOST, Sentences, judged, ran, said
from bench.testing.trial_folder import TrialFolder, equal, only, opened_files
from bench.types import IGNORED, Record, Sample
from bench.words import plural, shown

UNKNOWN = "no such image"


def loading(trial: TrialFolder) -> Sentences:
    """Every image can be loaded, is the one asked for, and its mask holds known classes only."""
    reader = trial.reader()
    flaws = (_flaws_of_sample(reader, record, len(reader.classes)) for record in trial.chosen(reader))
    yield from islice(chain.from_iterable(flaws), MOST)


def _flaws_of_sample(reader: Any, record: Record, classes: int) -> Sentences:
    try:
        sample = reader.load(record.id)
    except (Exception, SystemExit) as error:
        yield f"load({record.id!r}) raises {said(error)}"
        return
    if not isinstance(sample, Sample):
        yield f"load({record.id!r}) returned {shown(sample)}: it must return a Sample"
        return
    if sample.id != record.id:
        yield f"load({record.id!r}) returned the image {sample.id!r}"
    values = np.unique(sample.mask)
    unknown = values[(values > classes) & (values != IGNORED)].tolist()
    if unknown:
        yield (
            f"load({record.id!r}) returned the mask values {unknown[:5]}, which are no class: "
            f"with {plural(classes, 'class', 'classes')} a mask holds 0 to {classes}, and {IGNORED} for ignored pixels"
        )
    lost = [path for path in record.files if not path.is_file()]
    if lost:
        yield f"record {record.id!r} names the file {lost[0]}, which does not exist once it is loaded"


def reading(trial: TrialFolder) -> Sentences:
    """``load`` reads no file of the data that no record names."""
    named = {path.resolve() for record in trial.records(trial.reader()) for path in record.files}
    home = trial.root.resolve()
    for record in trial.chosen(trial.reader())[:MOST]:
        reader = trial.reader()
        with opened_files() as opened:
            ran(f"load({record.id!r})", reader.load, record.id)
        beside = sorted(path for path in opened - named if home in path.parents)
        if beside:
            yield (
                f"load({record.id!r}) reads {beside[0]}, which no record names in its files: "
                "a change of it would go unnoticed"
            )
            return


def repeating(trial: TrialFolder) -> Sentences:
    """Loading an image twice gives the same pixels."""
    reader = trial.reader()
    for record in trial.chosen(reader):
        if not equal(reader.load(record.id), reader.load(record.id)):
            yield f"load({record.id!r}) decodes the same image differently the second time"
            return


def threading(trial: TrialFolder) -> Sentences:
    """Loading on four threads at once gives what loading alone gives."""
    reader = trial.reader()
    alone = {record.id: reader.load(record.id) for record in trial.chosen(reader)}
    shared, ids = trial.reader(), [*alone, *reversed(alone)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns as often as can be, so that what they share shows
    try:
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(partial(_outcome, shared), ids))
    finally:
        sys.setswitchinterval(before)
    for id, sample in zip(ids, together, strict=True):
        if isinstance(sample, str):
            yield f"load({id!r}) fails only while other threads load: {sample}"
            return
        if not equal(sample, alone[id]):
            yield f"load({id!r}) gives another image while other threads load: keep nothing between calls"
            return


def _outcome(reader: Any, id: str) -> Any:
    """The sample, or what was raised."""
    try:
        return reader.load(id)
    except (Exception, SystemExit) as error:
        return said(error)


def matching(trial: TrialFolder) -> Sentences:
    """All images have the same channels and pixel type."""
    reader = trial.reader()
    kinds: dict[str, str] = {}
    for record in trial.chosen(reader):
        image = reader.load(record.id).image
        kinds.setdefault(f"{image.shape[2]} x {image.dtype}", record.id)
    if len(kinds) > 1:
        found = ", ".join(f"{kind} ({id!r})" for kind, id in kinds.items())
        yield f"images differ in channels or pixel type: {found}; convert them to one in load"


def knowing_ids(trial: TrialFolder) -> Sentences:
    """An id that was never listed is refused."""
    reader = trial.reader()
    try:
        reader.load(UNKNOWN)
    except DataError:
        return
    except (Exception, SystemExit) as error:
        yield f"load of an unknown id raises {type(error).__name__}: raise a DataError that names the id"
    else:
        yield "load of an unknown id returns something: raise a DataError that names the id"


def splitting(trial: TrialFolder) -> Sentences:
    """The core can index it and give every image a split."""
    reader = trial.reader()
    index = judged("indexing it", build_index, trial.component.name, only(trial.chosen(reader), reader))
    try:
        assign(index, "grouped")
    except DataError as error:
        yield f"it cannot be split: {error}"


def showing_classes(trial: TrialFolder) -> Sentences:
    """Every class is found in some image of the example."""
    if not trial.example:
        return
    reader = trial.reader()
    seen: set[int] = set()
    for record in trial.chosen(reader):
        seen.update(np.unique(reader.load(record.id).mask).tolist())
    lost = [name for number, name in enumerate(reader.classes, 1) if number not in seen]
    if lost:
        word = "class" if len(lost) == 1 else "classes"
        yield f"no image of its example has a defect of the {word} {', '.join(lost)}: every class must be tried"
