"""Which stages of a store are finished, as it is when it is first asked: each kind is listed once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import StoreError
from bench.store.home import Places
from bench.store.store import stage_note


@dataclass(frozen=True, slots=True)
class Finished:
    """The finished stages of a store for the length of one plan or forecast; a plan of many cells probes no file."""

    places: Places
    _names: dict[str, frozenset[str]] = field(default_factory=dict)

    def note(self, kind: str, key: str) -> Mapping[str, Any] | None:
        """What a finished stage left behind, as :func:`stage_note` has it."""
        if kind not in self._names:
            self._names[kind] = names_in(self.places.stages(kind))
        return stage_note(self.places.stage(kind, key)) if key in self._names[kind] else None


def names_in(folder: Path) -> frozenset[str]:
    """Names of what lies in a folder; none where there is no folder.

    Raises:
        StoreError: it is there but may not be listed.
    """
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - names alone: a path for each is what this saves
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise StoreError(f"{folder}: cannot be listed ({error.strerror}); look at the permissions") from None
