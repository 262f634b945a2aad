"""Evidence on disk: a compressed file of arrays, whole or not at all, whose checksums are verified."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.arrays import read_arrays
from bench.errors import Damaged, StoreError
from bench.files import whole_file
from bench.score.evidence import Evidence
from bench.score.objects import Defects, Predicted

SCHEMA = 1


def write_evidence(path: Path, evidence: Evidence) -> None:
    """Write a compressed ``.npz`` without pickle, whole or not at all; an absent threshold is 0."""
    arrays = {
        "head": np.array([SCHEMA, evidence.tolerance, evidence.threshold or 0], np.int64),
        "ids": np.array(evidence.ids, np.str_),
        "groups": np.array(evidence.groups, np.str_),
        "classes": np.array(evidence.classes, np.str_),
        "counts": evidence.counts,
        "alarms": evidence.alarms,
    }
    for name, table in (("defects", evidence.defects), ("predicted", evidence.predicted)):
        for field in fields(table):
            arrays[f"{name}.{field.name}"] = getattr(table, field.name)
    with whole_file(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_evidence(path: Path) -> Evidence:
    """Read what :func:`write_evidence` wrote.

    Raises:
        Damaged: the file is missing or damaged; its checksums are verified.
        StoreError: it is of another schema.
    """
    try:
        arrays = read_arrays(path)
        schema = int(arrays["head"][0])
        if schema == SCHEMA:
            return _evidence(arrays)
    except FileNotFoundError:
        raise Damaged(f"{path}: the evidence is missing; run the suite again") from None
    except Exception as error:  # whatever odd arrays make it raise
        raise Damaged(
            f"{path}: the evidence is damaged ({error}); run 'bench cache gc' and then the suite again"
        ) from None
    raise StoreError(
        f"{path}: evidence has schema {schema}, this version reads {SCHEMA}; use another BENCH_HOME for each version"
    )


def _evidence(arrays: dict[str, npt.NDArray[Any]]) -> Evidence:
    _, tolerance, threshold = arrays["head"].tolist()
    return Evidence(
        ids=tuple(arrays["ids"].tolist()),
        groups=tuple(arrays["groups"].tolist()),
        classes=tuple(arrays["classes"].tolist()),
        tolerance=tolerance,
        threshold=threshold or None,
        counts=arrays["counts"],
        defects=Defects(*(arrays[f"defects.{field.name}"] for field in fields(Defects))),
        predicted=Predicted(*(arrays[f"predicted.{field.name}"] for field in fields(Predicted))),
        alarms=arrays["alarms"],
    )
