"""Where bench keeps what it has made: ``$BENCH_HOME``; and how paths that a user names are followed."""

from __future__ import annotations

import os
from pathlib import Path

from bench.errors import DataError


def expanded(path: str | Path) -> Path:
    """The path with ``~`` and ``~name`` replaced.

    Raises:
        DataError: nobody's folder is known by that name.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise DataError(f"{path}: no home folder is known by that name; write the folder out") from None


def resolved(path: str | Path) -> Path:
    """The absolute path without links and ``~``.

    Raises:
        DataError: a link leads back to itself, or as in :func:`expanded`.
    """
    found = expanded(path)
    try:
        return found.resolve()
    except (RuntimeError, OSError):
        raise DataError(f"{path}: a link on the way leads back to itself or cannot be followed; mend it") from None


def bench_home() -> Path:
    """``$BENCH_HOME``, or the platform's cache directory."""
    named = os.environ.get("BENCH_HOME")
    if named:
        return resolved(named)
    from platformdirs import user_cache_path

    return user_cache_path("defectbench")
