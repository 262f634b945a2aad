"""Cells: every point of the cross product with every setting filled in, and its id.

The id is the digest of what was asked, ``{axes, recipe, protocol}``, and of nothing else. Labels, data folders, the
board and the run time are not in it, and a file named by the protocol enters by its content.

Order of cells: the axes ``dataset, pretrain, preprocess, crop, crop_size, model``, then dotted paths as written, then
tuned paths as written, then ``seed``; the last one runs fastest. Axes that advance together stand where the first of
them would. Included cells come last, as written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import product
from typing import Any, TypeVar

from bench.canonical import DIGEST_BYTES, canonical
from bench.suite.schema import Pretrain, Protocol, Recipe, Ref, Strict
from bench.types import JsonValue

AXES = ("dataset", "pretrain", "preprocess", "crop", "crop_size", "model", "seed")
"""Axes of every suite, in order; dotted paths stand between model and seed."""

COMPONENTS = ("loss", "optimiser", "schedule")
"""Fields of the recipe that hold one component each."""

M = TypeVar("M", bound=Strict)


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of the cross product.

    ``labels`` maps every axis to what the eye sees; ``tuned`` holds the values of tuned recipe paths.
    ``excluded`` and ``skipped`` say why the cell is not run: the suite's reason, or a component's own.
    """

    id: str
    dataset: Ref
    pretrain: Pretrain | None
    preprocess: tuple[Ref, ...]
    crop: Ref
    crop_size: int
    model: Ref
    seed: int
    recipe: Recipe
    protocol: Protocol
    labels: Mapping[str, str]
    tuned: Mapping[str, JsonValue]
    excluded: str | None = None
    skipped: str | None = None
    included: bool = False

    @property
    def runs(self) -> bool:
        """Whether the cell is to be run."""
        return self.excluded is None and self.skipped is None


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an axis: a ``Ref``, a chain of them, a ``Pretrain`` or None, a number, or the JSON of a dotted path.

    ``asked`` is its canonical JSON without labels: two values are equal when that is.
    """

    value: Any
    label: str
    asked: bytes


Point = Mapping[str, Value]
"""Axis to value."""


def labels_of(point: Point) -> dict[str, str]:
    """What the eye sees of each axis."""
    return {axis: value.label for axis, value in point.items()}


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Cells whose values are all among these (canonical JSON by axis) are not run."""

    values: Mapping[str, frozenset[bytes]]
    reason: str

    def matches(self, point: Point) -> bool:
        """Whether every axis named here has one of the values named here."""
        return all(axis in point and point[axis].asked in values for axis, values in self.values.items())


@dataclass(frozen=True, slots=True)
class Extra:
    """One included cell; ``where`` is the place in the suite."""

    point: Point
    where: str


@dataclass(frozen=True, slots=True)
class Grid:
    """All that is asked: blocks of rows to be crossed, exclusions, extras, and what all cells share.

    ``tuned`` are the tuned paths. ``why_not(cell)`` gives a component's reason against a cell, or None; cells
    that differ in data set, model or seed only are asked once.
    """

    blocks: Sequence[Sequence[Point]]
    exclusions: Sequence[Exclusion]
    extras: Sequence[Extra]
    recipe: Recipe
    protocol: Protocol
    tuned: tuple[str, ...]
    why_not: Callable[[Cell], str | None]


def asked(cell: Cell) -> dict[str, JsonValue]:
    """What the id is made of, as plain JSON: no label, no path."""
    return {
        "axes": {
            "dataset": cell.dataset.asked,
            "pretrain": asked_pretrain(cell.pretrain),
            "preprocess": [step.asked for step in cell.preprocess],
            "crop": cell.crop.asked,
            "crop_size": cell.crop_size,
            "model": cell.model.asked,
            "seed": cell.seed,
        },
        "recipe": asked_section(cell.recipe),
        "protocol": asked_section(cell.protocol),
    }


def asked_pretrain(pretrain: Pretrain | None) -> JsonValue:
    """A pretraining run as the id sees it."""
    if pretrain is None:
        return None
    return {
        "dataset": pretrain.dataset.asked,
        "preprocess": None if pretrain.preprocess is None else [step.asked for step in pretrain.preprocess],
        "crop": pretrain.crop and pretrain.crop.asked,
        "recipe": asked_section(pretrain.recipe),
        "split": asked_section(Protocol(split=pretrain.split))["split"],
    }


def source_of(cell: Cell) -> Cell | None:
    """The run that a cell's first weights come from, as a cell of its own; its id is that of no other cell.

    It is an ordinary one: a suite that names it among its cells shares its ``train`` stage.
    """
    pretrain = cell.pretrain
    if pretrain is None:
        return None
    return replace(
        cell,
        id=f"{cell.id} pretrain",
        dataset=pretrain.dataset,
        pretrain=None,
        preprocess=cell.preprocess if pretrain.preprocess is None else pretrain.preprocess,
        crop=pretrain.crop or cell.crop,
        recipe=pretrain.recipe,
        protocol=Protocol(split=pretrain.split, classes=cell.protocol.classes),
    )


