"""What the study of surfaces measures is what was planted."""

from __future__ import annotations

import numpy as np
import pytest

from studies.surfaces import Defect, defects_of, gradient, grain

SOUND = np.ones((96, 96), np.bool_)


def disc(radius: int) -> np.ndarray:
    rows, columns = np.ogrid[:96, :96]
    return np.asarray((rows - 48) ** 2 + (columns - 48) ** 2 <= radius**2)


def planted(contrast: float, noise: float, radius: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """A disc on a flat ground with noise, and where it is."""
    marked = disc(radius)
    grey = 90 + contrast * marked + noise * np.random.default_rng(0).normal(size=marked.shape)
    return grey.astype(np.float32), marked


@pytest.mark.parametrize("contrast", [-30.0, 4.0, 60.0])
@pytest.mark.parametrize("noise", [1.0, 6.0])
def test_contrast_and_scatter_of_a_disc_are_those_it_was_drawn_with(contrast: float, noise: float) -> None:
    grey, marked = planted(contrast, noise)
    (found,) = defects_of(grey, marked, SOUND & ~marked)
    assert found.contrast == pytest.approx(contrast, abs=noise / 3)
    assert found.noise == pytest.approx(noise, rel=0.2)
    assert (found.pixels, found.share) == (marked.sum(), pytest.approx(marked.mean()))


@pytest.mark.parametrize("noise", [0.5, 3.0])
def test_grain_is_the_noise_and_steps_hardly_count(noise: float) -> None:
    grey, marked = planted(80.0, noise)
    assert grain(grey, SOUND) == pytest.approx(noise, rel=0.15)
    assert grain(grey, SOUND & ~marked) == pytest.approx(noise, rel=0.15)


def test_the_gradient_of_a_ramp_is_its_slope() -> None:
    ramp = np.add.outer(3.0 * np.arange(40), 4.0 * np.arange(40)).astype(np.float32)
    np.testing.assert_allclose(gradient(ramp)[1:-1, 1:-1], 5.0, rtol=1e-5)


def test_a_sharp_rim_is_steeper_than_its_ground_and_a_mark_without_contrast_is_not() -> None:
    sharp, flat = (next(defects_of(*planted(contrast, 2.0), SOUND & ~disc(9))) for contrast in (60.0, 0.0))
    assert sharp.rim > 10 * sharp.ground
    assert flat.rim == pytest.approx(flat.ground, rel=0.2)


def test_other_defects_and_what_is_not_sound_are_in_no_ring() -> None:
    grey, marked = planted(50.0, 1.0)
    beside = np.roll(marked, 24, axis=1)
    grey[beside] = 255
    found = list(defects_of(grey, marked | beside, SOUND & ~marked & ~beside))
    assert [round(one.contrast) for one in found if one.contrast < 100] == [50]
    assert list(defects_of(grey, marked, np.zeros_like(SOUND))) == []
    assert all(isinstance(one, Defect) for one in found)
