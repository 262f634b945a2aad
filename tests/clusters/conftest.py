"""A world for each test, and the records of the same suite on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clusters.worlds import LIMIT_S, SUITE, records_of
from studies.faults import shell


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the records of a run on this machine say."""
    folder = tmp_path_factory.mktemp("local")
    shell.write_world(folder)
    assert shell.started(folder, SUITE).wait(LIMIT_S) == 0, shell.said(folder)
    return records_of(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images, plugin and suite; nothing has run."""
    shell.write_world(tmp_path)
    return tmp_path
