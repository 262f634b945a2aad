"""Evidence on disk: a compressed file of arrays, whole or not at all, whose checksums are verified."""

from __future__ import annotations

import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import StoreError
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
        StoreError: the file is missing, damaged (its checksums are verified) or of another schema.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"checksum of {damaged} is wrong")
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        schema = int(arrays["head"][0])
        if schema == SCHEMA:
            return _evidence(arrays)
    except FileNotFoundError:
        raise StoreError(f"{path}: the evidence is missing; run the suite again") from None
    except Exception as error:  # a damaged archive may raise anything
        raise StoreError(
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
