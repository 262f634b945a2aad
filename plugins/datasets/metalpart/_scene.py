"""Parts and viewpoints by number: what is in a picture and how it is lit, the same in both domains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bench_plugins.datasets.metalpart import _frozen as frozen
from bench_plugins.datasets.metalpart._body import Flange, Pose, Shaft, draw, flange, shaft
from bench_plugins.datasets.metalpart._defects import Defect, defects


@dataclass(frozen=True, slots=True)
class Part:
    """One physical object: its body and its defects."""

    body: Shaft | Flange
    defects: tuple[Defect, ...]


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


def part(number: int) -> Part:
    """The object of this number: even ones are shafts, odd ones flanges."""
    rng = np.random.default_rng([frozen.SEED, number])
    body = shaft(rng) if number % 2 == 0 else flange(rng)
    clean = number % frozen.CLEAN_EVERY == frozen.CLEAN_AT
    return Part(body, () if clean else defects(body, rng))


def view(number: int, index: int) -> View:
    """Viewpoint ``index`` of an object: it does not depend on the domain."""
    rng = np.random.default_rng([frozen.SEED, number, 1 + index])
    first = rng.uniform(0.0, 2.0 * np.pi)
    azimuths = first + np.pi / 2.0 * np.arange(4) + rng.uniform(-0.4, 0.4, 4)
    powers = (1.0, *rng.uniform(*frozen.LAMP_POWER, 3))
    lamps = tuple(
        Lamp(float(azimuth), np.deg2rad(draw(rng, frozen.ELEVATION)), float(power))
        for azimuth, power in zip(azimuths, powers, strict=True)
    )
    pose = Pose(
        rotation=rng.uniform(0.0, 2.0 * np.pi),
        centre=(256.0 + rng.uniform(-40.0, 40.0), 256.0 + rng.uniform(-40.0, 40.0)),
        roll=np.deg2rad(rng.uniform(-22.0, 22.0)),
    )
    return View(pose, (rng.uniform(-0.12, 0.12), rng.uniform(-0.12, 0.12)), lamps)
