"""Optimisers and schedules as offers, so that ``list`` and ``info`` tell of them as of any component."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from bench.catalog import Offer


def recipe_offers() -> tuple[Offer, ...]:
    """What ``recipe.optimiser`` and ``recipe.schedule`` may name; plugins cannot add to these."""
    from bench.canonical import digest_file
    from bench.catalog import Offer, Provider
    from bench.suite import optimisers, schedules
    from bench.version import __version__

    def provider(module: ModuleType) -> Provider:
        return Provider("defectbench", __version__, module.__name__, digest_file(Path(str(module.__file__))))

    return (
        *(Offer("optimiser", part, provider(optimisers)) for part in optimisers.OPTIMISERS.values()),
        *(Offer("schedule", part, provider(schedules)) for part in schedules.SCHEDULES.values()),
    )
