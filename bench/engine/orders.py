"""From a plan to the jobs of workers: each names the third-party plugins that it uses, and what its record says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.catalog import Catalog, Offer, plugins_of
from bench.engine.forecast import chain_of, chain_of_source
from bench.engine.plan import Plan, Planned, Pretraining
from bench.engine.takes import Takes
from bench.jobs import Job, Plugins
from bench.stages.graph import as_json, budget_crops, reuse
from bench.stages.image_metrics import offered_metrics
from bench.stages.indexing import LocatedDataset, plain_rule
from bench.store.home import Places
from bench.suite.cells import Cell, asked, source_of
from bench.suite.reading.load import Suite
from bench.suite.schema import Ref, Runtime
from bench.types import JsonValue


@dataclass(slots=True)
class Orders:
    """The jobs of a plan, each with what it takes."""

    plan: Plan
    places: Places
    takes: Takes = field(init=False)

    def __post_init__(self) -> None:
        self.takes = Takes(self.plan, self.places)

    def source(self, run: Pretraining) -> Job:
        """Of a pretraining run."""
        job = source_job(self.plan.suite, run, self.plan.catalog, self.places)
        return replace(job, takes=self.takes.of(chain_of_source(run)))

    def cell(self, planned: Planned) -> Job:
        """Of a cell."""
        job = cell_job(self.plan.suite, planned, self.plan.catalog, self.places)
        return replace(job, takes=self.takes.of(chain_of(planned)))


def index_job(dataset: LocatedDataset, catalog: Catalog, places: Places, runtime: Runtime) -> Job:
    """A job that makes the index of a data set."""
    return Job(
        key=dataset.locator,
        data=dataset.data,
        home=str(places.home),
        plugins=plugins_of([catalog.find("dataset", dataset.data.use)]),
        timeout_s=runtime.timeout_s,
    )


def source_job(suite: Suite, pretraining: Pretraining, catalog: Catalog, places: Places) -> Job:
    """A job that ends with the weights of a pretraining run; it files no record."""
    job = index_job(pretraining.dataset, catalog, places, suite.runtime)
    return replace(
        job,
        key=pretraining.train,
        data=replace(job.data, split=plain_rule(pretraining.cell.protocol.split)),
        plugins=plugins_of(offers_of(pretraining.cell, catalog)),
        stages=tuple(as_json(pretraining.stages)),
        delivery=suite.runtime.delivery,
        checkpoint_s=suite.runtime.checkpoint.seconds,
    )


def cell_job(suite: Suite, planned: Planned, catalog: Catalog, places: Places) -> Job:
    """A job that ends with the record of a cell."""
    assert planned.dataset is not None
    cell = planned.cell
    job = index_job(planned.dataset, catalog, places, suite.runtime)
    return replace(
        job,
        key=cell.id,
        data=replace(job.data, split=plain_rule(cell.protocol.split)),
        plugins=loaded_for(cell, catalog),
        stages=tuple(as_json(planned.stages)),
        delivery=suite.runtime.delivery,
        checkpoint_s=suite.runtime.checkpoint.seconds,
        record=str(places.record(suite.name, cell.id).absolute()),
        filing={
            **filing(planned, catalog),
            "reuse": reuse(cell),
            "budget_epochs": cell.recipe.epochs,
            "budget_crops": budget_crops(cell),
        },
    )


def filing(planned: Planned, catalog: Catalog) -> dict[str, Any]:
    """What every record says of its cell, however it ended."""
    cell = planned.cell
    source = source_of(cell)
    used = [*offers_of(cell, catalog), *(offers_of(source, catalog) if source else ())]
    loaded: dict[str, JsonValue] = {Path(place).name: source for place, source in loaded_for(cell, catalog)}
    offers = list({(offer.kind, offer.provider.place, offer.component.name): offer for offer in used}.values())
    return {
        "id": cell.id,
        "axes": dict(cell.labels),
        "tuned": dict(cell.tuned),
        "cell": asked(cell),
        "keys": planned.keys,
        "badges": [*(offer.component.badge for offer in offers if offer.component.badge), *planned.badges],
        "remarks": list(planned.remarks),
        "providers": {
            f"{offer.kind} {offer.component.name}": {
                "package": offer.provider.package,
                "version": offer.provider.version,
                "source": offer.provider.source_hash,
                "component": offer.component.version,
            }
            for offer in offers
        },
        **({"plugins": loaded} if loaded else {}),
    }


def loaded_for(cell: Cell, catalog: Catalog) -> Plugins:
    """The plugins of third parties that a worker loads for a cell: those of its components, and of all metrics."""
    return plugins_of([*offers_of(cell, catalog), *offered_metrics(catalog)])


def offers_of(cell: Cell, catalog: Catalog) -> list[Offer]:
    """Every component of a cell, in the order of its life."""
    return [catalog.find(kind, ref.use) for kind, ref in _components(cell)]


def _components(cell: Cell) -> Iterator[tuple[str, Ref]]:
    yield from (("dataset", cell.dataset), ("crop", cell.crop), ("model", cell.model), ("loss", cell.recipe.loss))
    yield from (("preprocess", ref) for ref in cell.preprocess)
    yield from (("augment", ref) for ref in cell.recipe.augment)
