"""Benchmark of surface-defect segmentation: suites of data sets, models, crops and preprocessing."""

from __future__ import annotations

__version__ = "0.1.0"
