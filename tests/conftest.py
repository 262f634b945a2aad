"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Old runs are made again bit by bit, so newer processors take the kernels of AVX2 too; NumPy reads this on import.
os.environ |= {"NPY_DISABLE_CPU_FEATURES": "X86_V4", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}

from bench.catalog import Catalog, load_catalog
from bench.engine.hired import COMPILED

pytest_plugins = ("sampling",)

# machines are shared: an example may take any time, and so may its making
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store of this process's own: neither the user's, nor that of tests that run beside these."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What this process compiles is its own, as in a worker: what another processor left would end it by a signal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(COMPILED, str(tmp_path_factory.mktemp("compiled")))
        yield


@pytest.fixture(scope="session", autouse=True)
def workers() -> Iterator[None]:
    """Contained processes of this one, such as workers, are forked and not started; see ``warm.py``."""
    import cv2  # noqa: F401 - it sets LD_LIBRARY_PATH, and all environments are to be alike

    from warm import Forks

    with closing(Forks()) as forks, pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.contain.process.start", forks.start)
        yield


@pytest.fixture(scope="session", autouse=True)
def terminal() -> Iterator[None]:
    """The width of no terminal: pytest-xdist tells its workers that of the one it was started in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        yield


@pytest.fixture(autouse=True)
def torch_as_it_was() -> Iterator[None]:
    """What a command asks of torch for its whole process ends with the test."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].use_deterministic_algorithms(False)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """All installed components."""
    return load_catalog()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images in their original layouts; tests that need them skip where they are absent."""
    folder = Path(os.environ.get("BENCH_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no sample data at {folder}; set BENCH_TEST_DATA to a folder that holds mtd/, dagm/, ...")
    return folder


@pytest.fixture(scope="session")
def ran_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny world whose suite has run once; tests that change it copy it."""
    from tiny import bench, write_world

    folder = tmp_path_factory.mktemp("ran")
    write_world(folder)
    done = bench(folder, "run", "tiny.yaml", "--plugin", "models.py")
    assert done.returncode == 0, done.stderr
    return folder
