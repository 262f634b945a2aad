"""How far the data path and the training step of a cell are from what this machine can do.

The cell is that of a pilot (:mod:`bench.engine.few`): its own data set, preprocessing, crops, model and recipe,
on a few images and in a store that is thrown away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.crops.prepare import Format
from bench.crops.sampling import Int64
from bench.data.index import spread
from bench.engine.few import few_run
from bench.engine.forecast import Foreseer, chain_of
from bench.engine.invocation import Invocation
from bench.engine.measuring import Pilot, job_of, pilots_of
from bench.engine.plan import Plan
from bench.engine.rates import rates_of
from bench.perf.counts import Counts, counts_of
from bench.perf.peaks import ROUNDS, Roofline, Stage, in_turns
from bench.stages.cell_run import CellRun, finish
from bench.stages.crops import drawn, run_crops
from bench.stages.environment import device
from bench.stages.forms import stored
from bench.stages.images import run_images
from bench.stages.tiles import run_tiles
from bench.stages.train import starting_point
from bench.suite.schema import Recipe
from bench.train.delivery import Crops, empty_batch
from bench.train.loop import fit
from bench.train.pace import pace
from bench.types import Image, Mask

PARTS = ("data", "step")
DECODED, DRAWN, STEPS = 6, 256, 3
"""Images that are decoded, crops that are drawn, and steps between two readings of the clock."""


def rooflines(
    plan: Plan, invocation: Invocation, parts: Sequence[str], told: Callable[[str], None]
) -> Iterator[Roofline]:
    """Every distinct shape of work of a plan that is indexed; ``told`` hears the name of the next.

    Raises:
        BenchError: the data set cannot be read, or a component fails.
    """
    foreseer = Foreseer(plan, invocation.places, rates_of(invocation.places.home, plan.suite.runtime), 1)
    met: set[tuple[str, ...]] = set()
    chains = [chain_of(planned) for planned in plan.cells if planned.stages]
    for pilot in pilots_of(chains, foreseer):
        wanted = [part for part in parts if _shape(pilot, part) not in met and (part == "data" or _learns(pilot, plan))]
        met |= {_shape(pilot, part) for part in wanted}
        if not wanted:
            continue
        told(pilot.name)
        with TemporaryDirectory(prefix="bench-perf-") as place:
            whole = CellRun(job_of(pilot, Path(place) / "none", plan, invocation), invocation.catalog, _deaf)
            work = _Work(whole, Path(place))
            stages: list[Stage] = []
            for part in wanted:
                stages += work.data() if part == "data" else work.step()
        yield Roofline(pilot.name, stages)


def _shape(pilot: Pilot, part: str) -> tuple[str, ...]:
    """What a part depends on."""
    kinds = ("data", "crops") if part == "data" else ("learn",)
    return (part, *(pilot.keys[kind] for kind in kinds if kind in pilot.keys))


def _learns(pilot: Pilot, plan: Plan) -> bool:
    """Whether the model of a pilot takes steps."""
    return plan.catalog.find("model", pilot.chain.cell.model.use).component.learns


def _deaf(*_progress: object) -> None:
    """Progress is told by nobody."""


@dataclass(frozen=True)
class Constant:
    """Crops that are one batch over and over: a step on them has no data to wait for."""

    crops: Crops
    kept: dict[int, tuple[Image, Mask]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.crops)

    @property
    def size(self) -> int:
        """Side of a crop."""
        return self.crops.size

    @property
    def format(self) -> Format:
        """Channels and pixel type."""
        return self.crops.format

    def read(self, rows: Int64, image_out: Image, mask_out: Mask) -> None:
        """Copy the one batch of this length."""
        if len(rows) not in self.kept:
            self.crops.read(rows, image_out, mask_out)
            self.kept[len(rows)] = image_out.copy(), mask_out.copy()
        else:
            image_out[...], mask_out[...] = self.kept[len(rows)]


@dataclass(frozen=True)
class _Work:
    """The parts of one cell, on a few of its images in a store of its own."""

    whole: CellRun
    place: Path

    def data(self) -> list[Stage]:
        """Decoding, preprocessing, drawing and cutting, each beside what it cannot beat."""
        run = self._few("data")
        crops = drawn(run)
        entries = spread(self.whole.images("train").entries, DECODED)
        ids = [entry.id for entry in entries]
        decoded = sum(entry.height * entry.width for entry in entries) / 1e6
        searched = sum(entry.height * entry.width for entry in run.images("train").entries) / 1e6
        rows = np.arange(len(crops)).reshape(-1, self.recipe.batch) % len(crops)
        images, masks = empty_batch(crops, self.recipe.batch)
        redrawn = self.place / "again"
        redrawn.mkdir()
        taken, peaks = in_turns(
            {
                "decode": lambda: deque(map(self.whole.dataset.load, ids), maxlen=0),
                "prepare": lambda: deque(map(self.whole.decoded.prepared, ids), maxlen=0),
                "draw": lambda: run_crops(run, run.stages["crops"], redrawn),
                "cut": lambda: [crops.read(batch, images, masks) for batch in rows],
            },
            device(run.threads),
        )
        pixel = crops.format.channels * crops.format.itemsize + 1
        copied_mp = peaks.copied / pixel / 1e6
        decoding = decoded / taken["decode"]
        copied_crops = peaks.copied / (pixel * crops.size**2)
        return [
            Stage("decode", decoding, copied_mp, "MP/s", "copying the pixels"),
            Stage("decode and preprocess", decoded / taken["prepare"], decoding, "MP/s", "decoding alone"),
            Stage("draw and store", searched / taken["draw"], copied_mp, "MP/s", "copying the pixels"),
            Stage("cut", rows.size / taken["cut"], copied_crops, "crops/s", "copying the crops"),
        ]

    def step(self) -> list[Stage]:
        """The step on one constant batch beside the roofline, and the step with its data beside that."""
        run = self._few("step")
        crops, where = drawn(run), device(run.threads)
        constant = Constant(crops)
        bare, fed = [], []
        for _ in range(ROUNDS):
            bare.append(_step_s(run, constant, self.recipe))
            fed.append(_step_s(run, crops, self.recipe))
        counts = _counts(run, constant, self.recipe)
        _, peaks = in_turns({}, where, self.recipe.precision)
        by_operations, by_bytes = counts.operations / peaks.operations, counts.bytes / (2 * peaks.copied)
        bound = "products" if by_operations > by_bytes else "bytes that its operations touch"
        bare_s = float(np.median(bare))
        share = float(np.median(np.array(bare) / np.array(fed)))
        return [
            Stage("step on one batch", 1 / bare_s, 1 / max(by_operations, by_bytes), "steps/s", bound),
            Stage("step with its data", share / bare_s, 1 / bare_s, "steps/s", "the step on one batch"),
        ]

    @property
    def recipe(self) -> Recipe:
        """That of the cell."""
        return Recipe.model_validate(self.whole.stages["train"].facts["recipe"], strict=False)

    def _few(self, name: str) -> CellRun:
        """The cell on a few images, with its crops drawn."""
        drawing = {"crops": max(DRAWN, self.recipe.batch) // self.recipe.batch * self.recipe.batch}
        run = few_run(self.whole, self.place / name, {"crops": drawing})
        for kind, step in (("images", run_images), ("tiles", run_tiles)):
            finish(run, kind, step)
        return run


def _fitted(run: CellRun, crops: Crops, recipe: Recipe, steps: int) -> list[Mapping[str, Any]]:
    """The events of a training of two epochs of so many steps, validated at its end."""
    stage = run.stages["train"]
    tiles = stored(run, "tiles")
    model, constants = starting_point(run, stage, tiles)
    short = {"epochs": 2, "epoch_crops": steps * recipe.batch, "validate_every": 2, "budget": "fixed"}
    events: list[Mapping[str, Any]] = []
    fit(
        model=model,
        crops=crops,
        tiles=tiles,
        constants=constants,
        recipe=recipe.model_copy(update=short),
        loss=run.built("loss", stage.facts["loss"]),
        augment=[run.built("augment", used) for used in stage.facts["augment"]],
        task=run.task,
        seed=stage.facts["seed"],
        device=device(run.threads),
        progress=events.append,
    )
    return events


def _step_s(run: CellRun, crops: Crops, recipe: Recipe) -> float:
    """Mean seconds of the steps of the second epoch."""
    seconds = pace(_fitted(run, crops, recipe, STEPS)).step_s
    assert seconds is not None, "a model that learns takes steps"
    return seconds


def _counts(run: CellRun, crops: Crops, recipe: Recipe) -> Counts:
    """Of one step: what two trainings differ by that differ by two steps."""
    one = counts_of(lambda: _fitted(run, crops, recipe, 1))
    two = counts_of(lambda: _fitted(run, crops, recipe, 2))
    return Counts((two.operations - one.operations) // 2, (two.bytes - one.bytes) // 2)
