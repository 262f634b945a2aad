"""The contract of crop strategies: maps and weights on a miniature world, then the core's own draw."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from bench.component import Component, build
from bench.crops.draw import Draw, Frame, draw, fitted
from bench.crops.prepare import Source
from bench.crops.sampling import Plan, plan_crops, positions_of
from bench.errors import BenchError, DataError
from bench.testing.clauses import Breach, Sentences, built, in_turn, judged, kept, ran, said
from bench.testing.worlds import World, world
from bench.types import CropStrategy, FallingBack, Fitting
from bench.words import shown

SIZES = (32, 20)
CANVAS = 64
"""Holds every image of the miniature world whole: tried where a strategy refuses smaller sizes."""
KINDS = ((1, np.uint8), (3, np.uint8), (1, np.uint16))
CROPS = 64


@dataclass(frozen=True, slots=True)
class Ground:
    """A strategy built for one crop size, and the world it is tried on."""

    component: Component[Any]
    world: World
    size: int

    def frame(self, workers: int = 1) -> Frame:
        """The training images at this size."""
        return Frame(self.world.index(), Source(self.world), self.size, workers=workers)

    def built(self) -> Any:
        """A strategy of its own, with default settings."""
        return built(self.component, self.size)

    def ready(self) -> CropStrategy:
        """The same after it has seen the images, where it asks for that."""
        strategy = self.built()
        if not isinstance(strategy, Fitting) and not hasattr(strategy, "parts"):
            raise Breach(f"its builder returned {shown(strategy)}, which has no parts(): return a CropStrategy")
        ready: CropStrategy = judged("fitting it to the images", fitted, strategy, self.frame())
        if not hasattr(ready, "parts"):
            raise Breach(f"fit returned {shown(ready)}: it must return a CropStrategy")
        return ready

    def plan(self) -> Plan:
        """Parts, shares and image weights, checked as a draw checks them."""
        ready = self.ready()
        return judged("asking for its parts", plan_crops, ready, self.world.index(), CROPS, 0)


def breaches_of_crop(component: Component[Any]) -> list[str]:
    """Every clause on grey and colour images of 8 bits and grey ones of 16, at two crop sizes."""
    sizes = accepted_sizes(component)
    clauses = []
    for size, kind in product(sizes, KINDS):
        ground = Ground(component, world(*kind), size)
        clauses += [observing(ground), weighing(ground), placing(ground), drawing(ground)]
    clean = Ground(component, world(1, np.uint8, clean=True), sizes[0])
    return kept(in_turn(*clauses, without_defects(clean)))


def accepted_sizes(component: Component[Any]) -> tuple[int, ...]:
    """The sizes it is tried at: a strategy may refuse one for images of every kind, but not each of them."""
    taken = tuple(size for size in SIZES if not _refused(component, size))
    return taken or (SIZES if _refused(component, CANVAS) else (CANVAS,))


def _refused(component: Component[Any], size: int) -> bool:
    """Whether it answers with a DataError, for images of every kind, before any is decoded."""
    for kind in KINDS:
        try:
            plan_crops(build(component, size, settings={}), world(*kind).index(), CROPS, 0)
        except DataError:
            continue
        except (Exception, SystemExit):
            return False
        return False
    return True


def observing(ground: Ground) -> Sentences:
    """Rows of a strategy that is fitted have one shape, and depend on their image alone."""
    strategy = ground.built()
    if not isinstance(strategy, Fitting):
        return
    frame = ground.frame()
    seen = [frame.load(number) for number in range(len(frame.index.entries))]
    rows: list[Any] = [ran("observe", strategy.observe, each.guide, each.mask) for each in seen]
    shapes = list(dict.fromkeys(shown(row) for row in rows))
    if len(shapes) > 1 or not shapes[0].startswith("float64") or rows[0].ndim != 1:
        yield f"observe returned {' and '.join(shapes)}: it must be float64[M] with one M for all images, as rows add"
        return
    again = [strategy.observe(each.guide, each.mask) for each in reversed(seen)]
    if not all(map(np.array_equal, rows, reversed(again))):
        yield "observe returns another row for an image seen a second time: a row must depend on its image alone"


def weighing(ground: Ground) -> Sentences:
    """Shares and image weights are the same when asked again."""
    plan = ground.plan()
    index = ground.world.index()
    for part, weights in zip(plan.parts, plan.weights, strict=True):
        if not np.array_equal(part.images(index), weights):
            yield "images returns other weights for the same index the second time: weights must not be drawn"


def placing(ground: Ground) -> Sentences:
    """Maps are right for every image, the same when asked again, and nothing given to them is changed."""
    plan, frame = ground.plan(), ground.frame()
    for number in range(len(frame.index.entries)):
        prepared = frame.load(number)
        image, mask = prepared.guide.copy(), prepared.mask.copy()
        for part, asked in enumerate(plan.parts):
            where = f"positions of an image {shown(image)}"
            first = judged(where, positions_of, plan, part, image, mask, ground.size).copy()
            if not (np.array_equal(image, prepared.guide) and np.array_equal(mask, prepared.mask)):
                raise Breach("positions changes the image or the mask it is given: work on a copy")
            if not np.array_equal(first, asked.positions(image, mask)):
                yield "positions returns another map for the same image the second time: the core draws, not the part"
            if first.any() and isinstance(asked, FallingBack):
                answer: object = ran("falls_back", asked.falls_back, image, mask, first)
                if not isinstance(answer, bool | np.bool_):
                    yield f"falls_back returned {answer!r}: it must return True or False"


def drawing(ground: Ground) -> Sentences:
    """The core can draw with it, and gets the same crops with any number of threads."""
    alone = _draw(ground, 1)
    try:
        together = _draw(ground, 4)
    except Breach as breach:
        raise Breach(f"only when four threads draw: {breach}; keep nothing between calls") from breach
    if not (np.array_equal(alone.corner, together.corner) and np.array_equal(alone.source, together.source)):
        yield "four threads draw other crops than one: positions must not depend on what was asked before"


def _draw(ground: Ground, workers: int) -> Draw:
    plan, frame = ground.plan(), ground.frame(workers)
    return judged("drawing crops", draw, plan, frame, look_at=range(len(frame.index.entries)))


def without_defects(ground: Ground) -> Sentences:
    """Images without a single defect are drawn from or refused in a sentence."""
    try:
        frame = ground.frame()
        strategy = fitted(build(ground.component, ground.size, settings={}), frame)
        draw(plan_crops(strategy, frame.index, CROPS, 0), frame)
    except BenchError:
        return
    except (Exception, SystemExit) as error:
        yield f"drawing from images without a defect raises {said(error)}: draw, or raise a DataError"
