"""From height to grey levels: slope-space highlights, inter-reflection, sensor.

Sizes are given in units of 1/512 of the image side; ``unit`` is the side of a pixel in them.
Arithmetic is in double precision throughout, so that rounding to 8 bits hides the last-digit differences
between processors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from bench_plugins.datasets.metalpart._body import Generator, Surface, surface
from bench_plugins.datasets.metalpart._confusers import relief, shade
from bench_plugins.datasets.metalpart._defects import deviation, without_specks
from bench_plugins.datasets.metalpart._frozen import Frozen
from bench_plugins.datasets.metalpart._scene import Lamp, part, view

from bench.api import Bool, Float64, Mask

Domain: TypeAlias = Literal["camera", "render"]
Slopes: TypeAlias = tuple[Float64, Float64]
"""Along image x and y."""
Number = TypeVar("Number", np.float64, np.uint8)
UNITS = 512.0
MARKS, GRAIN, SENSOR, FINISH = 1, 2, 3, 4  # random streams
GAIN_STEPS = 40


@dataclass(frozen=True, slots=True)
class Finish:
    """Widths of the slope distribution along and across the lay; slope noise of tool marks and grain."""

    along: float
    across: float
    marks: float
    grain: float


def picture(number: int, index: int, domain: Domain, size: int, frozen: Frozen) -> dict[str, Mask]:
    """Render viewpoint ``index`` of object ``number``: its images, masks and regions, each ``uint8[size, size]``.

    It depends on nothing but the arguments.
    """
    item, seen, unit = part(number, frozen), view(number, index, frozen), UNITS / size
    columns, rows = (_window(centre, item.body.reach, size) for centre in seen.pose.centre)
    x, y = (unit * (np.arange(span.start, span.stop) + 0.5) for span in (columns, rows))
    smooth = surface(item.body, seen.pose, x, y)
    added, deviating = deviation(smooth, item.defects, frozen.visible_deviation)
    mask = without_specks(deviating, frozen.smallest_defect / unit**2)
    marked = relief(smooth, item.body, item.confusers, smooth.region, frozen.visible_deviation)
    shaded = shade(smooth, item.confusers, smooth.region)
    stream = _Streams(frozen.seed, number)
    finish = _finish(stream, domain, frozen)
    down, right = np.gradient(smooth.height + added + marked, unit)
    rough = _texture(smooth, finish, stream, index)
    slopes = right + seen.tilt[0] + rough[0], down + seen.tilt[1] + rough[1]
    radiance = shaded * _radiance(smooth, slopes, seen.lamps, finish, np.abs(added), frozen)
    if domain == "camera":
        radiance = _interreflected(radiance, slopes, smooth, unit, frozen)
    region = _placed(smooth.region, rows, columns, size)
    canvas = _placed(radiance, rows, columns, size)
    grey = _sensed(canvas, domain, region > 0, unit, stream(SENSOR, index), frozen)
    return {"images": grey, "masks": _placed(mask, rows, columns, size), "regions": region}


@dataclass(frozen=True, slots=True)
class _Streams:
    """Random streams of one object, by purpose."""

    seed: int
    number: int

    def __call__(self, *purpose: int) -> Generator:
        return np.random.default_rng([self.seed, self.number, 0, *purpose])


def _window(centre: float, reach: float, size: int) -> slice:
    """The pixels that the part can touch along one image axis."""
    unit = UNITS / size
    return slice(max(0, int((centre - reach) / unit)), min(size, int((centre + reach) / unit) + 1))


def _placed(array: npt.NDArray[Number], rows: slice, columns: slice, size: int) -> npt.NDArray[Number]:
    canvas = np.zeros((size, size), array.dtype)
    canvas[rows, columns] = array
    return canvas


def _finish(stream: _Streams, domain: Domain, frozen: Frozen) -> Finish:
    """The surface finish of an object; the render domain randomises it further."""
    rng = stream(FINISH)
    ranges = frozen.roughness, frozen.lay_ratio, frozen.tool_marks, frozen.grain
    along, ratio, marks, grain = (rng.uniform(*ends) for ends in ranges)
    factor = rng.uniform(*frozen.render_roughness) if domain == "render" else 1.0
    return Finish(along * factor, along * factor * ratio, marks, grain * factor)


def _texture(smooth: Surface, finish: Finish, stream: _Streams, index: int) -> Slopes:
    """Slopes along image x and y of the tool marks, which belong to the object, and of the grain."""
    track = stream(MARKS).standard_normal(1024) * finish.marks
    marks = np.interp(smooth.feed + 512.0, np.arange(1024.0), track)
    grain = stream(GRAIN, index).standard_normal((2, *smooth.height.shape))
    x, y = (_blurred(noise, 0.7) * (2.5 * finish.grain) for noise in grain)
    return marks * smooth.lay[0] + x, marks * smooth.lay[1] + y


def _radiance(
    smooth: Surface, slopes: Slopes, lamps: tuple[Lamp, ...], finish: Finish, torn: Float64, frozen: Frozen
) -> Float64:
    """Light towards the camera, in arbitrary units, 0 outside the part.

    Each lamp adds ``power * P22(slope of the half vector - surface slope)`` with the slope form of the
    Trowbridge-Reitz (GGX) distribution, anisotropic along the lay (Walter et al. 2007; Heitz 2014).
    Light that scatters without direction is small on the cut surface and grows where the metal is ``torn``
    (units of deviation). Masking is taken to cancel the foreshortening of the facet; shadows are attached ones only.
    """
    right, down = slopes
    undirected = frozen.ambient + frozen.scatter * np.minimum(torn / frozen.torn_at, 1.0)
    total = undirected / np.sqrt(1.0 + right * right + down * down)
    for lamp in lamps:
        flat, up = np.cos(lamp.elevation), np.sin(lamp.elevation)
        east, south = flat * np.cos(lamp.azimuth), flat * np.sin(lamp.azimuth)
        dx, dy = -east / (1.0 + up) - right, -south / (1.0 + up) - down
        across = (dx * smooth.lay[0] + dy * smooth.lay[1]) / finish.across
        along = (dy * smooth.lay[0] - dx * smooth.lay[1]) / finish.along
        lobe = 1.0 + across * across + along * along
        lit = np.clip(4.0 * (up - east * right - south * down), 0.0, 1.0)
        total += lit * (lamp.power / (np.pi * finish.across * finish.along)) / (lobe * lobe)
    return np.where(smooth.inside, np.where(smooth.hollow, 0.15 * total, total), 0.0)


def _interreflected(radiance: Float64, slopes: Slopes, smooth: Surface, unit: float, frozen: Frozen) -> Float64:
    """Add light of the neighbourhood to surfaces that lean towards it."""
    around = _blurred(radiance, frozen.neighbourhood / unit)
    leaning = 1.0 - 1.0 / np.sqrt(1.0 + slopes[0] ** 2 + slopes[1] ** 2)
    return np.where(smooth.inside, radiance + frozen.interreflection * around * leaning, 0.0)


def _blurred(array: Float64, sigma: float) -> Float64:
    """Gaussian blur; ``sigma`` in pixels."""
    import cv2

    return np.asarray(cv2.GaussianBlur(array, (0, 0), sigma), np.float64)


def _sensed(radiance: Float64, domain: Domain, item: Bool, unit: float, rng: Generator, frozen: Frozen) -> Mask:
    """Blur, meter, and as a camera add shot and read noise; the blur of a renderer stands for the pixel's footprint."""
    if domain == "render":
        grey = _metered(_blurred(radiance, 0.5 * frozen.blur / unit), item, rng.uniform(*frozen.render_mean))
    else:
        signal = _metered(_blurred(radiance, frozen.blur / unit), item, rng.uniform(*frozen.camera_mean))
        noise = np.sqrt(frozen.shot_noise * signal + frozen.read_noise**2) * rng.standard_normal(signal.shape)
        grey = signal + noise + frozen.black_level
    return np.clip(np.rint(grey), 0.0, 255.0).astype(np.uint8)


def _metered(radiance: Float64, item: Bool, mean: float) -> Float64:
    """Scale so that the part, clipped at 255, has this mean grey level; bisection over the gain."""
    values = radiance[item]
    low, high = 0.0, 1e5
    for _ in range(GAIN_STEPS):
        middle = 0.5 * (low + high)
        if np.minimum(middle * values, 255.0).mean() < mean:
            low = middle
        else:
            high = middle
    return np.minimum(high * radiance, 255.0)
