"""How a cell ended, and the words of boards for it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

EndWord = Literal["done", "failed", "diverged", "blocked", "skipped", "excluded"]
"""How boards, tables and exports call the end of a cell."""


class State(StrEnum):
    """How a cell ended. That it is to be run, or out of date, is a state of a plan and not one of these."""

    OK = "done"
    """It was trained and scored; the word is that of schema 1."""
    OOM = "oom"
    """Memory ran out, of the GPU or of the machine; beside other cells on a device it is tried again alone, at once."""
    DEVICE_ERROR = "device-error"
    """Its GPU failed twice (it is tried again at once), or every device of the run was closed."""
    TIMEOUT = "timeout"
    """Its worker gave no sign of life for `runtime.timeout` and was killed."""
    NAN = "nan"
    """The loss was no longer finite."""
    DIVERGED = "diverged"
    """The weights or the predicted probabilities were no longer finite."""
    KILLED = "killed"
    """The process of its worker ended without an answer, or was asked to stop."""
    PLUGIN_ERROR = "plugin-error"
    """A component failed, or is not what the suite was planned with."""
    DATA_ERROR = "data-error"
    """The data changed, cannot be read, or cannot be scored."""
    FAILED = "failed"
    """Any other error; all that records of schema 1 say of an error."""
    SKIPPED = "skipped"
    """The model cannot do this task."""
    BLOCKED = "blocked"
    """Its data are absent or cannot be used."""
    EXCLUDED = "excluded"
    """The suite leaves it out."""

    @property
    def word(self) -> EndWord:
        """What a board says."""
        return WORDS.get(self, "failed")

    @property
    def is_final(self) -> bool:
        """Whether the cell ran to its end, with a usable model or without; it does not run again."""
        return self.word in ("done", "diverged")


WORDS: Mapping[State, EndWord] = {
    State.OK: "done",
    State.NAN: "diverged",
    State.DIVERGED: "diverged",
    State.SKIPPED: "skipped",
    State.BLOCKED: "blocked",
    State.EXCLUDED: "excluded",
}
"""Every other state is a failure."""
