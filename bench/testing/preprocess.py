"""The contract of preprocessing: a function of the image alone that keeps the pixel grid."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from bench.component import Component
from bench.crops.prepare import apply
from bench.errors import BenchError
from bench.testing.clauses import Breach, Sentences, function_of, in_turn, judged, kept, ran
from bench.testing.worlds import world
from bench.types import Image
from bench.words import shown

KINDS = ((1, np.uint8), (3, np.uint8), (1, np.uint16), (3, np.uint16))
Step = Callable[[Image], Image]
Clause = Callable[[Step, list[Image]], Sentences]
SHIFT = 1.5
"""Pixels by which the middle of a change may seem to move, for filters that spread it unevenly."""


def breaches_of_preprocess(component: Component[Any]) -> list[str]:
    """Every clause on grey and colour images of 8 and of 16 bits; black and white ones among them.

    A kind of image may be refused with an error of bench's, but not all of them.
    """
    clauses: tuple[Clause, ...] = (mapping, partial(repeating, component), staying)
    cases = product(KINDS, clauses)
    return kept(in_turn(taking(component), *(_on_kind(component, kind, clause) for kind, clause in cases)))


_built = partial(function_of, signature="image -> image")


def _images(channels: int, dtype: Any) -> list[Image]:
    """Those of the miniature world after a dim one and before a white one."""
    images = list(world(channels, dtype).images)
    return [images[0] // 4, *images, np.full_like(images[0], np.iinfo(dtype).max)]


def taking(component: Component[Any]) -> Sentences:
    """It takes at least one kind of image."""
    step = _built(component)
    refusals = [_refusal(step, _images(*kind)) for kind in KINDS]
    if all(refusals):
        yield f"it refuses grey and colour images of 8 and 16 bits alike: {refusals[0]}"


def _refusal(step: Step, images: list[Image]) -> str | None:
    """The sentence in which a kind of image is refused; what else is raised is another clause's business."""
    try:
        step(images[0].copy())
    except BenchError as error:
        return str(error)
    except (Exception, SystemExit):
        return None
    return None


def _on_kind(component: Component[Any], kind: tuple[int, Any], clause: Clause) -> Sentences:
    """A clause on images of a kind that is not refused, with a step of its own."""
    step, images = _built(component), _images(*kind)
    if _refusal(step, images) is None:
        yield from clause(step, images)


def mapping(step: Step, images: list[Image]) -> Sentences:
    """The grid is kept, the input is not changed, and all images of a kind come out as one kind."""
    kinds: dict[str, Image] = {}
    for image in images:
        given = image.copy()
        after = judged(f"an image {shown(image)}", apply, step, given, shown(given))
        if not np.array_equal(given, image):
            raise Breach(f"it changes the image it is given ({shown(image)}): work on a copy")
        kinds.setdefault(f"{after.shape[2]} x {after.dtype}", image)
    if len(kinds) > 1:
        yield f"images {shown(images[0])} and the like become {' and '.join(kinds)}: all must become of one kind"


def staying(step: Step, images: list[Image]) -> Sentences:
    """What changes in one place of an image changes in the same place of the result, or masks would not fit it."""
    image = images[1]
    height, width, _ = image.shape
    block = np.s_[height // 8 : height // 8 + height // 5, width // 2 : width // 2 + width // 4]
    dark, bright = image.copy(), image.copy()
    dark[block], bright[block] = 0, np.iinfo(image.dtype).max
    moved = np.abs(step(bright).astype(np.float64) - step(dark)).sum(axis=2)
    strong = moved > moved.max() / 2
    if not strong.any():
        return
    found = np.argwhere(strong).mean(axis=0)
    middle = [(part.start + part.stop - 1) / 2 for part in block]
    if np.abs(found - middle).max() > SHIFT:
        yield (
            f"a change around row {middle[0]:.0f}, column {middle[1]:.0f} of an image {shown(image)} appears around "
            f"row {found[0]:.0f}, column {found[1]:.0f} of the result: pixels must stay where they are, as masks do"
        )


def repeating(component: Component[Any], step: Step, images: list[Image]) -> Sentences:
    """Equal images give equal results: later, built anew, and on several threads."""
    first = [ran(f"an image {shown(image)}", step, image.copy()).copy() for image in images]
    again = [step(image.copy()) for image in reversed(images)]
    if not all(map(np.array_equal, first, reversed(again))):
        raise Breach("it gives another result for the same image the second time: it must be deterministic")
    anew = _built(component)
    if not all(map(np.array_equal, first, [anew(image.copy()) for image in images])):
        raise Breach("it gives another result when it is built anew: it must be deterministic")
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(step, [image.copy() for image in images * 4])
    if not all(map(np.array_equal, first * 4, together)):
        yield "it gives another result on several threads than on one: keep nothing between calls"
