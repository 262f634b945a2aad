"""Baselines that leave their sign and scale to validation: against references, and what is chosen of them."""

from __future__ import annotations

import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from bench.api import Component
from bench.component import build
from bench.score.metrics import swept
from bench.score.thresholds import best_index
from bench.store.records import load_record
from bench.suite.schema import Recipe
from bench.testing.models import breaches_of_model
from bench.train.loop import fit
from bench.train.validate import histogram
from bench.types import Choosing, Task
from sampling import whole_run
from test_train_loop import CPU, squares
from tiny import bench, write_world

CHOOSING = ["grey-threshold", "smoothed-threshold", "top-hat", "difference-of-gaussians"]


def made(catalog, name, **changed):
    return build(catalog.find("model", name).component, Task(1, 1), settings=changed)


def answer(model, choice, image):
    """The filter's answer d that is behind p = d / (d + 1/2), ``float[h, w]``."""
    model.choose(model.choices.index(choice))
    chance = model(torch.from_numpy(image)[None, None]).softmax(dim=1)[0, 1].double().numpy()
    return chance / (1 - chance) / 2


def picture(seed, shape=(48, 64)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def best_f1(probability, truth):
    outside, inside = histogram(probability, truth).numpy().reshape(2, -1)
    return best_index(swept(inside, outside))[1]


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=20, deadline=None)
def test_the_grey_threshold_is_the_best_of_all_grey_levels(catalog, seed, dark):
    rng = np.random.default_rng(seed)
    truth = rng.random((4, 32, 32)) < 0.1
    grey = np.clip(rng.normal(120, 20, truth.shape) + (-25 if dark else 25) * truth, 0, 255).round()
    model = made(catalog, "grey-threshold")
    model.choose(model.choices.index("dark" if dark else "bright"))
    normalised = torch.from_numpy((grey - grey.mean()) / grey.std()).float()[:, None]
    ours = best_f1(model(normalised).softmax(dim=1)[:, 1], torch.from_numpy(truth.astype(np.int64)))
    scores = []
    for level in range(256):
        called = grey < level if dark else grey >= level
        scores.append(2 * (called & truth).sum() / (called.sum() + truth.sum()))
    assert ours == pytest.approx(max(scores), abs=1e-12)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("word", ["bright", "dark"])
def test_smoothed_grey_is_scipys_gaussian_mean(catalog, sigma, word):
    image = picture(3)
    model = made(catalog, "smoothed-threshold")
    model.choose(model.choices.index(f"{word}, sigma {sigma:g}"))
    chance = model(torch.from_numpy(image)[None, None]).softmax(dim=1)[0, 1].numpy()
    expected = gaussian_filter(image, sigma, mode="nearest", radius=int(np.ceil(3 * sigma)))
    np.testing.assert_allclose(32 * (chance - 0.5), expected if word == "bright" else -expected, atol=1e-4)


@pytest.mark.parametrize("side", [3, 5, 21])
@pytest.mark.parametrize(("word", "operation"), [("bright", cv2.MORPH_TOPHAT), ("dark", cv2.MORPH_BLACKHAT)])
def test_a_top_hat_is_opencvs(catalog, side, word, operation):
    image = picture(4)
    ours = answer(made(catalog, "top-hat", sides=[side]), f"{word}, side {side}", image)
    theirs = cv2.morphologyEx(image, operation, np.ones((side, side), np.uint8))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.parametrize("sigma", [1.0, 3.0])
@pytest.mark.parametrize(("word", "sign"), [("bright", 1), ("dark", -1)])
def test_a_difference_of_gaussians_is_that_of_scipys(catalog, sigma, word, sign):
    image = picture(5)
    ours = answer(made(catalog, "difference-of-gaussians", sigmas=[sigma]), f"{word}, sigma {sigma:g}", image)
    narrow, wide = (gaussian_filter(image, s, mode="nearest", radius=int(np.ceil(3 * s))) for s in (sigma, 1.6 * sigma))
    np.testing.assert_allclose(ours, np.maximum(sign * (narrow - wide), 0), atol=1e-3)


@pytest.mark.parametrize("name", ["top-hat", "difference-of-gaussians"])
def test_what_stands_out_spreads_over_the_threshold_grid(catalog, name):
    """Half of the pixels stand out, so half of the image spreads."""
    chance = made(catalog, name)(torch.from_numpy(picture(0, (128, 128)))[None, None]).softmax(dim=1)[0, 1]
    assert len(np.unique(np.floor(chance.numpy() * 1000))) > 400


