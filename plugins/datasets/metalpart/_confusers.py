"""What is no defect and looks like one: tool marks, peened dots, stains, fibres and specks, defined on the part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bench_plugins.datasets.metalpart._body import Flange, Generator, Shaft, Surface, draw
from bench_plugins.datasets.metalpart._defects import PIT, SCRATCH, Defect, groove, place
from bench_plugins.datasets.metalpart._frozen import Frozen

from bench.api import Bool, Float64, Mask

REGIONS = ("background", "plain", "edge", "thread", "mark", "stain", "dust")
MARK, STAIN, DUST = 4, 5, 6
VISIBLE_SHADE = 0.05
"""Relative change of the light from which a pixel belongs to a stain or to dust."""


@dataclass(frozen=True, slots=True)
class Stain:
    """A blot with a soft border that waves around its ellipse; ``shade`` is the factor on its light."""

    a: float
    b: float
    radius: float
    phase: float
    shade: float


@dataclass(frozen=True, slots=True)
class Fibre:
    """An arc of a parabola that lies on the part; a speck is a short one."""

    a: float
    b: float
    angle: float
    length: float
    width: float
    bend: float
    shade: float


@dataclass(frozen=True, slots=True)
class Confusers:
    """All of one part. ``chatter`` has arc length along the tool marks and feed as chart, ``dots`` the part's own."""

    chatter: tuple[Defect, ...] = ()
    dots: tuple[Defect, ...] = ()
    stains: tuple[Stain, ...] = ()
    dust: tuple[Fibre, ...] = ()


def confusers(body: Shaft | Flange, rng: Generator, frozen: Frozen) -> Confusers:
    """Draw those of one part."""
    chatter = tuple(_chatter(*place(body, rng), body, rng, frozen) for _ in _times(frozen.chatter, rng))
    dots: list[Defect] = []
    for _ in _times(frozen.engravings, rng):
        dots += _engraving(*place(body, rng), rng, frozen)
    stains = tuple(_stain(*place(body, rng), rng, frozen) for _ in _times(frozen.stains, rng))
    dust = tuple(_fibre(*place(body, rng), rng) for _ in _times(frozen.dust, rng))
    return Confusers(chatter, tuple(dots), stains, dust)


def relief(seen: Surface, body: Shaft | Flange, found: Confusers, region: Mask, least: float) -> Float64:
    """Height that tool marks and dots add, ``float64[h, w]``; from ``least`` units on they are marked in ``region``."""
    total = np.zeros_like(seen.height)
    for one in found.chatter:
        along, feed = _turning(seen, body, one)
        _carve(total, seen, one, along, feed)
    for one in found.dots:
        _carve(total, seen, one, seen.a, seen.b)
    region[np.abs(total) > least] = MARK
    return total


def shade(seen: Surface, found: Confusers, region: Mask) -> Float64:
    """Factor on the light of stains and dust, ``float64[h, w]``, which are marked in ``region``."""
    total = np.ones_like(seen.height)
    for stain in found.stains:
        _cover(total, seen, stain.shade, _blot(stain, seen), region, STAIN)
    for fibre in found.dust:
        _cover(total, seen, fibre.shade, _strand(fibre, seen), region, DUST)
    return total


def _times(counts: tuple[int, int], rng: Generator) -> range:
    low, high = counts
    return range(int(rng.integers(low, high)) if high > low else 0)


def _chatter(a: float, b: float, body: Shaft | Flange, rng: Generator, frozen: Frozen) -> Defect:
    """A groove as deep, wide and long as a scratch, along the tool marks through a place of the chart."""
    if isinstance(body, Flange):
        radius = np.hypot(a, b)
        a, b = float(radius * np.arctan2(b, a)), float(radius)
    length, width, depth = (
        draw(rng, ends) for ends in (frozen.scratch_length, frozen.scratch_width, frozen.scratch_depth)
    )
    return Defect(SCRATCH, a, b, 0.0, length, width, depth)


