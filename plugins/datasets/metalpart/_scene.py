"""Parts and viewpoints by number: what is in a picture and how it is lit, the same in both domains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bench_plugins.datasets.metalpart._body import Flange, Pose, Shaft, draw, flange, shaft
from bench_plugins.datasets.metalpart._confusers import Confusers, confusers
from bench_plugins.datasets.metalpart._defects import Defect, defects
from bench_plugins.datasets.metalpart._frozen import Frozen

CONFUSERS = 0
"""Random stream, beside those of the viewpoints, which count from 1."""


@dataclass(frozen=True, slots=True)
class Part:
    """One physical object: its body, its defects, and what only looks like one."""

    body: Shaft | Flange
    defects: tuple[Defect, ...]
    confusers: Confusers


@dataclass(frozen=True, slots=True)
class Lamp:
    """A distant lamp: azimuth in the image plane and elevation above it in radians, relative power."""

    azimuth: float
    elevation: float
    power: float


@dataclass(frozen=True, slots=True)
class View:
    """The pose of the part, its tilt towards the camera as a slope along image x and y, and the lamps."""

    pose: Pose
    tilt: tuple[float, float]
    lamps: tuple[Lamp, ...]


def part(number: int, frozen: Frozen) -> Part:
    """The object of this number: even ones are shafts, odd ones flanges."""
    rng = np.random.default_rng([frozen.seed, number])
    body = shaft(rng, frozen) if number % 2 == 0 else flange(rng, frozen)
    every, at = frozen.clean
    found = () if number % every == at else defects(body, rng, frozen)
    beside = np.random.default_rng([frozen.seed, number, CONFUSERS, CONFUSERS])
    return Part(body, found, confusers(body, beside, frozen))


def view(number: int, index: int, frozen: Frozen) -> View:
    """Viewpoint ``index`` of an object: it does not depend on the domain."""
    rng = np.random.default_rng([frozen.seed, number, 1 + index])
    first = rng.uniform(0.0, 2.0 * np.pi)
    azimuths = first + np.pi / 2.0 * np.arange(frozen.lamps) + rng.uniform(-0.4, 0.4, frozen.lamps)
    powers = (1.0, *rng.uniform(*frozen.lamp_power, frozen.lamps - 1))
    lamps = tuple(
        Lamp(float(azimuth), np.deg2rad(draw(rng, frozen.elevation)), float(power))
        for azimuth, power in zip(azimuths, powers, strict=True)
    )
    pose = Pose(
        rotation=rng.uniform(0.0, 2.0 * np.pi),
        centre=(256.0 + rng.uniform(-40.0, 40.0), 256.0 + rng.uniform(-40.0, 40.0)),
        roll=np.deg2rad(rng.uniform(-22.0, 22.0)),
    )
    return View(pose, (rng.uniform(-0.12, 0.12), rng.uniform(-0.12, 0.12)), lamps)
