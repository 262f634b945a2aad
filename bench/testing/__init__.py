"""The contract of every kind of component, for plugin authors.

In a test of your own::

    from bench.testing import breaches

    def test_my_crop_keeps_the_contract():
        assert breaches("crop", component) == []

``bench plugins check NAME`` and ``pytest --bench-contracts NAME`` ask the same. A breach is one sentence: what is
broken, with the value, and what to do.
"""

from __future__ import annotations

from importlib import import_module
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
    """The contract of what the component builds."""
    module, name = CONTRACTS[kind]
    contract = getattr(import_module(f"bench.testing.{module}"), name)
    found: list[str] = contract(component, data) if kind == "dataset" else contract(component)
    return found


CONTRACTS = {
    "dataset": ("datasets", "breaches_of_dataset"),
    "preprocess": ("preprocess", "breaches_of_preprocess"),
    "crop": ("crops", "breaches_of_crop"),
    "augment": ("augment", "breaches_of_augment"),
    "model": ("models", "breaches_of_model_component"),
    "loss": ("losses", "breaches_of_loss"),
    "metric": ("metrics", "breaches_of_metric"),
}
"""Kind of component to the module of its contract, which is imported when it is asked for, and the function there."""
