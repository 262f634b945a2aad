"""Stages beside their limits: what a step must do is counted, and a constant batch costs no data."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.crops.prepare import Format
from bench.perf.counts import counts_of
from bench.perf.peaks import Stage
from bench.perf.roofline import Constant
from sampling import whole_run
from tiny import bench


def test_operations_and_bytes_of_a_product_are_those_of_its_definition() -> None:
    one, two = torch.ones(8, 16), torch.ones(16, 4)
    found = counts_of(lambda: one @ two)
    assert found.operations == 2 * 8 * 16 * 4
    assert found.bytes == 4 * (8 * 16 + 16 * 4 + 8 * 4)


def test_a_backward_pass_is_counted_too() -> None:
    layer = torch.nn.Conv2d(4, 8, 3, padding=1, bias=False)
    images = torch.ones(2, 4, 16, 16, requires_grad=True)
    forward = counts_of(lambda: layer(images))
    both = counts_of(lambda: layer(images).sum().backward())
    assert forward.operations == 2 * 2 * 8 * 16 * 16 * 4 * 9
    assert both.operations == 3 * forward.operations  # for the images and for the weights as much again


def test_a_view_touches_nothing() -> None:
    array = torch.ones(8, 16)
    assert counts_of(lambda: array.reshape(16, 8).permute(1, 0)[2:]).bytes == 0


class _Numbered:
    """Crops that say which one they are, and how often they were asked for."""

    format = Format(1, "uint8")
    size = 2

    def __init__(self) -> None:
        self.reads = 0

    def __len__(self) -> int:
        return 10

    def read(self, rows: np.ndarray, image_out: np.ndarray, mask_out: np.ndarray) -> None:
        self.reads += 1
        image_out[...] = rows[:, None, None, None]
        mask_out[...] = 0


def test_a_constant_batch_is_read_once_and_is_always_the_same() -> None:
    crops = _Numbered()
    constant = Constant(crops)
    image, mask = np.empty((3, 2, 2, 1), np.uint8), np.empty((3, 2, 2), np.uint8)
    for first in (0, 3, 6):
        constant.read(np.arange(first, first + 3), image, mask)
        assert image[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert crops.reads == 1


def test_a_share_is_of_the_limit() -> None:
    assert Stage("cut", 30.0, 120.0, "crops/s", "copying the crops").share == pytest.approx(0.25)


@whole_run
def test_the_data_path_and_the_step_of_a_suite_stand_beside_their_limits(ran_world: Path, tmp_path: Path) -> None:
    world = tmp_path / "world"
    shutil.copytree(ran_world, world)
    done = bench(world, "perf", "all", "tiny.yaml", "--plugin", "models.py", "-x", "axes.crop=[uniform]")
    assert done.returncode == 0, done.stderr
    for stage in (
        "decode",
        "decode and preprocess",
        "draw and store",
        "cut",
        "step on one batch",
        "step with its data",
    ):
        assert f"\n{stage} " in done.stdout
    assert "is furthest from its limit" in done.stdout


@whole_run
def test_a_suite_whose_models_learn_nothing_has_no_step_to_measure(ran_world: Path, tmp_path: Path) -> None:
    world = tmp_path / "world"
    shutil.copytree(ran_world, world)
    done = bench(world, "perf", "step", "tiny.yaml", "-x", "axes.model=[constant]", "-x", "axes.crop=[uniform]")
    assert done.returncode == 2
    assert (
        done.stderr == "nothing to measure: no cell can run ('bench plan' says why), or none has a model that learns\n"
    )
