"""Where bench keeps what it has made: ``$BENCH_HOME``; and how paths that a user names are followed."""

from __future__ import annotations

import os
from pathlib import Path

from bench.canonical import printable
from bench.errors import DataError
from bench.words import clipped

SHOWN = 200
"""Characters of a path that no file system takes which are shown of it."""


def expanded(path: str | Path) -> Path:
    """The path with ``~`` and ``~name`` replaced.

    Raises:
        DataError: nobody's folder is known by that name.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise DataError(f"{_told(path)}: no home folder is known by that name; write the folder out") from None


def resolved(path: str | Path) -> Path:
    """The absolute path without links and ``~``.

    Raises:
        DataError: a link leads back to itself, no file can have that name, or as in :func:`expanded`.
    """
    found = expanded(path)
    try:
        return found.resolve()
    except (RuntimeError, OSError):
        raise DataError(
            f"{_told(path)}: a link on the way leads back to itself or cannot be followed; mend it"
        ) from None
    except ValueError:
        raise DataError(f"{_told(path)}: no file can have a zero byte in its name; write it without") from None


def bench_home() -> Path:
    """``$BENCH_HOME``, or the platform's cache directory."""
    named = os.environ.get("BENCH_HOME")
    if named:
        return resolved(named)
    from platformdirs import user_cache_path

    return user_cache_path("defectbench")


def _told(path: str | Path) -> str:
    return clipped(printable(str(path)), SHOWN)
