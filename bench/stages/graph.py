"""Stages and their keys: what was used decides the key, where it lies does not.

``images`` depends on the data and their preprocessing, and no key on it: it is where the others read, not what they
read. ``tiles`` and ``crops`` depend on the data, ``train`` on both and on the ``train`` of a pretraining run,
``predict`` on ``train``; ``score`` is the cell's own record. What cells that differ in their seed alone have in common
is worked out once for all of them: see :class:`Unseeded`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.canonical import digest
from bench.catalog import Catalog
from bench.component import Component, build, guarded, why_not
from bench.crops.prepare import Format, advanced, format_of
from bench.suite.cells import Cell
from bench.suite.optimisers import OPTIMISERS
from bench.suite.schedules import SCHEDULES
from bench.suite.schema import Recipe, Ref
from bench.types import JsonValue, Task
from bench.words import plural

VERSIONS = {"images": 1, "tiles": 1, "crops": 1, "train": 1, "predict": 1, "score": 2}
"""Raised when equal facts may give another result."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One node of the graph: its own facts, and the keys of the stages it reads."""

    kind: str
    facts: Mapping[str, JsonValue]
    needs: Mapping[str, str]
    key: str


def stage(kind: str, facts: Mapping[str, JsonValue], needs: Mapping[str, str] | None = None) -> Stage:
    """Make a stage with its key: BLAKE2b of kind, version, facts and needed keys."""
    needs = needs or {}
    key = digest({"stage": kind, "version": VERSIONS[kind], "facts": facts, "needs": needs})
    return Stage(kind, facts, needs, key)


def images_stage(tiles: Stage) -> Stage:
    """The image store that a chain reads, by its ``tiles``; in no chain itself, so that no record stands on it."""
    return stage("images", {name: tiles.facts[name] for name in ("data", "preprocess")})


@dataclass(frozen=True, slots=True)
class IndexedData:
    """What the index says of a data set under one split rule: enough to make every key.

    What has a default is in no key. ``duplicates`` counts pictures that lie in more than one split, pixel by pixel;
    ``groups``, ``pictures`` (digests of images), ``images`` and ``marked`` (how many there are, and how many show a
    defect) are by split, and so are ``sizes`` (how many images are of a height and width); ``remarks`` hold of all
    images, ``split_remarks`` of this split only.
    """

    fingerprint: str
    split: str
    channels: int
    dtype: str
    classes: int
    duplicates: int = 0
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    pictures: Mapping[str, frozenset[str]] = field(default_factory=dict)
    images: Mapping[str, int] = field(default_factory=dict)
    marked: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, Mapping[tuple[int, int], int]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    split_remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unseeded:
    """The stages of a cell but for its seed: cells that differ in nothing else share all of it.

    ``crops`` and ``train`` are the facts of these stages without the seed, ``predict`` and ``score`` all of theirs.
    """

    images: Stage
    tiles: Stage
    crops: Mapping[str, JsonValue]
    train: Mapping[str, JsonValue]
    predict: Mapping[str, JsonValue]
    score: Mapping[str, JsonValue]
    draws: bool

    def learning(self, seed: int, pretraining: Stage | None = None) -> tuple[Stage, Stage, Stage]:
        """The stages that give a cell's weights: tiles, crops, train. Without epochs no crops are needed."""
        crops = stage("crops", {**self.crops, "seed": seed})
        needs = {"tiles": self.tiles.key}
        if self.draws:
            needs["crops"] = crops.key
        if pretraining:
            needs["pretrain"] = pretraining.key
        return self.tiles, crops, stage("train", {**self.train, "seed": seed}, needs)

    def chain(self, seed: int, pretraining: Stage | None = None) -> tuple[Stage, ...]:
        """The stages of a cell in the order they run: tiles, crops, train, predict, score.

        ``pretraining`` is the ``train`` stage of its pretraining run, the last of :meth:`learning` of that run.
        """
        learning = self.learning(seed, pretraining)
        predict = stage("predict", self.predict, {"train": learning[-1].key})
        return (*learning, predict, stage("score", self.score, {"predict": predict.key}))


