"""Durations as a suite writes them: ``30s``, ``5min``, ``1.5h``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

UNITS = {"s": 1, "min": 60, "h": 3600}
"""Units in seconds."""
UNLIMITED = "none"


def seconds_of(duration: str) -> float:
    """Seconds of a duration.

    Raises:
        ValueError: it is none, or less than a second.
    """
    parts = re.fullmatch(r"(\d+(?:\.\d+)?)(s|min|h)", duration)
    seconds = float(parts[1]) * UNITS[parts[2]] if parts else 0.0
    if seconds < 1:
        raise ValueError(f"{duration!r} is no duration of at least a second, such as 30s, 5min or 1h")
    return seconds


def duration_text(seconds: float) -> str:
    """The inverse of :func:`seconds_of`, in the largest unit that is not larger."""
    unit = next((unit for unit in ("h", "min") if seconds >= UNITS[unit]), "s")
    return f"{seconds / UNITS[unit]:g}{unit}"


def _checked(duration: str) -> str:
    seconds_of(duration)
    return duration


def _checked_limit(limit: str) -> str:
    return limit if limit == UNLIMITED else _checked(limit)


Duration = Annotated[str, AfterValidator(_checked)]
"""Text that :func:`seconds_of` understands."""
Limit = Annotated[str, AfterValidator(_checked_limit)]
"""A duration, or :data:`UNLIMITED`."""
