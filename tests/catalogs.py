"""Catalogs of components that no plugin offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.catalog import Catalog, Offer, Provider
from bench.component import Component
from bench.engine.local import bench_launchers


def catalog_of(components: Mapping[str, Sequence[Component[Any]]]) -> Catalog:
    """A catalog of the given components by kind, as if one plugin offered them, and the launcher of this machine."""
    provider = Provider(package="local", version="0", module="local", source_hash="")
    offers: list[Offer] = []
    for kind, offered in {"launcher": list(bench_launchers()), **components}.items():
        offers += [Offer(kind, component, provider) for component in offered]
    return Catalog(tuple(offers))