@dataclass(slots=True)
class Graph:
    """Makes the stages of cells; what components are and give is asked once."""

    catalog: Catalog
    _used: dict[tuple[str, str, str], JsonValue] = field(default_factory=dict)
    _formats: dict[tuple[Any, ...], tuple[Format, Format | None]] = field(default_factory=dict)

    def chain(self, cell: Cell, data: IndexedData, pretraining: Stage | None = None) -> tuple[Stage, ...]:
        """The stages of a cell, as :meth:`Unseeded.chain` has them."""
        return self.unseeded(cell, data).chain(cell.seed, pretraining)

    def learning(self, cell: Cell, data: IndexedData, pretraining: Stage | None = None) -> tuple[Stage, Stage, Stage]:
        """The stages that give a cell's weights, as :meth:`Unseeded.learning` has them."""
        return self.unseeded(cell, data).learning(cell.seed, pretraining)

    def unseeded(self, cell: Cell, data: IndexedData) -> Unseeded:
        """The stages of a cell but for its seed."""
        recipe, protocol = spent(cell), cell.protocol
        given = {"data": data.fingerprint, "split": data.split}
        preprocess = [self.used("preprocess", ref) for ref in cell.preprocess]
        tiles = stage("tiles", {**given, "preprocess": preprocess, "size": cell.crop_size})
        return Unseeded(
            images=images_stage(tiles),
            tiles=tiles,
            crops={
                **given,
                "preprocess": preprocess,
                "crop": self.used("crop", cell.crop),
                "size": cell.crop_size,
                "crops": bank_crops(cell),
            },
            train={
                "model": self.used("model", cell.model),
                "loss": self.used("loss", recipe.loss),
                "augment": [self.used("augment", ref) for ref in recipe.augment],
                "recipe": recipe.model_dump(mode="json", exclude={"loss", "augment", "bank", "equal", "standard_size"}),
                **_raised(recipe),
                "classes": protocol.classes,
                "task": list(self.task(cell, data)),
            },
            predict={
                "tiles": {
                    "size": protocol.tiles.size or cell.crop_size,
                    "overlap": protocol.tiles.overlap,
                    "blend": protocol.tiles.blend,
                },
                "precision": cell.recipe.precision,
                "threshold": protocol.threshold,
                "tolerance": protocol.tolerance,
            },
            score={"found": protocol.found},
            draws=recipe.epochs > 0,
        )

    def used(self, kind: str, ref: Ref) -> JsonValue:
        """Name, version and settings of a component; for a local file its content too."""
        identity = (kind, ref.use, digest(ref.settings))
        if identity not in self._used:
            offer = self.catalog.find(kind, ref.use)
            facts = {
                "use": self._name(kind, offer.component.name, ref.use),
                "version": offer.component.version,
                "settings": dict(ref.settings),
            }
            if offer.provider.local is not None:
                facts["source"] = offer.provider.source_hash
            self._used[identity] = facts
        return self._used[identity]

    def _name(self, kind: str, name: str, asked: str) -> str:
        """The component's own name; where several packages offer it, with the package that was asked for."""
        return name if sum(offer.component.name == name for offer in self.catalog.offers(kind)) == 1 else asked

    def task(self, cell: Cell, data: IndexedData) -> tuple[int, int]:
        """Channels in and classes out of a cell's model."""
        return self.formats(cell, data)[0].channels, 1 if cell.protocol.classes == "union" else data.classes

    def formats(self, cell: Cell, data: IndexedData) -> tuple[Format, Format | None]:
        """What preprocessed images are, and their guides where these are not the images: found on a black image."""
        identity = (data.channels, data.dtype, digest([[ref.use, dict(ref.settings)] for ref in cell.preprocess]))
        if identity not in self._formats:
            image = guide = np.zeros((32, 32, data.channels), data.dtype)
            for ref in cell.preprocess:
                step = build(self.catalog.find("preprocess", ref.use).component, settings=ref.settings)
                image, guide = guarded(f"preprocess {ref.use!r}", advanced, step, image, guide, "black")
            self._formats[identity] = format_of(image), None if guide is image else format_of(guide)
        return self._formats[identity]

    def unlike(self, source: Cell, source_data: IndexedData, cell: Cell, data: IndexedData) -> str | None:
        """Why the weights of a pretraining run do not fit a cell, or None."""
        theirs, own = self.formats(source, source_data)[0], self.formats(cell, data)[0]
        where = f"pretraining on {source.dataset.use}"
        if theirs.channels != own.channels:
            return (
                f"{where} is on images of {plural(theirs.channels, 'channel')}, this cell's have {own.channels}; "
                "give both the same with the preprocessing 'channels'"
            )
        if theirs.dtype != own.dtype:
            return (
                f"{where} is on {theirs.dtype} images, this cell's are {own.dtype}: one normalisation cannot fit both"
            )
        classes, own_classes = (self.task(*pair)[1] for pair in ((source, source_data), (cell, data)))
        if classes != own_classes:
            return (
                f"{where} has {plural(classes, 'class', 'classes')}, this cell {own_classes}; "
                "only 'classes: union' transfers between them"
            )
        return None

    def refusal(self, cell: Cell, data: IndexedData) -> str | None:
        """Why the model cannot do this task, or None."""
        component: Component[Any] = self.catalog.find("model", cell.model.use).component
        return why_not(component, Task(*self.task(cell, data)), settings=cell.model.settings)


