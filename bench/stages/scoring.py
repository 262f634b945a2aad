"""Both splits of a cell scored from what its predict stage left: for its record, and for scores made later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.catalog import Catalog, Offer
from bench.component import build, guarded
from bench.errors import BenchError, PluginError
from bench.score.evidence import Evidence
from bench.score.evidence_file import read_evidence
from bench.score.rules import Rule, threshold_of
from bench.score.summary import Choices, choices_of, summarise
from bench.score.thresholds import Threshold, pooled, threshold_at
from bench.stages.image_metrics import kept_rows, offered_metrics, rows_of, sees_images
from bench.types import Split

SLACK = 1e-9
"""Rounding that is forgiven at the ends of a metric's range, relative to the larger end."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """How a cell is scored: ``found`` share of a defect, and whether of ``each`` class."""

    catalog: Catalog
    found: float
    each: bool


def protocol_threshold(note: Mapping[str, Any], validation: Evidence) -> Threshold:
    """The threshold that the predict stage chose under the cell's protocol; ``note`` is that stage's."""
    return threshold_at(note["threshold"], validation)


def threshold_by(rule: Rule | None, note: Mapping[str, Any], validation: Evidence) -> Threshold:
    """The threshold that ``rule`` chooses on validation, or without one the protocol's.

    Raises:
        DataError: no threshold keeps the rule's bound, or the split has no valid pixel.
    """
    return threshold_of(rule, validation) if rule else protocol_threshold(note, validation)


def split_scores(folder: Path, note: Mapping[str, Any], how: Scoring, rule: Rule | None = None) -> dict[str, Any]:
    """Scores of both splits at the protocol's threshold, or at the one that ``rule`` chooses on validation.

    ``folder`` is that of the predict stage, ``note`` what the stage left. A metric of a plugin that fails or leaves
    its range is an alarm among the flags; all other scores stand.

    Raises:
        DataError: no threshold keeps the rule's bound, or a split has no valid pixel.
        StoreError: the evidence is missing or damaged.
    """
    evidence: dict[Split, Evidence] = {
        "validation": read_evidence(folder / "validation.npz"),
        "test": read_evidence(folder / "test.npz"),
    }
    validation = evidence["validation"]
    threshold = threshold_by(rule, note, validation)
    also, kept = choices_of(validation, each=how.each), kept_rows(folder, threshold.index)
    return {split: _scores(split, found, threshold, also, kept, how) for split, found in evidence.items()}


def _scores(
    split: Split,
    evidence: Evidence,
    threshold: Threshold,
    also: Choices,
    kept: Sequence[Mapping[str, Any]],
    how: Scoring,
) -> dict[str, Any]:
    own = summarise(evidence, threshold, found=how.found, also=also)
    values, alarms = {}, []
    for offer in offered_metrics(how.catalog):
        try:
            _check_name(offer, how.catalog, own)
            values[offer.component.name] = _value(offer, split, evidence, threshold, kept)
        except BenchError as error:
            alarms.append(f"alarm: {error}")
    return {**values, **own, "flags": [*own["flags"], *alarms]}


def _check_name(offer: Offer, catalog: Catalog, taken: Collection[str]) -> None:
    """Refuse a metric whose name says something else already.

    Raises:
        PluginError: a score of the core has this name, or two plugins offer it.
    """
    name = offer.component.name
    if name in taken:
        raise PluginError(f"metric {name!r} of {offer.provider.package} has the name of a score of bench; rename it")
    if Counter(other.component.name for other in offered_metrics(catalog))[name] > 1:
        raise PluginError(f"metric {name!r} is offered by more than one plugin; leave one out or rename it")


def _value(
    offer: Offer, split: Split, evidence: Evidence, threshold: Threshold, kept: Sequence[Mapping[str, Any]]
) -> float:
    """A metric's value of one split.

    Raises:
        PluginError: it fails, or gives a value outside its stated range.
    """
    name = offer.component.name
    metric = build(offer.component, settings={})
    given = (
        rows_of(offer, kept, split, evidence).sum(axis=0) if sees_images(metric) else pooled(evidence)[threshold.index]
    )
    value, (low, high) = guarded(f"metric {name!r}", lambda: (float(metric.value(given)), metric.range))
    slack = SLACK * max([1.0, *(abs(bound) for bound in (low, high) if np.isfinite(bound))])
    if not (np.isfinite(value) and low - slack <= value <= high + slack):
        raise PluginError(f"metric {name!r} gave {value} on {split}, outside its range {low} to {high}: not shown")
    return float(value)