def _turning(seen: Surface, body: Shaft | Flange, mark: Defect) -> tuple[Float64, Float64]:
    """Arc length along the tool marks near a mark, and feed, ``float64[h, w]`` each."""
    if isinstance(body, Shaft):
        return seen.a, seen.b
    turned = np.arctan2(seen.b, seen.a) - mark.a / mark.b
    wrapped = (turned + np.pi) % (2.0 * np.pi) - np.pi
    return mark.a + mark.b * wrapped, np.hypot(seen.a, seen.b)


def _engraving(a: float, b: float, rng: Generator, frozen: Frozen) -> list[Defect]:
    """A row of equal dots at equal distances."""
    angle = rng.uniform(0.0, np.pi)
    radius, depth = draw(rng, frozen.pit_radius), draw(rng, frozen.pit_depth)
    spacing = radius * rng.uniform(2.6, 3.6)
    return [
        Defect(PIT, a + i * spacing * np.cos(angle), b + i * spacing * np.sin(angle), 0.0, radius, radius, depth)
        for i in range(int(rng.integers(4, 9)))
    ]


def _stain(a: float, b: float, rng: Generator, frozen: Frozen) -> Stain:
    return Stain(a, b, rng.uniform(8.0, 22.0), rng.uniform(0.0, 2.0 * np.pi), draw(rng, frozen.stain_shade))


def _fibre(a: float, b: float, rng: Generator) -> Fibre:
    """Seven in ten are fibres, the others specks; most are brighter than the metal."""
    long = rng.random() < 0.7
    length, width = (rng.uniform(14.0, 44.0), rng.uniform(0.7, 1.3)) if long else (rng.uniform(1.0, 3.0), 1.4)
    bright = rng.random() < 0.6
    shade = rng.uniform(1.25, 1.7) if bright else rng.uniform(0.35, 0.7)
    return Fibre(a, b, rng.uniform(0.0, np.pi), length, width, rng.uniform(-0.5, 0.5), shade)


def _carve(total: Float64, seen: Surface, one: Defect, along: Float64, feed: Float64) -> None:
    """Add a groove to ``total`` in place."""
    span = 1.2 * max(one.length, 4.0 * one.width) + 2.0
    near = seen.inside & ~seen.hollow & (np.abs(along - one.a) < span) & (np.abs(feed - one.b) < span)
    total[near] += groove(one, along[near], feed[near]) * seen.facing[near]


def _cover(total: Float64, seen: Surface, factor: float, cover: Float64, region: Mask, kind: int) -> None:
    """Multiply the light in place where something covers the part, ``cover`` in 0..1."""
    on_part = np.where(seen.inside & ~seen.hollow, cover, 0.0)
    change = (factor - 1.0) * on_part
    total *= 1.0 + change
    region[visible(change)] = kind


def visible(change: Float64) -> Bool:
    """Where a relative change of the light shows."""
    return np.asarray(np.abs(change) > VISIBLE_SHADE)


def _blot(stain: Stain, seen: Surface) -> Float64:
    right, down = seen.a - stain.a, seen.b - stain.b
    angle = np.arctan2(down, right)
    wave = 1.0 + 0.18 * np.sin(3.0 * angle + stain.phase) + 0.1 * np.sin(5.0 * angle - 2.0 * stain.phase)
    inner = stain.radius * wave - np.hypot(right, down)
    return np.asarray(1.0 / (1.0 + np.exp(np.clip(-inner / 1.5, -50.0, 50.0))))


def _strand(fibre: Fibre, seen: Surface) -> Float64:
    cosine, sine = np.cos(fibre.angle), np.sin(fibre.angle)
    right, down = seen.a - fibre.a, seen.b - fibre.b
    along = (cosine * right + sine * down) / fibre.length
    across = (cosine * down - sine * right - fibre.bend * fibre.length * (along**2 - 0.1)) / fibre.width
    return np.asarray(np.exp(-0.5 * across**2) / (1.0 + (2.0 * along) ** 8))
