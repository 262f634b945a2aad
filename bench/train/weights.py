"""Weights on disk: safetensors with what a model needs beside them. No pickle is written or read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import Damaged, StoreError
from bench.files import whole_file
from bench.types import JsonValue, Task

if TYPE_CHECKING:
    import torch

SCHEMA = 1


@dataclass(frozen=True)
class Weights:
    """A state dict with the constants it was trained with.

    ``mean`` and ``std`` are per channel, on the scale of the stored dtype. ``model`` is the component and
    its settings as in a suite; ``provenance`` holds plain values.
    """

    state: Mapping[str, torch.Tensor]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    task: Task
    model: Mapping[str, JsonValue] = field(default_factory=dict)
    provenance: Mapping[str, JsonValue] = field(default_factory=dict)


def save_weights(path: Path, weights: Weights) -> None:
    """Write whole or not at all."""
    from safetensors.torch import save

    described = {
        "schema": SCHEMA,
        "mean": list(weights.mean),
        "std": list(weights.std),
        "task": {"channels": weights.task.channels, "classes": weights.task.classes},
        "model": dict(weights.model),
        "provenance": dict(weights.provenance),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.state.items()}
    content = save(tensors, {"bench": json.dumps(described, sort_keys=True, allow_nan=False)})
    with whole_file(path) as file:
        file.write(content)


def load_weights(path: Path) -> Weights:
    """Read weights written by :func:`save_weights`; tensors are on the CPU.

    Raises:
        Damaged: the file is missing, damaged or not ours.
        StoreError: it has another schema.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            described = json.loads((file.metadata() or {})["bench"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        if described["schema"] != SCHEMA:
            raise StoreError(f"{path}: weights of schema {described['schema']}, this version reads {SCHEMA}")
        return Weights(
            state,
            tuple(described["mean"]),
            tuple(described["std"]),
            Task(**described["task"]),
            described["model"],
            described["provenance"],
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Damaged(
            f"{path}: not weights that bench has written ({error}); run 'bench cache gc', then the suite again"
        ) from error
