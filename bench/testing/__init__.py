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
from bench.testing.offering import answering, builder, explained, light

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
    unbuilt = kept(builder(kind, component))
    if unbuilt:
        return unbuilt
    contract = getattr(import_module(f"bench.testing.{CONTRACTS[kind]}"), f"breaches_of_{kind}")
    found: list[str] = contract(component, data) if kind == "dataset" else contract(component)
    return [*kept(explained(kind, component), answering(kind, component), light(component)), *found]


CONTRACTS = {
    "dataset": "datasets",
    "preprocess": "preprocess",
    "crop": "crops",
    "augment": "augment",
    "model": "models",
    "loss": "losses",
    "metric": "metrics",
    "launcher": "launchers",
    "observer": "observers",
    "reporter": "reporters",
}
"""Kind of component to the module of its contract, which is imported when it is asked for."""
