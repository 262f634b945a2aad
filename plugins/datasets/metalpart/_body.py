"""Machined bodies as height fields: turned shafts seen from the side, flanges seen along their axis.

A body is drawn once; a pose places it in the image; ``surface`` evaluates the height of every pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from bench_plugins.datasets.metalpart._frozen import Frozen, Range

from bench.api import Bool, Float64, Mask

Generator: TypeAlias = np.random.Generator
Region: TypeAlias = Mask

BACKGROUND, PLAIN, EDGE, THREAD = range(4)
HOLE_DEPTH = 30.0


@dataclass(frozen=True, slots=True)
class Thread:
    """A helical ridge between two positions along the profile; ``hand`` is 1 or -1."""

    start: float
    stop: float
    pitch: float
    flank: float
    hand: int


@dataclass(frozen=True, slots=True)
class Hole:
    """A countersunk blind hole at a point of the chart."""

    a: float
    b: float
    radius: float
    chamfer: float


@dataclass(frozen=True, slots=True)
class Flat:
    """A plane milled on a shaft between two axial positions, at an angle around the axis."""

    start: float
    stop: float
    angle: float
    distance: float


@dataclass(frozen=True, slots=True)
class Teeth:
    """Radial dogs on the face of a flange, between two radii."""

    count: int
    start: float
    stop: float
    rise: float


@dataclass(frozen=True, slots=True)
class Body:
    """A body of revolution: ``level`` is a polyline over ``along``, and ``edges`` are spans there, ``[n, 2]``."""

    along: Float64
    level: Float64
    edges: Float64
    threads: tuple[Thread, ...]
    holes: tuple[Hole, ...]
    reach: float


@dataclass(frozen=True, slots=True)
class Shaft(Body):
    """Its axis lies in the image plane; the profile is the radius over the axis."""

    flats: tuple[Flat, ...]


@dataclass(frozen=True, slots=True)
class Flange(Body):
    """Seen along its axis; the profile is the height over the radius."""

    teeth: Teeth | None


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the body lies in the image: rotation in its plane, centre, and roll of a shaft around its axis."""

    rotation: float
    centre: tuple[float, float]
    roll: float


@dataclass(frozen=True, slots=True)
class Surface:
    """The visible surface on a window of the image, arrays ``[h, w]``, lengths in units.

    ``a`` and ``b`` are coordinates on the part: arc length and axis of a shaft, the face of a flange.
    ``facing`` is the cosine between the smooth body and the camera, ``hollow`` the inside of holes, ``feed``
    the position of the cutting tool and ``lay`` the image direction in which it moved, across the tool marks.
    """

    height: Float64
    inside: Bool
    hollow: Bool
    region: Region
    a: Float64
    b: Float64
    facing: Float64
    feed: Float64
    lay: tuple[Float64, Float64]


def surface(body: Shaft | Flange, pose: Pose, x: Float64, y: Float64) -> Surface:
    """Evaluate the body without defects at image positions ``x[w]``, ``y[h]`` in units."""
    cosine, sine = np.cos(pose.rotation), np.sin(pose.rotation)
    dx, dy = np.meshgrid(x - pose.centre[0], y - pose.centre[1])
    u, v = cosine * dx + sine * dy, cosine * dy - sine * dx
    if isinstance(body, Shaft):
        return _shaft_surface(body, pose.roll, u, v, (np.full_like(u, -sine), np.full_like(u, cosine)))
    return _flange_surface(body, u, v, (dx, dy))


def draw(rng: Generator, ends: Range) -> float:
    """One number of a uniform distribution."""
    return float(rng.uniform(*ends))


def _smooth(x: Float64) -> Float64:
    """The cubic step: 0 below 0, 1 above 1."""
    clipped = np.clip(x, 0.0, 1.0)
    return clipped * clipped * (3.0 - 2.0 * clipped)


def _within(x: Float64, start: float, stop: float) -> Bool:
    return (x > start) & (x < stop)


