"""The contracts of preprocessing and metrics: for every clause a component that breaks it, and its sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from bench.api import Component, DataError
from bench.testing import breaches
from bench.types import IGNORED


def step(function: Any) -> Component[Any]:
    def build() -> Any:
        return function

    return Component("step", build)


class Brightest:
    """Scales by the brightest image so far."""

    def __init__(self) -> None:
        self.top = 0

    def __call__(self, image: Any) -> Any:
        self.top = max(self.top, int(image.max()))
        return image if self.top == 0 else (image * (255 / self.top)).astype(image.dtype)


def in_place(image: Any) -> Any:
    image //= 2
    return image


def eight_bits(image: Any) -> Any:
    return np.arange(256, dtype=np.uint8)[image]


def refusing(image: Any) -> Any:
    raise DataError("this step takes infrared images")


def choosy(image: Any) -> Any:
    return image if image.max() else image.repeat(2, axis=2)


def grey_only(image: Any) -> Any:
    if image.shape[2] > 1 or image.dtype != np.uint8:
        raise DataError("this step takes grey images of 8 bits")
    return image


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (None, "its builder returned NoneType: return a function image -> image"),
        (refusing, "it refuses grey and colour images of 8 and 16 bits alike: this step takes infrared images"),
        (eight_bits, "an image uint16[40, 50, 1] raises IndexError: index "),
        (
            lambda image: image / 255,
            "preprocessing step '<lambda>' returned float64[40, 50, 1] for image 'uint8[40, 50, 1]'; "
            "it must return uint8 or uint16 [height, width, channels]",
        ),
        (
            lambda image: image[1:],
            "preprocessing step '<lambda>' turned image 'uint8[40, 50, 1]' from [40, 50, 1] into [39, 50, 1]; "
            "it must keep height and width and at least one channel",
        ),
        (
            lambda image: image[:, ::-1],
            "a change around row 8, column 30 of an image uint8[40, 50, 1] appears around row",
        ),
        (lambda image: np.roll(image, 3, 0), "a change around row 8, column 30 of an image uint8[40, 50, 1] appears"),
        (in_place, "it changes the image it is given (uint8[40, 50, 1]): work on a copy"),
        (choosy, "images uint8[40, 50, 1] and the like become 1 x uint8 and 2 x uint8: all must become of one kind"),
    ],
)
def test_a_preprocessing_step_that_breaks_a_clause_is_told_so(function: Any, sentence: str) -> None:
    (found,) = breaches("preprocess", step(function))
    assert found.startswith(sentence)


def test_a_step_that_remembers_is_told_so() -> None:
    assert breaches("preprocess", Component("step", lambda: Brightest())) == [
        "it gives another result for the same image the second time: it must be deterministic"
    ]


def test_a_step_that_is_drawn_when_it_is_built_is_told_so() -> None:
    built = iter(range(10**6))

    def build() -> Any:
        shift = next(built) % 7
        return lambda image: image + np.uint8(shift)

    assert breaches("preprocess", Component("step", build)) == [
        "it gives another result when it is built anew: it must be deterministic"
    ]


def test_a_step_that_threads_cannot_share_is_told_so() -> None:
    import time

    class Sharing:
        def __call__(self, image: Any) -> Any:
            self.image = image
            time.sleep(0.002)
            return self.image.copy()

    (found,) = breaches("preprocess", step(Sharing()))
    assert found == "it gives another result on several threads than on one: keep nothing between calls"


def test_a_step_may_refuse_some_kinds_of_images_in_a_sentence() -> None:
    assert breaches("preprocess", step(grey_only)) == []


@dataclass(frozen=True)
class Precise:
    """Precision, which keeps the contract; the others change one thing each."""

    range: Any = (0.0, 1.0)

    def value(self, counts: Any, /) -> Any:
        positive = counts[..., 0] + counts[..., 1]
        return counts[..., 0] / np.maximum(positive, 1)


class Undefined(Precise):
    def value(self, counts: Any, /) -> Any:
        return counts[..., 0] / (counts[..., 0] + counts[..., 1])


class Percent(Precise):
    def value(self, counts: Any, /) -> Any:
        return 100 * super().value(counts)


class Error(Precise):
    def value(self, counts: Any, /) -> Any:
        return 1 - super().value(counts)


class Pooled(Precise):
    def value(self, counts: Any, /) -> Any:
        return super().value(counts.reshape(-1, 4).sum(axis=0))


class FirstAxis(Precise):
    def value(self, counts: Any, /) -> Any:
        counts = np.moveaxis(counts, -1, 0)
        return np.sort((counts[0] / np.maximum(counts[0] + counts[1], 1)).ravel()).reshape(counts.shape[1:])


class Scribbling(Precise):
    def value(self, counts: Any, /) -> Any:
        value = super().value(counts)
        counts[..., 0] = 0
        return value


class Random(Precise):
    def value(self, counts: Any, /) -> Any:
        return super().value(counts) * np.random.default_rng().uniform(0.9, 1)


class Lost(Precise):
    def value(self, counts: Any, /) -> Any:
        raise KeyError("TP")


DETERMINISTIC = "value gives another result for the same counts the second time: it must be deterministic"
ROWS = "value of many rows is not the value of each: it must map float64[..., 4] to [...] along the last axis"


@pytest.mark.parametrize(
    ("metric", "sentences"),
    [
        (Precise, []),
        (dict, ["its builder returned dict, which has no value(): return a PixelMetric or ImageMetric"]),
        (lambda: Precise(range=(1, 0)), ["its range is (1, 0): it must be (smallest, largest) possible value"]),
        (
            Undefined,
            ["its value is nan for TP, FP, FN, TN = [0.0, 0.0, 0.0, 0.0]: it must be finite in every degenerate case"],
        ),
        (Percent, ["its value is 100.0 for TP, FP, FN, TN = [7.0, 0.0, 0.0, 0.0]: its range says 0.0 to 1.0"]),
        (
            Error,
            [
                "a perfect prediction gets 0.0, its opposite 1.0: perfect must be the higher, "
                "so that the board can order cells"
            ],
        ),
        (Pooled, ["value of float64[80, 4] returned float64[]: it must be float64[80]"]),
        (FirstAxis, [ROWS]),
        (Scribbling, ["value changes the counts it is given: work on a copy"]),
        (Random, [DETERMINISTIC]),
        (Lost, ["value raises KeyError: 'TP'"]),
    ],
)
def test_a_pixel_metric_that_breaks_a_clause_is_told_so(metric: Any, sentences: list[str]) -> None:
    def build() -> Any:
        return metric()

    assert breaches("metric", Component("metric", build)) == sentences


@dataclass(frozen=True)
class Found:
    """Recall over all images, as rows of found and true pixels."""

    range: Any = (0.0, 1.0)

    def observe(self, image: Any, threshold: float, /) -> Any:
        truth = (image.mask != 0) & (image.mask != IGNORED)
        return np.array([np.sum(truth & (image.probability >= threshold)), np.sum(truth)], np.float64)

    def value(self, total: Any, /) -> Any:
        return total[..., 0] / np.maximum(total[..., 1], 1)


class Growing(Found):
    def observe(self, image: Any, threshold: float, /) -> Any:
        return np.ones(int(image.mask.max() > 0) + 1)


class Integer(Found):
    def observe(self, image: Any, threshold: float, /) -> Any:
        return super().observe(image, threshold).astype(int)


class Infinite(Found):
    def observe(self, image: Any, threshold: float, /) -> Any:
        return super().observe(image, threshold) / np.float64(image.mask.min() == 0)


class Inking(Found):
    def observe(self, image: Any, threshold: float, /) -> Any:
        image.mask[image.mask == IGNORED] = 0
        return super().observe(image, threshold)


class Counting(Found):
    def observe(self, image: Any, threshold: float, /) -> Any:
        self.__dict__["seen"] = self.__dict__.get("seen", 0) + 1
        return super().observe(image, threshold) * (1 + self.seen % 3)


class Bottomless(Found):
    def value(self, total: Any, /) -> Any:
        return total[..., 0] / total[..., 1]


class Missed(Found):
    def value(self, total: Any, /) -> Any:
        return 1 - super().value(total)


class Flat(Found):
    def value(self, total: Any, /) -> Any:
        return np.sort(np.atleast_1d(super().value(total))).reshape(total.shape[:-1])


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        (Growing, "observe returned float64[2] and float64[1]: M must be the same for all images, as rows add"),
        (Integer, "observe returned int64[2]: it must be float64[M], as rows add"),
        (Infinite, "observe returned [inf, inf] for mask values [1] predicted [1.0]: rows must be finite"),
        (Inking, "observe changes the prediction it is given: work on a copy"),
        (
            Counting,
            "observe returns another row when the images come in another order: a row must depend on its image alone",
        ),
        (
            Bottomless,
            "its value is nan for mask values [0] predicted [0.0]: it must be finite in every degenerate case",
        ),
        (
            Missed,
            "a perfect prediction gets 0.0, its opposite 1.0: perfect must be the higher, "
            "so that the board can order cells",
        ),
        (
            Flat,
            "value of many totals is not the value of each: it must map float64[..., M] to [...] along the last axis",
        ),
    ],
)
def test_an_image_metric_that_breaks_a_clause_is_told_so(metric: Any, sentence: str) -> None:
    assert breaches("metric", Component("metric", lambda: metric())) == [sentence]


def test_a_sound_image_metric_breaks_nothing() -> None:
    assert breaches("metric", Component("metric", lambda: Found())) == []