def chosen_of(catalog, model, tiles, epochs=1):
    return fit(
        model=model,
        crops=squares(8, 1),
        tiles=tiles,
        constants=(tiles.mean, tiles.std),
        recipe=Recipe(epochs=epochs, epoch_crops=8, batch=4, precision="float32"),
        loss=build(catalog.find("loss", "bce-dice").component, settings={}),
        augment=[],
        task=Task(1, 1),
        seed=0,
        device=CPU,
        progress=lambda event: None,
    )


@pytest.mark.parametrize("name", CHOOSING)
def test_what_validation_chooses_is_the_best_of_all_settings_there(catalog, name):
    tiles = squares(6, 7)
    dark = replace(tiles, image=255 - tiles.image, mean=255 - tiles.mean)
    words = []
    for here in (tiles, dark):
        model = made(catalog, name)
        fitted = chosen_of(catalog, model, here)
        images = torch.from_numpy((here.image - here.mean) / here.std).float().permute(0, 3, 1, 2)
        truth = torch.from_numpy(here.mask.astype(np.int64))
        scores = {}
        for number, choice in enumerate(model.choices):
            model.choose(number)
            scores[choice] = best_f1(model(images).softmax(dim=1)[:, 1], truth)
        assert fitted.choice == max(scores, key=scores.__getitem__)
        words.append(fitted.choice.partition(",")[0])
    assert words == ["bright", "dark"]


def test_the_stored_state_answers_by_what_was_chosen(catalog):
    model = made(catalog, "top-hat")
    fitted = chosen_of(catalog, model, squares(4, 7))
    fresh = made(catalog, "top-hat")
    fresh.load_state_dict(fitted.best_state)
    image = torch.from_numpy(picture(1))[None, None]
    assert torch.equal(fresh(image), model(image))
    assert fresh.choices[int(fresh.choice)] == fitted.choice != fresh.choices[0]


def test_without_epochs_nothing_is_chosen(catalog):
    model = made(catalog, "grey-threshold")
    model.choose(1)
    fitted = chosen_of(catalog, model, squares(4, 7), epochs=0)
    assert (fitted.choice, int(model.choice)) == (None, 1)


@whole_run
def test_what_was_chosen_stands_in_the_record_on_the_board_and_in_show(tmp_path):
    suite = write_world(tmp_path)
    done = bench(tmp_path, "run", str(suite), "-x", "axes.model=grey-threshold", "-x", "axes.crop=uniform")
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "runs" / "tiny" / "cells").glob("*.json")
    record = load_record(path)
    assert record.choice == "bright"
    assert record.of_split("test").number("f1") > 0.9, "its defects are 120 grey levels brighter than the rest"
    assert "grey-threshold: bright" in done.stdout
    assert re.search(r"chosen on validation +bright", bench(tmp_path, "show", path.stem[:8]).stdout)
    assert ",bright," in bench(tmp_path, "leaderboard", "runs/tiny", "--format", "csv").stdout


class Forgetful(torch.nn.Module):
    """Answers by a choice that is in no state."""

    choices = ("up", "down")

    def __init__(self):
        super().__init__()
        self.sign = 1.0

    def choose(self, number):
        self.sign = (1.0, -1.0)[number]

    def forward(self, images):
        grey = self.sign * images.mean(dim=1, keepdim=True)
        return torch.cat([torch.zeros_like(grey), grey], dim=1)


def test_a_choice_that_is_in_no_state_and_one_that_is_never_asked_break_the_contract():
    assert isinstance(Forgetful(), Choosing)

    def two(task, /):
        model = Forgetful()
        model.forward = lambda images: Forgetful.forward(model, images).repeat(1, 2, 1, 1)[:, : 1 + task.classes]
        return model

    first, second = breaches_of_model(Component("forgetful", two))
    assert "say 'learns=False'" in first
    assert "what was chosen is not in its state" in second


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("smoothed-threshold", {"sigmas": [0.0]}),
        ("smoothed-threshold", {"sigmas": []}),
        ("difference-of-gaussians", {"sigmas": [-1.0]}),
        ("top-hat", {"sides": [4]}),
        ("top-hat", {"sides": []}),
    ],
)
def test_a_scale_that_is_none_is_refused_in_one_line(catalog, name, changed):
    with pytest.raises(Exception, match=rf"{name}: .* must be .*, got") as caught:
        made(catalog, name, **changed)
    assert "\n" not in str(caught.value)
