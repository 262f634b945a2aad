"""Maps of the images that may be shown: exact at the threshold, bounded in number, and the worst are among them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.index import IndexedImage
from bench.pictures.sheet import worst
from bench.stages.shown import (
    KEPT,
    MOST,
    SHEET,
    Shown,
    mapped,
    positive,
    probability_of,
    read_shown,
    write_shown,
)
from bench.types import Float32, Mask


def entry(id: str, defective: bool) -> IndexedImage:
    pixels = (55, 9) if defective else (64, 0)
    return IndexedImage(id, id, None, 8, 8, 1, "uint8", pixels, 0, (0.0,), (0.0,), "", {})


@dataclass(frozen=True)
class Predicted:
    id: str
    probability: Float32
    mask: Mask


def predicted(count: int, seed: int = 0) -> list[Predicted]:
    """Images of which every second one has a defect, predicted better or worse."""
    generator = np.random.default_rng(seed)
    images = []
    for number in range(count):
        mask = np.zeros((8, 8), np.uint8)
        mask[:3, :3] = number % 2
        noise = generator.random((8, 8)) * generator.random()
        images.append(Predicted(f"image{number:04d}", (0.3 * (mask > 0) + 0.7 * noise).astype(np.float32), mask))
    return images


def gathered(images: list[Predicted], threshold: int = 400) -> Shown:
    by_id = sorted(images, key=lambda image: image.id)
    shown = Shown([entry(image.id, bool(image.mask.any())) for image in by_id], threshold)
    for image in images:
        shown.add(image.id, shown.packed(image.probability, image.mask))
    return shown


@given(st.integers(1, 1000), st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60))
def test_a_map_holds_the_binary_prediction_exactly_and_the_probability_to_a_127th(k: int, values: list[float]) -> None:
    probability = np.array([values], np.float32)
    found = mapped(probability, k)
    assert (positive(found) == (probability >= np.float32(k / 1000))).all()
    back = np.array([[probability_of(int(value), k) for value in found[0]]])
    assert np.abs(back - probability).max() <= 1 / 127 + 1e-6


def test_of_many_images_the_chosen_and_the_worst_of_all_are_kept_however_they_come() -> None:
    images = predicted(300)
    shown = gathered(images)
    maps = shown.maps()
    assert len(maps) <= MOST
    counts = [list(shown.packed(image.probability, image.mask).counts) for image in images]
    counted = {"ids": [image.id for image in images], "counts": counts}
    wanted = {pick.id for by in ("f1", "false positives") for pick in worst(counted, by, KEPT.worst)}
    assert wanted <= maps.keys()
    assert {*SHEET.chosen(shown.entries), *KEPT.chosen(shown.entries)} <= maps.keys()
    assert gathered(images[::-1]).maps().keys() == maps.keys()


def test_maps_come_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    maps = gathered(predicted(6)).maps()
    write_shown(tmp_path / "shown.npz", maps)
    back = read_shown(tmp_path / "shown.npz")
    assert back.keys() == maps.keys()
    assert all((back[id] == maps[id]).all() for id in maps)


def test_predictions_kept_in_binary_form_by_earlier_versions_are_read(tmp_path: Path) -> None:
    mask = np.eye(4, dtype=bool)
    np.savez_compressed(tmp_path / "shown.npz", ids=np.array(["a"]), mask_0=mask)
    assert (positive(read_shown(tmp_path / "shown.npz")["a"]) == mask).all()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_of_few_images_all_are_kept(count: int) -> None:
    assert len(gathered(predicted(count)).maps()) == count
