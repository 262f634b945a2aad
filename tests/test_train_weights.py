"""Weights on disk."""

from __future__ import annotations

import pickle

import pytest
import torch

from bench.errors import StoreError
from bench.train.weights import Weights, load_weights, save_weights
from bench.types import Task


def example() -> Weights:
    layer = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).to(memory_format=torch.channels_last)
    return Weights(
        layer.state_dict(), (1.5, 2.5, 1 / 3), (0.1, 0.2, 0.3), Task(3, 2), {"use": "fcn", "settings": {}}, {"seed": 3}
    )


def test_what_is_saved_is_what_is_loaded_bit_for_bit(tmp_path):
    weights = example()
    save_weights(tmp_path / "deep" / "best.safetensors", weights)
    loaded = load_weights(tmp_path / "deep" / "best.safetensors")
    assert set(loaded.state) == set(weights.state)
    assert all(torch.equal(loaded.state[name], weights.state[name]) for name in weights.state)
    assert (loaded.mean, loaded.std, loaded.task) == (weights.mean, weights.std, weights.task)
    assert (loaded.model, loaded.provenance) == (weights.model, weights.provenance)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["best.safetensors"]


def test_a_model_without_parameters_can_be_saved(tmp_path):
    save_weights(tmp_path / "none.safetensors", Weights({}, (0.0,), (1.0,), Task(1, 1)))
    assert load_weights(tmp_path / "none.safetensors").state == {}


def test_equal_weights_are_equal_files(tmp_path):
    weights = example()
    for name in ("a", "b"):
        save_weights(tmp_path / name, weights)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_missing_a_truncated_a_foreign_and_a_pickled_file_are_refused_by_name(tmp_path):
    good = tmp_path / "good"
    save_weights(good, example())
    (tmp_path / "truncated").write_bytes(good.read_bytes()[:-10])
    (tmp_path / "pickled").write_bytes(pickle.dumps({"a": 1}))
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "foreign")
    for name in ("missing", "truncated", "pickled", "foreign"):
        with pytest.raises(StoreError, match=f"{name}.*run 'bench cache gc', then the suite again"):
            load_weights(tmp_path / name)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "best"
    save_weights(path, example())
    before = path.read_bytes()
    with pytest.raises(ValueError):  # noqa: PT011 - what json says is its own matter
        save_weights(path, Weights({}, (float("nan"),), (1.0,), Task(1, 1)))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
