"""Metrics that must see whole images: their rows are kept by the predict stage, because evidence keeps no image.

Rows lie in a file of their own beside the evidence, by name, version and provider of the metric. What is offered later
has none for cells predicted before; no key knows of them, so a new metric makes no finished cell stale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.catalog import CORE, Catalog, Offer
from bench.component import build, guarded
from bench.errors import BenchError, PluginError
from bench.score.evidence import Evidence
from bench.store.store import SCHEMA, read_json, write_json
from bench.types import Float32, Float64, ImageMetric, JsonValue, Mask, Prediction, Split

IMAGE_METRICS = "image_metrics.json"
"""File of the predict stage; absent in stages made before it was kept."""


def offered_metrics(catalog: Catalog) -> list[Offer]:
    """Metrics of plugins, by name; those of the core are in every summary already."""
    return [offer for offer in catalog.offers("metric") if offer.provider.module not in CORE]


def sees_images(metric: object) -> bool:
    """Whether a built metric is an ``ImageMetric``."""
    return hasattr(metric, "observe")


def identity(offer: Offer) -> dict[str, JsonValue]:
    """What rows are kept by: name, version and package, and the content of a local file."""
    component, provider = offer.component, offer.provider
    source = {"source": provider.source_hash} if provider.local is not None else {}
    return {"name": component.name, "version": component.version, "package": provider.package, **source}


class ImageRows:
    """Rows of every offered ``ImageMetric``, image by image; a metric that fails is left out, with the reason."""

    def __init__(self, catalog: Catalog, classes: Sequence[str]) -> None:
        self._classes = tuple(classes)
        self._kept: list[_Kept] = []
        for offer in offered_metrics(catalog):
            try:
                metric = build(offer.component, settings={})
            except BenchError:
                continue  # scoring tells of it: nobody knows which kind it would have been
            if sees_images(metric):
                self._kept.append(_Kept(offer, metric))

    def __bool__(self) -> bool:
        return bool(self._kept)

    def observe(self, split: Split, id: str, probabilities: Float32, mask: Mask, threshold: int) -> None:
        """Show one image to every metric at threshold k / 1000; ``probabilities`` is ``float32[1 + K, H, W]``."""
        if self._kept:
            image = Prediction(id, np.float32(1) - probabilities[0], mask, self._classes)
            for kept in self._kept:
                kept.observe(split, image, threshold / 1000)

    def write(self, path: Path, threshold: int) -> None:
        """Write the rows of every metric in the order of the evidence's images."""
        write_json(path, {"schema": SCHEMA, "threshold": threshold, "metrics": [kept.as_json() for kept in self._kept]})


class _Kept:
    """One metric with its rows by split, or the reason why it has none."""

    def __init__(self, offer: Offer, metric: ImageMetric) -> None:
        self._offer = offer
        self._metric = metric
        self._rows: dict[str, list[list[float]]] = {"validation": [], "test": []}
        self._alarm: str | None = None

    def observe(self, split: Split, image: Prediction, threshold: float) -> None:
        if self._alarm is not None:
            return
        name = self._offer.component.name
        try:
            row = guarded(f"metric {name!r} on image {image.id!r}", self._metric.observe, image, threshold)
            self._rows[split].append(_checked(row, name, image.id))
        except BenchError as error:
            self._alarm = str(error)

    def as_json(self) -> dict[str, JsonValue]:
        rows = self._rows if self._alarm is None else {}
        return {**identity(self._offer), "alarm": self._alarm, "rows": rows}


def _checked(row: object, name: str, id: str) -> list[float]:
    """A row as plain numbers.

    Raises:
        PluginError: it is no finite ``float64[M]``.
    """
    if not isinstance(row, np.ndarray) or row.ndim != 1 or row.dtype != np.float64 or not np.isfinite(row).all():
        raise PluginError(f"metric {name!r} gave no finite float64[M] row for image {id!r}: see 'bench plugins check'")
    return [float(value) for value in row]


def kept_rows(folder: Path, threshold: int) -> list[Mapping[str, Any]]:
    """Metrics with their rows as a predict stage left them; none where it has no such file, or another threshold."""
    if not (folder / IMAGE_METRICS).is_file():
        return []
    stored = read_json(folder / IMAGE_METRICS)
    return list(stored["metrics"]) if stored["threshold"] == threshold else []


def rows_of(offer: Offer, kept: Sequence[Mapping[str, Any]], split: Split, evidence: Evidence) -> Float64:
    """Rows ``float64[N, M]`` of a metric for the images of a split; their sum is what it is a function of.

    Raises:
        PluginError: there are none, for the reason given.
    """
    name, wanted = offer.component.name, identity(offer)
    found = next((row for row in kept if wanted.items() <= row.items()), None)
    if found is None:
        raise PluginError(
            f"metric {name!r} has no rows of this prediction: it looks at whole images, and was not offered in this "
            "version when the cell was predicted, or its threshold was another; predict anew with another BENCH_HOME"
        )
    if found["alarm"] is not None:
        raise PluginError(str(found["alarm"]))
    rows = found["rows"][split]
    if len(rows) != len(evidence.ids) or len({len(row) for row in rows}) > 1:
        raise PluginError(f"metric {name!r} gave rows of different lengths, or not one for every image of {split}")
    return np.array(rows, np.float64)
