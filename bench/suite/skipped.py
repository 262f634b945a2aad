"""Why a cell cannot be run, as far as its components know that without data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.component import Component, build, why_not
from bench.errors import SettingsError
from bench.suite.cells import Cell, source_of
from bench.suite.optimisers import OPTIMISERS
from bench.suite.schedules import SCHEDULES
from bench.suite.schema import Recipe, Ref

if TYPE_CHECKING:
    from bench.catalog import Catalog

LISTED: Mapping[str, Mapping[str, Component[Any]]] = {"optimiser": OPTIMISERS, "schedule": SCHEDULES}
"""Parts of a recipe that the core has tables of; their builders need no torch."""


def clashes(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Parts of a complete recipe whose settings do not go together, each with what its builder says."""
    for part, table in LISTED.items():
        ref: Ref = getattr(recipe, part)
        try:
            build(table[ref.use], settings=ref.settings)
        except SettingsError as error:
            yield part, str(error)


@dataclass(frozen=True, slots=True)
class Objections:
    """Asks the components of a cell whether they can be used together, as far as that is known without data."""

    catalog: Catalog

    def why_not(self, cell: Cell) -> str | None:
        """The first reason, of the cell itself or of one of its components, or None.

        Raises:
            PluginError: a component's ``supports`` itself fails.
        """
        source = source_of(cell)
        if source is None:
            if cell.protocol.threshold == "source":
                return "the threshold 'source' is that of a pretraining run, and this cell has none"
            return _nothing_to_learn(cell) or self._of_components(cell)
        reason = _nothing_to_learn(source) or self._of_components(source)
        return f"pretraining on {source.dataset.use}: {reason}" if reason else self._of_components(cell)

    def _of_components(self, cell: Cell) -> str | None:
        asked = [("preprocess", step) for step in cell.preprocess]
        asked += [("crop", cell.crop), ("loss", cell.recipe.loss)]
        asked += [("augment", step) for step in cell.recipe.augment]
        for kind, ref in asked:
            context = (cell.crop_size,) if kind == "crop" else ()
            reason = why_not(self.catalog.find(kind, ref.use).component, *context, settings=ref.settings)
            if reason:
                return f"{kind} {ref.use}: {reason}"
        return next((f"{part} {sentence}" for part, sentence in clashes(cell.recipe)), None)


def _nothing_to_learn(cell: Cell) -> str | None:
    return None if cell.recipe.epochs else "0 epochs train nothing, and no pretraining run gives the weights"
