"""Catalogs of components that no plugin offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.catalog import Catalog, Offer, Provider
from bench.component import Component


def catalog_of(components: Mapping[str, Sequence[Component[Any]]]) -> Catalog:
    """A catalog of the given components by kind, as if one plugin offered them."""
    provider = Provider(package="local", version="0", module="local", source_hash="")
    offers: list[Offer] = []
    for kind, offered in components.items():
        offers += [Offer(kind, component, provider) for component in offered]
    return Catalog(tuple(offers))
