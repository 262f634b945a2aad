"""How fast a training went, told apart into its steps and its validations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pace:
    """Mean seconds of a step and of a validation; None where there was none."""

    step_s: float | None
    validation_s: float | None


def pace(events: Sequence[Mapping[str, Any]]) -> Pace:
    """The pace of a training by the events of :func:`bench.train.loop.fit`, one for each epoch.

    Steps are counted from the end of the first epoch on, where there are more: the first step of all is slower.
    """
    if not events:
        return Pace(None, None)
    validations = [event["validation_s"] for event in events if "validation_s" in event]
    mean = sum(validations) / len(validations) if validations else None
    first, last = (events[0], events[-1]) if len(events) > 1 else ({"step": 0, "seconds": 0.0}, events[0])
    spent = last["seconds"] - first["seconds"]
    for event in events[1:] if len(events) > 1 else events:
        spent -= event.get("validation_s", 0.0)
    return Pace(max(spent, 0.0) / (last["step"] - first["step"]), mean)
