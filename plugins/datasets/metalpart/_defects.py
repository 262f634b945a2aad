"""Defects as small deviations of height, defined on the part and not in the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bench_plugins.datasets.metalpart._body import Flange, Generator, Shaft, Surface, draw
from bench_plugins.datasets.metalpart._frozen import Frozen

from bench.api import Float64, Mask

CLASSES = ("scratch", "dent", "pit")
SCRATCH, DENT, PIT = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Defect:
    """One deviation in chart coordinates; ``length`` and ``width`` are half axes, or a groove's length and sigma."""

    kind: int
    a: float
    b: float
    angle: float
    length: float
    width: float
    depth: float


def defects(body: Shaft | Flange, rng: Generator, frozen: Frozen) -> tuple[Defect, ...]:
    """Draw defects until their nominal area is reached."""
    budget, found = draw(rng, frozen.defect_area), list[Defect]()
    while budget > 0.0:
        kind = int(rng.choice([SCRATCH, DENT, PIT], p=frozen.class_shares))
        drawn = _DRAWN[kind](*place(body, rng), body, rng, frozen)
        budget -= sum(_nominal_area(defect) for defect in drawn)
        found += drawn
    return tuple(found)


def deviation(seen: Surface, defects: tuple[Defect, ...], least: float) -> tuple[Float64, Mask]:
    """Height that the defects add, ``float64[h, w]``, and the class of every visibly deviating pixel."""
    total = np.zeros_like(seen.height)
    largest = np.zeros_like(seen.height)
    mask = np.zeros(total.shape, np.uint8)
    reachable = seen.inside & ~seen.hollow
    for defect in defects:
        span = 1.2 * max(defect.length, 4.0 * defect.width) + 2.0
        near = reachable & (np.abs(seen.a - defect.a) < span) & (np.abs(seen.b - defect.b) < span)
        added = groove(defect, seen.a[near], seen.b[near]) * seen.facing[near]
        total[near] += added
        wins = np.abs(added) > np.maximum(largest[near], least)
        mask[near] = np.where(wins, defect.kind, mask[near])
        largest[near] = np.maximum(largest[near], np.abs(added))
    return total, mask


def without_specks(mask: Mask, least: float) -> Mask:
    """Clear components of one class (8-neighbour) of fewer than ``least`` pixels: nobody would annotate them."""
    import cv2

    kept = np.zeros_like(mask)
    for kind in range(1, len(CLASSES) + 1):
        _, labels, stats, _ = cv2.connectedComponentsWithStats((mask == kind).astype(np.uint8), connectivity=8)
        large = stats[:, cv2.CC_STAT_AREA] >= least
        large[0] = False
        kept[large[labels]] = kind
    return kept


def place(body: Shaft | Flange, rng: Generator) -> tuple[float, float]:
    """A chart position on the part of the surface that every viewpoint can see, uniform in area."""
    if isinstance(body, Shaft):
        b = rng.uniform(body.along[0] + 8.0, body.along[-1] - 8.0)
        angle = np.deg2rad(rng.uniform(-45.0, 45.0))
        return float(np.interp(b, body.along, body.level) * angle), b
    radius = np.sqrt(rng.uniform((body.along[0] + 6.0) ** 2, (body.along[-1] - 6.0) ** 2))
    angle = rng.uniform(0.0, 2.0 * np.pi)
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))


def _scratches(a: float, b: float, body: Shaft | Flange, rng: Generator, frozen: Frozen) -> list[Defect]:
    """One to three parallel grooves, at a distance like that of thread crests."""
    angle = _off_the_lay(a, b, body, rng, np.deg2rad(frozen.scratch_turn))
    length = draw(rng, frozen.scratch_length)
    spacing = rng.uniform(6.0, 12.0)
    return [
        Defect(
            SCRATCH,
            a - i * spacing * np.sin(angle),
            b + i * spacing * np.cos(angle),
            angle + rng.normal(0.0, 0.05),
            length * rng.uniform(0.6, 1.0),
            draw(rng, frozen.scratch_width),
            draw(rng, frozen.scratch_depth),
        )
        for i in range(int(rng.integers(*frozen.scratch_grooves)))
    ]


def _off_the_lay(a: float, b: float, body: Shaft | Flange, rng: Generator, turn: float) -> float:
    """A direction on the chart at least ``turn`` away from that of the tool marks; any where that is 0."""
    angle = rng.uniform(turn, np.pi - turn)
    if not turn or isinstance(body, Shaft):
        return float(angle)
    return float(np.arctan2(b, a) + np.pi / 2.0 + angle)


def _dents(a: float, b: float, _: Shaft | Flange, rng: Generator, frozen: Frozen) -> list[Defect]:
    radius = draw(rng, frozen.dent_radius)
    shape = (radius, radius * rng.uniform(0.6, 1.0))
    return [Defect(DENT, a, b, rng.uniform(0.0, np.pi), *shape, draw(rng, frozen.dent_depth))]


def _pits(a: float, b: float, _: Shaft | Flange, rng: Generator, frozen: Frozen) -> list[Defect]:
    """A cluster of one to four small craters."""
    return [
        Defect(
            PIT,
            a + rng.normal(0.0, 6.0),
            b + rng.normal(0.0, 6.0),
            rng.uniform(0.0, np.pi),
            (radius := draw(rng, frozen.pit_radius)),
            radius * rng.uniform(0.7, 1.0),
            draw(rng, frozen.pit_depth),
        )
        for _ in range(int(rng.integers(1, 5)))
    ]


_DRAWN = {SCRATCH: _scratches, DENT: _dents, PIT: _pits}


def _nominal_area(defect: Defect) -> float:
    return (4.0 if defect.kind == SCRATCH else 3.1) * defect.length * defect.width


def groove(defect: Defect, a: Float64, b: Float64) -> Float64:
    """Height added by one defect at chart positions: a groove with burrs, a dent with a lip, a crater."""
    cosine, sine = np.cos(defect.angle), np.sin(defect.angle)
    right, down = a - defect.a, b - defect.b
    along = (cosine * right + sine * down) / defect.length
    across = (cosine * down - sine * right) / defect.width
    square = across**2
    rho = along**2 + square
    if defect.kind == SCRATCH:
        ends = 1.0 / (1.0 + (2.0 * along) ** 8)
        height = -defect.depth * (1.0 - 0.35 * square) * np.exp(-0.5 * square) * ends
    elif defect.kind == DENT:
        height = -defect.depth * (1.0 - 0.7 * rho) * np.exp(-1.2 * rho)
    else:
        height = -defect.depth * np.exp(-rho * rho)
    return np.asarray(height)
