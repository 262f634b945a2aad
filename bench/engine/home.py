"""Where things lie: shared stages and fetched or rendered data under ``$BENCH_HOME``, results under ``runs/``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one invocation; ``data`` maps a data set's name to the folder the user gave for it."""

    home: Path
    out: Path
    data: Mapping[str, str]

    def root(self, dataset: str, shared: str | None = None) -> Path:
        """Folder of a data set: the user's, or ``$BENCH_HOME/data/<name>``.

        ``shared`` is ``Component.folder``, the data set whose folder it is where the user gave this one none.

        Raises:
            DataError: as :func:`resolved` does.
        """
        given = self.given(dataset, shared)
        return resolved(given) if given else self.home / "data" / (shared or dataset).replace(":", "_")

    def given(self, dataset: str, shared: str | None = None) -> str | None:
        """The folder that the user gave for a data set, or for the one whose folder it shares."""
        return self.data.get(dataset) or self.data.get(shared or dataset)

    def index(self, locator: str) -> Path:
        """File of a data set's index."""
        return self.home / "index" / f"{locator}.json"

    def stage(self, kind: str, key: str) -> Path:
        """Folder of a finished stage."""
        return self.home / "stages" / kind / key

    def run(self, suite: str) -> Path:
        """Folder of a suite's cell records and pictures."""
        return self.out / suite

    def record(self, suite: str, cell: str) -> Path:
        """File of one cell's record."""
        return self.run(suite) / "cells" / f"{cell}.json"
