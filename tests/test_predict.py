"""Whole images by tiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.crops import tiles
from bench.train import device_tiles
from bench.train.predict import on_host, predict_image

CPU = torch.device("cpu")


class PerPixel(torch.nn.Module):
    """Logits that depend on the pixel alone, so that tiles cannot matter."""

    def forward(self, images):
        grey = images.mean(dim=1, keepdim=True)
        return torch.cat([torch.zeros_like(grey), grey, -grey], dim=1)


def predicted(model, image, **changed):
    asked = {"mean": [100.0], "std": [50.0], "size": 64, "overlap": 0.25, "batch": 4, "precision": "float32"}
    return predict_image(model, image, device=CPU, **asked | changed)


@given(
    st.integers(1, 150), st.integers(1, 150), st.sampled_from([32, 64, 96]), st.sampled_from([0.0, 0.25, 0.5]),
    st.integers(1, 5), st.integers(0, 2**31),
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_a_model_that_looks_at_one_pixel_answers_as_on_the_whole_image(height, width, size, overlap, batch, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 1)).astype(np.uint8)
    answer = predicted(PerPixel(), image, size=size, overlap=overlap, batch=batch)
    whole = (torch.from_numpy(image).permute(2, 0, 1)[None].float() - 100) / 50
    expected = PerPixel()(whole).softmax(dim=1)[0].numpy()
    assert answer.dtype == np.float32
    assert answer.shape == (3, height, width)
    np.testing.assert_allclose(answer, expected, atol=1e-6)
    np.testing.assert_allclose(answer.sum(axis=0), 1, atol=1e-5)


@given(
    st.integers(1, 90), st.integers(1, 90), st.sampled_from([8, 20, 32]), st.sampled_from([0.0, 0.25, 0.5, 0.7]),
    st.sampled_from([np.uint8, np.uint16]), st.integers(0, 2**31),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_tiles_are_cut_and_stitched_on_a_device_as_on_the_host_to_the_bit(height, width, size, overlap, dtype, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, np.iinfo(dtype).max, (height, width, 2), endpoint=True).astype(dtype)
    padded, _ = tiles.pad(image, np.zeros((height, width), np.uint8), size)
    corners = tiles.grid(*padded.shape[:2], size, overlap)
    expected = tiles.cut(padded, corners, size)
    assert np.array_equal(device_tiles.cut(torch.from_numpy(padded), corners, size).numpy(), expected)
    answers = rng.random((len(corners), 3, size, size), dtype=np.float32)
    there = on_host(device_tiles.stitch(torch.from_numpy(answers), corners, height, width))
    assert np.array_equal(there, tiles.stitch(answers, corners, height, width))
    assert there.flags.c_contiguous


def test_sixteen_bits_are_read_on_their_own_scale():
    image = np.full((40, 40, 1), 40_000, np.uint16)
    answer = predicted(PerPixel(), image, mean=[39_000.0], std=[1_000.0])
    assert answer[1] == pytest.approx(np.exp(1) / (1 + np.exp(1) + np.exp(-1)), abs=1e-5)


def test_where_tiles_disagree_their_mean_counts():
    class Numbered(torch.nn.Module):
        """The first tile is certain of class 0, the second of class 1."""

        def forward(self, images):
            logits = torch.full((len(images), 2, *images.shape[-2:]), -100.0)
            for number in range(len(images)):
                logits[number, number % 2] = 100.0
            return logits

    answer = predicted(Numbered(), np.zeros((64, 96, 1), np.uint8), overlap=0.5, batch=2)
    assert answer[1, 0, [0, 31, 32, 63, 64, 95]].tolist() == [0, 0, 0.5, 0.5, 1, 1]


def test_a_model_left_in_training_mode_still_answers_as_in_evaluation():
    model = torch.nn.Sequential(torch.nn.Dropout(0.9), torch.nn.Conv2d(1, 2, 1))
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 1)).astype(np.uint8)
    assert (predicted(model.train(), image) == predicted(model.train(), image)).all()