def combination_of(cell: Cell) -> tuple[int, ...]:
    """Equal for cells of one suite that differ in their seed alone.

    Cells share their parts, so that equal ones are told by identity; parts that are equal but not shared are told
    apart, which costs time and nothing else. It means nothing once the cells are gone.
    """
    shared = (cell.dataset, cell.pretrain, cell.preprocess, cell.crop, cell.model, cell.recipe, cell.protocol)
    return (cell.crop_size, *map(id, shared))


def asked_section(section: Recipe | Protocol) -> dict[str, JsonValue]:
    """A recipe or protocol as the id sees it: components without labels, a split file by its digest."""
    tree: dict[str, JsonValue] = json.loads(section.model_dump_json())
    if isinstance(section, Recipe):
        tree |= {part: getattr(section, part).asked for part in COMPONENTS}
        tree["augment"] = [step.asked for step in section.augment]
    elif isinstance(tree["split"], dict):
        tree["split"].pop("file", None)
    return tree


def with_values(section: M, values: Mapping[str, JsonValue]) -> M:
    """The section with the settings at dotted paths (``recipe.bank.crops``) replaced by valid values."""
    tree: dict[str, JsonValue] = json.loads(section.model_dump_json())
    for path, value in values.items():
        _, *above, last = path.split(".")
        inner = tree
        for step in above:
            inner = inner[step]
        inner[last] = value
    return type(section).model_validate_json(canonical(tree)) if values else section


def expand(grid: Grid) -> tuple[tuple[Cell, ...], tuple[str, ...]]:
    """All cells in order, and notes; linear in the number of cells.

    An included cell that the cross product has already is run once, no exclude touches it, and a note says so.
    """
    maker = _Maker(grid)
    cells = {cell.id: cell for cell in maker.crossed()}
    notes = []
    for extra in grid.extras:
        cell = maker.cell(extra.point, excluded=None, included=True)
        if cell.id in cells:
            notes.append(
                f"{extra.where}: this cell is in the cross product too; it runs once and no exclude touches it."
            )
            cell = replace(cells[cell.id], excluded=None, included=True)
        cells[cell.id] = cell
    return tuple(cells.values()), tuple(notes)


@dataclass(frozen=True)
class _Maker:
    """Makes cells; sections and reasons that cells share are made once and kept for the length of one expansion."""

    grid: Grid
    sections: dict[tuple[tuple[str, bytes], ...], tuple[Recipe, Protocol, bytes]] = field(default_factory=dict)
    reasons: dict[tuple[bytes, ...], str | None] = field(default_factory=dict)

    def crossed(self) -> Iterable[Cell]:
        for rows in product(*self.grid.blocks):
            point: dict[str, Value] = {}
            for row in rows:
                point.update(row)
            reason = next((rule.reason for rule in self.grid.exclusions if rule.matches(point)), None)
            yield self.cell(point, excluded=reason, included=False)

    def cell(self, point: Point, *, excluded: str | None, included: bool) -> Cell:
        recipe, protocol, tail = self.shared(point)
        cell = Cell(
            id=blake2b(_head(point) + tail, digest_size=DIGEST_BYTES).hexdigest(),
            **{axis: point[axis].value for axis in AXES},
            recipe=recipe,
            protocol=protocol,
            labels=labels_of(point),
            tuned={path: point[path].value for path in self.grid.tuned if path in point},
            excluded=excluded,
            included=included,
        )
        reason = self.reason(cell, point, tail)
        return cell if reason is None else replace(cell, skipped=reason)

    def shared(self, point: Point) -> tuple[Recipe, Protocol, bytes]:
        """Recipe and protocol of a point, with the canonical JSON of both."""
        paths = [axis for axis in point if axis not in AXES]
        key = tuple((path, point[path].asked) for path in paths)
        if key not in self.sections:
            chosen: dict[str, dict[str, JsonValue]] = {"recipe": {}, "protocol": {}}
            for path in paths:
                chosen[path.partition(".")[0]][path] = point[path].value
            recipe = with_values(self.grid.recipe, chosen["recipe"])
            protocol = with_values(self.grid.protocol, chosen["protocol"])
            self.sections[key] = recipe, protocol, _tail(recipe, protocol)
        return self.sections[key]

    def reason(self, cell: Cell, point: Point, tail: bytes) -> str | None:
        key = (*(point[axis].asked for axis in ("pretrain", "preprocess", "crop", "crop_size")), tail)
        if key not in self.reasons:
            self.reasons[key] = self.grid.why_not(cell)
        return self.reasons[key]


def _head(point: Point) -> bytes:
    """``{"axes":{...}`` of the canonical JSON: keys in sorted order."""
    parts = (b'"%s":%s' % (axis.encode(), point[axis].asked) for axis in sorted(AXES))
    return b'{"axes":{' + b",".join(parts) + b"}"


def _tail(recipe: Recipe, protocol: Protocol) -> bytes:
    """The rest of the canonical JSON after the axes."""
    return b',"protocol":%s,"recipe":%s}' % (canonical(asked_section(protocol)), canonical(asked_section(recipe)))
