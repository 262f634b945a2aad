"""Scores outside their possible range: an alarm, never an entry of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

SHARES = frozenset(
    {
        *("f1", "precision", "recall", "f2", "accuracy", "iou", "ap", "f1_half", "f1_image", "floor", "positive_share"),
        *("class_balanced_recall", "macro_precision", "macro_recall", "macro_f1", "macro_iou", "macro_ap"),
        *("macro_f1_own", "f1_own", "f1_alone", "overlap", "region_overlap", "false_positive_rate"),
        *("f1_truth_dilated", "f1_truth_eroded", "f1_band_left_out"),
        *("object_recall", "object_precision", "object_f1", "clean_images_with_alarm"),
    }
)
"""Score fields in 0..1 that are printed in percent, at any depth of a summary; null where there is nothing to score."""

UNIT = SHARES | {"threshold", "threshold_own"}
"""Fields that lie in 0..1 or are null."""

SLACK = 1e-9
"""Rounding that is forgiven above 1 and below 0."""


def believed(scores: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The scores with null for every number that cannot be, and an alarm in words for each of these."""
    wrong = dict(_impossible("", scores))
    alarms = [f"alarm: {name} is {value}, outside its possible range: not shown" for name, value in wrong.items()]
    return _without("", scores, wrong), alarms


def _impossible(prefix: str, tree: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Dotted names and values of numbers that are not finite, or are shares outside 0..1."""
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _impossible(f"{name}.", value)
        elif isinstance(value, float) and not (isfinite(value) and (key not in UNIT or _in_unit(value))):
            yield name, value


def _in_unit(value: float) -> bool:
    return -SLACK <= value <= 1 + SLACK


def _without(prefix: str, tree: Mapping[str, Any], wrong: Mapping[str, float]) -> dict[str, Any]:
    return {
        key: _without(f"{prefix}{key}.", value, wrong)
        if isinstance(value, Mapping)
        else (None if f"{prefix}{key}" in wrong else value)
        for key, value in tree.items()
    }
