"""The contract of crop strategies: for every clause a strategy that breaks it, and the sentence it gets."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bench.api import Component, DataError
from bench.testing import breaches


@dataclass(frozen=True)
class LeftHalf:
    """A strategy that keeps the contract; the others here change one thing each."""

    size: int
    share: Any = 1.0

    def parts(self) -> Any:
        return [self]

    def images(self, index: Any, /) -> Any:
        return np.ones(len(index.entries))

    def positions(self, image: Any, mask: Any, /) -> Any:
        corners = np.zeros((image.shape[0] - self.size + 1, image.shape[1] - self.size + 1), bool)
        corners[:, : max(1, corners.shape[1] // 2)] = True
        return corners


class Nothing:
    def __init__(self, size: int) -> None:
        self.size = size


class Partless(LeftHalf):
    def parts(self) -> Any:
        return []


class Third(LeftHalf):
    def parts(self) -> Any:
        return [LeftHalf(self.size, 0.33)] * 2


class Short(LeftHalf):
    def images(self, index: Any, /) -> Any:
        return np.ones(len(index.entries) - 1)


class Canvas(LeftHalf):
    def images(self, index: Any, /) -> Any:
        if any(max(entry.height, entry.width) > self.size for entry in index.entries):
            raise DataError("too large for this canvas")
        return super().images(index)


class Picky(LeftHalf):
    def images(self, index: Any, /) -> Any:
        raise DataError("no image is good enough")


class Unwanted(LeftHalf):
    def images(self, index: Any, /) -> Any:
        return np.zeros(len(index.entries))


class Whimsical(LeftHalf):
    def images(self, index: Any, /) -> Any:
        return np.random.default_rng().random(len(index.entries))


class TooLarge(LeftHalf):
    def positions(self, image: Any, mask: Any, /) -> Any:
        return np.ones(mask.shape, bool)


class Wide(LeftHalf):
    def positions(self, image: Any, mask: Any, /) -> Any:
        return super().positions(image, mask).astype(float)


class Negative(LeftHalf):
    def positions(self, image: Any, mask: Any, /) -> Any:
        return super().positions(image, mask).astype(np.float32) - 1


class Strict(LeftHalf):
    def positions(self, image: Any, mask: Any, /) -> Any:
        return super().positions(image, mask) & False


class Dice(LeftHalf):
    def positions(self, image: Any, mask: Any, /) -> Any:
        corners = super().positions(image, mask)
        return np.random.default_rng().random(corners.shape) < 0.5


class Painting(LeftHalf):
    def positions(self, image: Any, mask: Any, /) -> Any:
        mask[mask == 255] = 0
        return super().positions(image, mask)


class Grey(LeftHalf):
    def positions(self, image: Any, mask: Any, /) -> Any:
        image.reshape(mask.shape)
        return super().positions(image, mask)


class Roomy(LeftHalf):
    """Has no answer for an image that is exactly as large as the crop."""

    def positions(self, image: Any, mask: Any, /) -> Any:
        if image.shape[0] == self.size:
            raise IndexError("no room")
        return super().positions(image, mask)


class Shy(LeftHalf):
    def falls_back(self, image: Any, mask: Any, positions: Any, /) -> Any:
        return "no"


class Sharing(LeftHalf):
    """Keeps the current image in the strategy."""

    def positions(self, image: Any, mask: Any, /) -> Any:
        self.__dict__["shape"] = image.shape
        time.sleep(0.001)
        return super().positions(np.zeros(self.shape), mask)


class Alone(LeftHalf):
    """Gives another answer on the second thread and those after it."""

    def positions(self, image: Any, mask: Any, /) -> Any:
        corners = super().positions(image, mask)
        time.sleep(0.002)  # long enough for a second worker to be needed
        first = not threading.current_thread().name.endswith(("_1", "_2", "_3"))
        return corners if first else ~corners | (corners.shape[1] == 1)


class OnDefects(LeftHalf):
    def images(self, index: Any, /) -> Any:
        weights = np.array([float(sum(entry.pixels[1:]) > 0) for entry in index.entries])
        weights[int(np.flatnonzero(weights)[0])] += 0
        return weights


class Refusing(OnDefects):
    def images(self, index: Any, /) -> Any:
        if not any(sum(entry.pixels[1:]) for entry in index.entries):
            raise DataError("no defect to centre on")
        return super().images(index)


@dataclass(frozen=True)
class Learning:
    """Sees the images first."""

    size: int

    def observe(self, image: Any, mask: Any, /) -> Any:
        return np.array([image.mean(), 1.0])

    def fit(self, total: Any, /) -> Any:
        return LeftHalf(self.size)


class Uneven(Learning):
    def observe(self, image: Any, mask: Any, /) -> Any:
        return np.zeros(image.shape[0])


class Listing(Learning):
    def observe(self, image: Any, mask: Any, /) -> Any:
        return [image.mean(), 1.0]


class Remembering(Learning):
    def observe(self, image: Any, mask: Any, /) -> Any:
        self.__dict__["seen"] = self.__dict__.get("seen", 0) + 1
        return np.array([float(self.seen)])


class Fruitless(Learning):
    def fit(self, total: Any, /) -> Any:
        return float(total[0])


def component(strategy: Any) -> Component[Any]:
    def build(size: int, /) -> Any:
        return strategy(size)

    return Component("strategy", build)


@pytest.mark.parametrize("strategy", [LeftHalf, Learning, Refusing, Canvas])
def test_a_sound_strategy_breaks_nothing(strategy: Any) -> None:
    assert breaches("crop", component(strategy)) == []


MAPS = "for this image it must be bool or float32 [9, 19]"


@pytest.mark.parametrize(
    ("strategy", "sentence"),
    [
        (Nothing, "its builder returned Nothing, which has no parts(): return a CropStrategy"),
        (Fruitless, "fit returned float: it must return a CropStrategy"),
        (
            Partless,
            "crop strategy 'Partless' has 0 parts with shares []; "
            "one to 255 parts must have shares of at least 0 that sum to 1",
        ),
        (
            Third,
            "crop strategy 'Third' has 2 parts with shares [0.33, 0.33]; "
            "one to 255 parts must have shares of at least 0 that sum to 1",
        ),
        (
            Short,
            "crop strategy 'Short' returned float64[4] as weights of the images; "
            "it must be float64 [5], one per training image",
        ),
        (
            Unwanted,
            "crop strategy 'Unwanted' returned weights of the images that are negative, not finite or all zero; "
            "at least one training image must have a weight above zero",
        ),
        (Picky, "no image is good enough"),
        (Whimsical, "images returns other weights for the same index the second time: weights must not be drawn"),
        (TooLarge, f"crop strategy 'TooLarge' returned bool[40, 50] as positions; {MAPS}"),
        (Wide, f"crop strategy 'Wide' returned float64[9, 19] as positions; {MAPS}"),
        (
            Negative,
            "crop strategy 'Negative' returned position weights that are negative or not finite "
            "(smallest -1.0, largest 0.0)",
        ),
        (
            Strict,
            "crop strategy 'Strict' admits no position in any training image; "
            "lower its threshold, choose a fallback, or use a smaller crop size",
        ),
        (Dice, "positions returns another map for the same image the second time: the core draws, not the part"),
        (Painting, "positions changes the image or the mask it is given: work on a copy"),
        (
            Grey,
            "positions of an image uint8[40, 50, 3] raises ValueError: "
            "cannot reshape array of size 6000 into shape (40,50)",
        ),
        (Roomy, "positions of an image uint8[32, 32, 1] raises IndexError: no room"),
        (Shy, "falls_back returned 'no': it must return True or False"),
        (Alone, "four threads draw other crops than one: positions must not depend on what was asked before"),
        (
            OnDefects,
            "drawing from images without a defect raises IndexError: index 0 is out of bounds for axis 0 with size 0: "
            "draw, or raise a DataError",
        ),
        (
            Uneven,
            "observe returned float64[40] and float64[33] and float64[48] and float64[32] and float64[36]: "
            "it must be float64[M] with one M for all images, as rows add",
        ),
        (Listing, "observe returned list: it must be float64[M] with one M for all images, as rows add"),
        (
            Remembering,
            "observe returns another row for an image seen a second time: a row must depend on its image alone",
        ),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_strategy_that_breaks_a_clause_is_told_so(strategy: Any, sentence: str) -> None:
    assert breaches("crop", component(strategy)) == [sentence]


def test_a_strategy_that_threads_cannot_share_is_told_so() -> None:
    (found,) = breaches("crop", component(Sharing))
    assert found.startswith(
        ("only when four threads draw: crop strategy 'Sharing' returned", "four threads draw other")
    )