def shaft(rng: Generator, frozen: Frozen) -> Shaft:
    """Three to five cylinders in a row, scaled to the wanted silhouette; at least one carries a thread."""
    count = int(rng.integers(3, 6))
    kinds = rng.permutation(["thread", "plain", "hex", "plain", "thread"][:count]).tolist()
    lengths = rng.uniform(0.6, 1.4, count)
    lengths *= rng.uniform(250.0, 345.0) / lengths.sum()
    radii = rng.uniform(0.7, 1.3, count)
    radii *= draw(rng, frozen.object_area) / (2.0 * (lengths * radii).sum())
    bounds = np.concatenate([[0.0], np.cumsum(lengths)]) - lengths.sum() / 2.0
    chamfers = rng.uniform(3.0, 7.0, count)
    threads, holes, flats = [], [], []
    for kind, start, stop, r, chamfer in zip(kinds, bounds[:-1], bounds[1:], radii, chamfers, strict=True):
        if kind == "thread":
            threads.append(_thread(start + chamfer, stop - chamfer, rng, frozen))
        elif kind == "hex":
            turns = rng.uniform(0.0, np.pi / 3.0) + np.arange(6) * np.pi / 3.0
            flats += [Flat(start, stop, turn, 0.89 * r) for turn in turns]
        elif rng.random() < 0.6 and stop - start > 45.0:
            angle = np.deg2rad(rng.uniform(-40.0, 40.0))
            hole = min(rng.uniform(6.0, 13.0), 0.25 * r)
            holes.append(Hole(r * angle, rng.uniform(start + 20.0, stop - 20.0), hole, rng.uniform(2.5, 4.5)))
    reach = float(np.hypot(lengths.sum() / 2.0, radii.max())) + 6.0
    return Shaft(*_turned(bounds, radii, chamfers), tuple(threads), tuple(holes), reach, tuple(flats))


def _turned(bounds: Float64, radii: Float64, chamfers: Float64) -> tuple[Float64, Float64, Float64]:
    """Profile and edges of a stepped shaft: a chamfer wherever a cylinder stands proud of its neighbour."""
    start, stop = bounds[:-1], bounds[1:]
    neighbours = np.pad(radii, 1)
    before = np.where(neighbours[:-2] < radii, chamfers, 0.0)
    after = np.where(neighbours[2:] < radii, chamfers, 0.0)
    along = np.stack([start + 0.01, start + 0.01 + before, stop - 0.01 - after, stop - 0.01], axis=1)
    level = np.stack([radii - before, radii, radii, radii - after], axis=1)
    edges = np.stack([start - 1.5, start + before + 1.5, stop - after - 1.5, stop + 1.5], axis=1)
    return along.ravel(), level.ravel(), edges.reshape(-1, 2)


def _thread(start: float, stop: float, rng: Generator, frozen: Frozen) -> Thread:
    hand = 1 if rng.random() < 0.8 else -1
    return Thread(start, stop, draw(rng, frozen.thread_pitch), draw(rng, frozen.thread_flank), hand)


def _ridge(thread: Thread, along: Float64, angle: Float64) -> Float64:
    """A triangle wave with rounded crests that winds once per pitch and runs out over one pitch at both ends."""
    phase = 2.0 * np.pi * along / thread.pitch + thread.hand * angle
    wave = np.arcsin(0.96 * np.sin(phase)) * (thread.flank * thread.pitch / (2.0 * np.pi))
    inner = np.minimum(along - thread.start, thread.stop - along)
    return np.asarray(wave * _smooth(inner / thread.pitch))


def _threaded(body: Body, along: Float64, level: Float64, angle: Float64) -> tuple[Float64, Region]:
    """The level with the ridges of the threads, and the regions of the profile."""
    level, region = level.copy(), np.full(level.shape, PLAIN, np.uint8)
    for thread in body.threads:
        level += _ridge(thread, along, angle)
        region[_within(along, thread.start, thread.stop)] = THREAD
    for start, stop in body.edges:
        region[_within(along, start, stop)] = EDGE
    return level, region


def _shaft_surface(body: Shaft, roll: float, u: Float64, v: Float64, lay: tuple[Float64, Float64]) -> Surface:
    radius = np.interp(v, body.along, body.level)
    side = np.clip(u / radius, -1.0, 1.0)
    angle = np.arcsin(side) + roll
    profile, region = _threaded(body, v, radius, angle)
    inside = _within(v, body.along[0], body.along[-1]) & (np.abs(u) < profile)
    height = np.sqrt(np.maximum(profile * profile - u * u, 0.0))
    for flat in body.flats:
        height, inside = _milled(flat, roll, u, v, height, inside, region)
    a = radius * angle
    hollow = _drilled(body.holes, a, v, height, region)
    facing = np.sqrt(np.maximum(1.0 - side * side, 0.0))
    region[~inside] = BACKGROUND
    return Surface(height, inside, hollow, region, a, v, facing, v, lay)


def _milled(
    flat: Flat, roll: float, u: Float64, v: Float64, height: Float64, inside: Bool, region: Region
) -> tuple[Float64, Bool]:
    """Cut height and silhouette by a plane; mark its borders as edges in ``region``."""
    cosine, sine = np.cos(flat.angle - roll), np.sin(flat.angle - roll)
    span = _within(v, flat.start, flat.stop)
    if cosine < 0.05:
        return height, np.asarray(inside & ~(span & (u * sine + height * cosine > flat.distance) & (cosine > -0.5)))
    plane = (flat.distance - u * sine) / cosine
    region[span & (np.abs(plane - height) * cosine < 0.35)] = EDGE
    inside = inside & ~(span & (plane < 0.0))
    return np.where(span, np.minimum(height, plane), height), inside


