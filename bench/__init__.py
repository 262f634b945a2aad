"""Benchmark of surface-defect segmentation: suites of data sets, models, crops and preprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.version import __version__

if TYPE_CHECKING:
    from bench.commands import results, run

__all__ = ["__version__", "results", "run"]


def __getattr__(name: str) -> Any:
    """Make ``bench.run`` and ``bench.results`` available without importing them for every ``bench.api`` user."""
    if name in ("results", "run"):
        from bench import commands

        return getattr(commands, name)
    raise AttributeError(f"module 'bench' has no attribute {name!r}")
