"""Replicates on disk: a file beside a cell's record, in the folder of its run."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.arrays import read_arrays
from bench.bounded import LARGEST
from bench.errors import Damaged, StoreError, named_line
from bench.files import whole_file
from bench.record import Record
from bench.replicates import CellReplicates, Replicates
from bench.store.home import writing

REPLICATES = "replicates"
"""Folder of a run with a file for each cell, ``ID.npz``."""


def replicates_file(folder: Path, cell: str) -> Path:
    """Where the replicates of a cell lie in a run folder."""
    return folder / REPLICATES / f"{cell}.npz"


def write_replicates(path: Path, found: CellReplicates) -> None:
    """Write a compressed ``.npz``, whole or not at all.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    with writing(path.parent), whole_file(path) as file:
        file.write(replicates_bytes(found))


def replicates_bytes(found: CellReplicates) -> bytes:
    """A compressed ``.npz`` without pickle, the same bytes for the same content; what there is not is NaN or empty."""
    scores = list(found.scores.values())
    validation = np.zeros(0) if found.validation is None else found.validation
    none = np.full(validation.size, np.nan)
    arrays = {
        "predict": np.array(found.predict),
        "groups": np.array(found.groups, np.str_),
        "names": np.array(list(found.scores), np.str_),
        "value": np.array([one.value for one in scores]),
        "without": np.array([one.without for one in scores]),
        "rechosen": np.array([none if one.rechosen is None else one.rechosen for one in scores]),
        "validation": validation,
        "draws": np.array(found.draws),
    }
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


def read_replicates(path: Path) -> CellReplicates | None:
    """What :func:`write_replicates` wrote; None where there is no file.

    Raises:
        Damaged: its content is not what was written.
        StoreError: it cannot be read.
    """
    if not path.is_file():
        return None
    try:
        arrays = read_arrays(path, LARGEST)
        rows = zip(arrays["names"].tolist(), arrays["value"], arrays["without"], arrays["rechosen"], strict=True)
        scores = {}
        for name, value, without, rechosen in rows:
            scores[name] = Replicates(float(value), without, None if np.isnan(rechosen).all() else rechosen)
        validation = arrays["validation"]
        groups = tuple(arrays["groups"].tolist())
        reached = validation if validation.size else None
        return CellReplicates(str(arrays["predict"]), groups, scores, reached, str(arrays["draws"]))
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}); look at the disk and the permissions") from None
    except Exception as error:  # whatever odd arrays make it raise
        again = f"run the suite again, or remove it; 'bench score {path.parent.parent} --write' makes it again"
        raise Damaged(f"{path}: damaged ({named_line(error)}); {again}") from None


def with_replicates(folder: Path, records: Mapping[str, Record]) -> dict[str, Record]:
    """The records of a run folder, each with its replicates where they are of the prediction that the record is of.

    Raises:
        Damaged: a file of replicates is damaged.
    """
    known = dict(records)
    for id, record in records.items():
        found = None if record.replicates else read_replicates(replicates_file(folder, id))
        if found is not None and found.predict == record.keys.get("predict"):
            known[id] = record.with_replicates(found)
    return known
