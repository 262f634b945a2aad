"""What a training told of its epochs, as a file beside its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import Damaged

HISTORY = "history.json"
"""Its name in the folder of a training."""


def write_history(folder: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Write the epochs of a training into its folder."""
    (folder / HISTORY).write_text(json.dumps(history, allow_nan=False), encoding="utf-8")


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The epochs of a training, the first first.

    Raises:
        Damaged: the file is missing or holds something else.
    """
    path = folder / HISTORY
    try:
        history = json.loads(path.read_bytes())
        if not all(isinstance(epoch, dict) and "epoch" in epoch for epoch in history):
            raise ValueError("an epoch is missing")
    except (OSError, ValueError, TypeError) as error:
        raise Damaged(f"{path}: damaged ({error}); run 'bench cache gc' and then the suite again") from None
    return list(history)
