"""Benchmark of surface-defect segmentation: suites of data sets, models, crops and preprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.version import __version__

if TYPE_CHECKING:
    from bench.commands import run

__all__ = ["__version__", "run"]


def __getattr__(name: str) -> Any:
    """Make ``bench.run`` available without importing it for every ``bench.api`` user."""
    if name == "run":
        from bench.commands import run

        return run
    raise AttributeError(f"module 'bench' has no attribute {name!r}")
