"""The search for near-duplicates against its limits: thumbnails against matrix products, looks against decoding."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import pytest

from bench.audit.likeness import Descriptor, descriptor, likeness
from bench.audit.near_duplicates import SEARCHES, _candidates, similar
from bench.types import Split

IMAGES, SIDE, ROUNDS = 3000, 512, 5
LARGEST = 16_100
"""Images of DAGM, the largest data set; the comparison of thumbnails grows with the square."""


@pytest.fixture(scope="module")
def seen() -> dict[str, Descriptor]:
    """Looks of textures; to save time the later ones are earlier ones, shifted."""
    rng = np.random.default_rng(0)
    first = [descriptor(_texture(rng), SIDE) for _ in range(150)]
    descriptors = {}
    for number in range(IMAGES):
        this, by = first[number % len(first)], tuple(rng.integers(0, 96, 2).tolist())
        frames = tuple(np.roll(frame, by, (0, 1)) for frame in this.frames)
        coarse = np.roll(this.coarse, (by[0] // 6, by[1] // 6), (0, 1))
        descriptors[f"{number:05}"] = Descriptor(frames, coarse, this.structured)
    return descriptors


def _texture(rng: np.random.Generator) -> np.ndarray:
    noise = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), 4)
    return np.clip(120 + 30 * noise / noise.std(), 0, 255).astype(np.uint8)[..., None]


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def test_a_look_against_decoding(benchmark: Any, report: Callable[..., None]) -> None:
    image = _texture(np.random.default_rng(1))
    png = cv2.imencode(".png", image)[1]
    decode = [_seconds(lambda: cv2.imdecode(png, cv2.IMREAD_GRAYSCALE)) for _ in range(ROUNDS)]
    benchmark.pedantic(lambda: descriptor(image, SIDE), rounds=10 * ROUNDS, warmup_rounds=2)
    taken = benchmark.stats["median"]
    report("look", milliseconds=1e3 * taken, share_of_decode=median(decode) / taken)


def test_thumbnails_against_one_product(
    benchmark: Any, report: Callable[..., None], seen: dict[str, Descriptor]
) -> None:
    coarse = np.stack([found.coarse for found in seen.values()])
    sides: list[Split] = ["train"] * (IMAGES * 3 // 5) + ["test"] * (IMAGES * 2 // 5)
    flat = coarse.reshape(IMAGES, -1)
    products = sum(len(s.turns) * (2 * s.margin + 1) ** 2 * (16 - 2 * s.margin) ** 2 for s in SEARCHES) / flat.shape[1]
    rival = [_seconds(lambda: flat @ flat.T) for _ in range(ROUNDS)]
    benchmark.pedantic(lambda: [list(_candidates(coarse, sides, search)) for search in SEARCHES], rounds=3)
    taken = benchmark.stats["median"]
    report(
        "thumbnails", seconds=taken, products=products, share_of_products=products * median(rival) / taken,
        seconds_of_the_largest=taken * (LARGEST / IMAGES) ** 2,
    )  # fmt: skip


def test_likeness(benchmark: Any, report: Callable[..., None], seen: dict[str, Descriptor]) -> None:
    one, other = seen["00000"], seen["00001"]
    unlike = [_seconds(lambda: likeness(one, other)) for _ in range(20 * ROUNDS)]
    benchmark.pedantic(lambda: likeness(one, one), rounds=20 * ROUNDS, warmup_rounds=2)
    taken = benchmark.stats["median"]
    report("likeness", milliseconds=1e3 * taken, milliseconds_if_unlike=1e3 * median(unlike))


def test_whole_search(benchmark: Any, report: Callable[..., None], seen: dict[str, Descriptor]) -> None:
    split: dict[str, Split] = {id: ("test", "validation", "train", "train", "train")[int(id) % 5] for id in seen}
    benchmark.pedantic(lambda: similar(seen, split), rounds=1)
    taken = benchmark.stats["median"]
    held = sum(frame.nbytes for found in seen.values() for frame in found.frames) / IMAGES
    report("search", images_per_s=IMAGES / taken, kilobytes_per_image=held / 1e3)
