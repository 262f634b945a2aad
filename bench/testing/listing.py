"""Clauses on what a data set lists: ids, groups, files, classes, and nothing opened for it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bench.data.index import are_class_names, doubled_ids, flaw_of
from bench.picture_files import is_picture
from bench.testing.clauses import MOST, Breach, Sentences, ran, said
from bench.testing.trial_folder import TrialFolder, opened_files
from bench.types import IGNORED, Record


def listing(trial: TrialFolder) -> Sentences:
    """``records()`` lists images with ids, groups, files and plain metadata."""
    if not trial.example and trial.ours:
        _check_rendered(trial)
    records = trial.records(trial.reader())
    if not records:
        raise Breach("records() lists no image")
    for id in doubled_ids(records)[:MOST]:
        yield f"records() lists {id!r} twice: ids must be unique"
    yield from islice(filter(None, map(_flaw, records)), MOST)


def _flaw(record: Record) -> str | None:
    """What is wrong with a record."""
    if any(not isinstance(path, Path) for path in record.files):
        return f"record {record.id!r} names files that are no Path: {record.files!r}"
    nothing = f"record {record.id!r} names no files: the whole data set would be read again by every run"
    return flaw_of(record) or (None if record.files else nothing)


def _check_rendered(trial: TrialFolder) -> None:
    """Without example and data a set must fill an empty folder by itself.

    Raises:
        Breach: it does not.
    """
    reason = "it lists nothing"
    try:
        reader = trial.reader()
        records = tuple(reader.records())
        if records:
            reader.load(records[0].id)
            return
    except Breach as breach:
        reason = str(breach)
    except (Exception, SystemExit) as error:
        reason = said(error)
    raise Breach(
        f"it has no example, and an empty folder is no data ({reason}): give its Component an example that "
        "writes a miniature, or name its folder with --data"
    )


def naming_classes(trial: TrialFolder) -> Sentences:
    """There are 1 to 254 classes with different names."""
    classes: Any = ran("classes", getattr, trial.reader(), "classes")
    if isinstance(classes, str) or not isinstance(classes, Sequence) or not all(isinstance(c, str) for c in classes):
        yield f"classes is {classes!r}: it must be a sequence of names"
    elif not are_class_names(classes):
        yield f"classes is {list(classes)}: it must hold 1 to {IGNORED - 1} different, non-empty names"


def repeating(trial: TrialFolder) -> Sentences:
    """The same reader, and another one, list the same in the same order."""
    reader = trial.reader()
    first = trial.records(reader)
    if first != trial.records(reader):
        yield "records() lists something else the second time: it must depend on the files alone"
    elif first != trial.records(trial.reader()):
        yield "records() of a second reader lists something else: it must depend on the files alone"


def listing_only(trial: TrialFolder) -> Sentences:
    """``records()`` opens no image."""
    reader = trial.reader()
    with opened_files() as opened:
        records = trial.records(reader)
    images = [path for record in records for path in record.files if is_picture(path)]
    found = next((path for path in images if path.resolve() in opened), None)
    if found:
        yield f"records() opens {found}: it must list the images without opening one"


def keeping_groups(trial: TrialFolder) -> Sentences:
    """A group lies in one official split only."""
    first: dict[str, Record] = {}
    for record in trial.records(trial.reader()):
        other = first.setdefault(record.group, record)
        if record.split and other.split and record.split != other.split:
            yield (
                f"group {record.group!r} lies in {other.split} ({other.id!r}) and in {record.split} ({record.id!r}): "
                "one physical object must be in one split"
            )
            return