def _drilled(holes: tuple[Hole, ...], a: Float64, b: Float64, height: Float64, region: Region) -> Bool:
    """Lower ``height`` and mark the rims in ``region``, both in place; return the inside of the holes."""
    hollow = np.zeros(height.shape, bool)
    for hole in holes:
        distance = np.hypot(a - hole.a, b - hole.b)
        rim = hole.radius + hole.chamfer
        height -= 0.8 * np.clip(rim - distance, 0.0, hole.chamfer)
        height -= HOLE_DEPTH * _smooth((hole.radius - distance) / 2.0)
        region[distance < rim + 1.5] = EDGE
        hollow |= distance < hole.radius
    return hollow


def flange(rng: Generator, frozen: Frozen) -> Flange:
    """Rings of different height around a bore; a tapered thread in the bore or on the hub; holes or teeth."""
    outer = np.sqrt(draw(rng, frozen.object_area) / (0.93 * np.pi))
    bore = outer * rng.uniform(0.16, 0.3)
    width = min(outer * rng.uniform(0.2, 0.32), outer - bore - 40.0)
    taper = rng.uniform(0.25, 0.6) * (1 if rng.random() < 0.6 else -1)
    chamfer = rng.uniform(3.0, 6.0)
    step = rng.uniform(4.0, 10.0) * (1 if rng.random() < 0.5 else -1)
    middle = bore + width + (outer - bore - width) * rng.uniform(0.35, 0.6)
    slant = abs(step) / 0.9
    floor, foot, rim = -taper * width, middle + slant, outer - chamfer
    radial = (bore, bore + 3.0, bore + 3.0 + width, bore + 6.0 + width, middle, foot, rim, outer)
    height = (floor - 3.0, floor, 0.0, 1.5, 1.5, 1.5 - step, 1.5 - step, 1.5 - step - 0.8 * chamfer)
    edges = (
        (bore, bore + 4.0),
        (bore + 2.0 + width, bore + 7.0 + width),
        (middle - 1.5, foot + 1.5),
        (rim - 1.5, outer),
    )
    thread = _thread(bore + 4.0, bore + 2.0 + width, rng, frozen)
    ring = (foot + outer - chamfer) / 2.0
    room = (rim - middle - slant) / 2.0
    profile = np.array(radial), np.array(height), np.array(edges)
    if rng.random() < 0.7:
        return Flange(*profile, (thread,), _bolt_circle(ring, min(0.45 * room, 10.0), rng), outer + 4.0, None)
    teeth = Teeth(int(rng.integers(9, 19)), ring - 0.8 * room, ring + 0.8 * room, rng.uniform(3.0, 6.0))
    return Flange(*profile, (thread,), (), outer + 4.0, teeth)


def _bolt_circle(ring: float, radius: float, rng: Generator) -> tuple[Hole, ...]:
    count = int(rng.integers(3, 9))
    angles = rng.uniform(0.0, 2.0 * np.pi) + 2.0 * np.pi * np.arange(count) / count
    return tuple(Hole(ring * np.cos(t), ring * np.sin(t), radius, 0.35 * radius) for t in angles)


def _flange_surface(body: Flange, u: Float64, v: Float64, image: tuple[Float64, Float64]) -> Surface:
    radius = np.maximum(np.hypot(u, v), 1e-6)
    angle = np.arctan2(v, u)
    height, region = _threaded(body, radius, np.interp(radius, body.along, body.level), angle)
    if body.teeth is not None:
        _crown(body.teeth, radius, angle, height, region)
    inside = _within(radius, body.along[0], body.along[-1])
    hollow = _drilled(body.holes, u, v, height, region)
    region[~inside] = BACKGROUND
    lay = (image[0] / radius, image[1] / radius)
    return Surface(height, inside, hollow, region, u, v, np.ones_like(height), radius, lay)


def _crown(teeth: Teeth, radius: Float64, angle: Float64, height: Float64, region: Region) -> None:
    """Raise the dogs in place; their flanks are as wide at every radius."""
    wave = np.sin(teeth.count * angle) * radius / teeth.count  # slope 1 across the flank
    inner = np.minimum(radius - teeth.start, teeth.stop - radius)
    height += teeth.rise * _smooth(0.5 + 0.12 * wave) * _smooth(0.5 + inner / 5.0)
    flank = (np.abs(wave) < 2.5) & (inner > -2.5)
    region[flank | ((np.abs(inner) < 3.0) & (wave > 0.0))] = EDGE
