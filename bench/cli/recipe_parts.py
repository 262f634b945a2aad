"""Optimisers and schedules as offers, so that ``list`` and ``info`` tell of them as of any component."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.catalog import Offer


def recipe_offers() -> list[Offer]:
    """What ``recipe.optimiser`` and ``recipe.schedule`` may name; plugins cannot add to these."""
    from bench.catalog import Offer, core_provider
    from bench.suite.skipped import LISTED

    offers = []
    for kind, table in LISTED.items():
        for part in table.values():
            provider = core_provider(sys.modules[part.build.__module__])
            offers.append(Offer(kind, part, provider))
    return offers
