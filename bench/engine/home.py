"""Where things lie: shared stages and fetched or rendered data under ``$BENCH_HOME``, results under ``runs/``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


def bench_home() -> Path:
    """``$BENCH_HOME``, or the platform's cache directory."""
    named = os.environ.get("BENCH_HOME")
    if named:
        return Path(named).expanduser().resolve()
    from platformdirs import user_cache_path

    return user_cache_path("defectbench")


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one invocation; ``data`` maps a data set's name to the folder the user gave for it."""

    home: Path
    out: Path
    data: Mapping[str, str]

    def root(self, dataset: str) -> Path:
        """Folder of a data set: the user's, or ``$BENCH_HOME/data/<name>``."""
        given = self.data.get(dataset)
        return Path(given).expanduser().resolve() if given else self.home / "data" / dataset.replace(":", "_")

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
