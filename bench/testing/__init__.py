"""The contract of every kind of component, for plugin authors.

In a test of your own::

    from bench.testing import breaches

    def test_my_crop_keeps_the_contract():
        assert breaches("crop", component) == []

``bench plugins check NAME`` and ``pytest --bench-contracts NAME`` ask the same. A breach is one sentence: what is
broken, with the value, and what to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.component import CONTEXT, Component
from bench.errors import PluginError
from bench.testing.clauses import kept
from bench.testing.naming import Named, named
from bench.testing.offering import builder, offering

__all__ = ["Named", "breaches", "named"]


def breaches(kind: str, component: Component[Any], *, data: Path | None = None) -> list[str]:
    """Every sentence of the contract of ``kind`` that the component breaks; empty for a sound one.

    It is built with its default settings. A data set is read from the folder ``data``, where nothing is written;
    without it from what its ``example`` writes, or from an empty folder if it renders itself.

    Raises:
        PluginError: there is no such kind of component.
    """
    if kind not in CONTEXT:
        raise PluginError(f"no kind of component is called {kind!r}; there are {', '.join(CONTEXT)}")
    return kept(builder(kind, component)) or [*kept(*offering(kind, component)), *_of_kind(kind, component, data)]


def _of_kind(kind: str, component: Component[Any], data: Path | None) -> list[str]:
    """The contract of what the component builds; each is imported when it is asked for."""
    if kind == "dataset":
        from bench.testing.datasets import breaches_of_dataset

        return breaches_of_dataset(component, data)
    if kind == "preprocess":
        from bench.testing.preprocess import breaches_of_preprocess

        return breaches_of_preprocess(component)
    if kind == "crop":
        from bench.testing.crops import breaches_of_crop

        return breaches_of_crop(component)
    if kind == "augment":
        from bench.testing.augment import breaches_of_augment

        return breaches_of_augment(component)
    if kind == "model":
        from bench.testing.models import breaches_of_model_component

        return breaches_of_model_component(component)
    if kind == "loss":
        from bench.testing.losses import breaches_of_loss

        return breaches_of_loss(component)
    from bench.testing.metrics import breaches_of_metric

    return breaches_of_metric(component)