def spent(cell: Cell) -> Recipe:
    """The recipe as it is carried out: with equal pixels, as many crops of this size as fill those of the standard."""
    recipe = cell.recipe
    if recipe.equal == "crops":
        return recipe
    crops = max(1, round(recipe.epoch_crops * (recipe.standard_size / cell.crop_size) ** 2))
    return recipe.model_copy(update={"epoch_crops": crops, "equal": "crops"})


def budget_crops(cell: Cell) -> int:
    """Crops that a cell is trained on, each counted as often as it is seen."""
    return cell.recipe.epochs * spent(cell).epoch_crops


def _raised(recipe: Recipe) -> dict[str, JsonValue]:
    """Versions of optimiser and schedule that were raised since their first."""
    versions = {
        "optimiser": OPTIMISERS[recipe.optimiser.use].version,
        "schedule": SCHEDULES[recipe.schedule.use].version,
    }
    raised = {part: version for part, version in versions.items() if version > 1}
    return {"versions": raised} if raised else {}


def bank_crops(cell: Cell) -> int:
    """Distinct crops stored for a cell: the whole budget, or the bank's limit when that is smaller."""
    budget = budget_crops(cell)
    limit = cell.recipe.bank.crops
    return budget if limit is None else min(budget, limit)


ALLOWANCE = 2_000_000_000
"""Bytes of a bank that ``runtime.delivery: auto`` stores; larger draws are kept as positions in the image store."""


def stores_bank(delivery: str, nbytes: int) -> bool:
    """Whether a draw whose pixels are so many bytes is stored as a bank."""
    return delivery == "crops" or (delivery == "auto" and nbytes <= ALLOWANCE)


def reuse(cell: Cell) -> float | None:
    """How often each stored crop is seen in training; None where nothing is trained."""
    if not cell.recipe.epochs:
        return None
    return budget_crops(cell) / bank_crops(cell)


def locator(name: str, settings: Mapping[str, JsonValue], version: int, source: str, root: str) -> str:
    """Name of a data set's index file: what was read, and where from. Never part of a key."""
    return digest({"dataset": name, "settings": settings, "version": version, "source": source, "root": root})


def as_json(stages: Sequence[Stage]) -> list[dict[str, JsonValue]]:
    """Stages as they cross to a worker."""
    return [{"kind": s.kind, "facts": s.facts, "needs": s.needs, "key": s.key} for s in stages]


def from_json(values: Sequence[Mapping[str, Any]]) -> tuple[Stage, ...]:
    """The inverse of :func:`as_json`."""
    return tuple(Stage(v["kind"], v["facts"], v["needs"], v["key"]) for v in values)
