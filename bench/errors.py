"""Every error that is raised on purpose, as a tree.

``BenchError``
├── ``SuiteError``      the suite file or an override is wrong; carries every mistake found
├── ``PluginError``     a plugin could not be loaded, or a name is unknown or offered twice
├── ``SettingsError``   a component was asked for with settings it does not have
├── ``DataError``       a data set is absent, incomplete or inconsistent; names the file
│   └── ``UnusableImages``  images of it cannot be read as they are meant; carries a line for each
├── ``StoreError``      a stored artifact is missing, unreadable or of another schema
│   └── ``Damaged``     its content is not what was written: as good as absent, made again
├── ``Stopped``         a training was asked to stop and has kept where it is
└── ``TrainingError``   a training ended without a usable model
    └── ``Diverged``    weights or predictions are no longer finite
        └── ``LossNotFinite``  the loss is no longer finite

Each message is one line that says what is wrong, where, and what to do.
Anything that is not a ``BenchError`` is a bug, ours or a plugin's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.words import line, plural, visible


def one_line(error: BaseException) -> str:
    """The text of an error in one printable line; ``no message`` where it has none."""
    return line(str(error)) or "no message"


def visible_lines(error: BaseException) -> str:
    """The text of an error that may have several lines, without codes that a terminal would obey."""
    return "\n".join(visible(text) for text in str(error).split("\n"))


def named_line(error: BaseException) -> str:
    """The error in one line with its type, as ``ValueError: no such lamp``; ours speak for themselves."""
    return one_line(error) if isinstance(error, BenchError) else f"{type(error).__name__}: {one_line(error)}"


class BenchError(Exception):
    """Base of all errors that are meant for the user's eyes."""


class SuiteError(BenchError):
    """All mistakes of a suite at once; ``mistakes`` are lines ``file:line:column: what``."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class PluginError(BenchError):
    """A plugin could not be loaded, or a component name is unknown or ambiguous."""


class SettingsError(BenchError):
    """Settings that a component does not have, or values of the wrong type."""


class DataError(BenchError):
    """A data set is absent, incomplete or inconsistent.

    ``remedies`` are the settings of its reader that the message advises, each a way of its own to read the data.
    """

    def __init__(self, message: str, *, remedies: Sequence[Mapping[str, object]] = ()) -> None:
        super().__init__(message)
        self.remedies = tuple(remedies)


class UnusableImages(DataError):
    """Images that cannot be used: ``mistakes`` has a line for each, ``more`` says that not all were read."""

    def __init__(self, dataset: str, mistakes: Sequence[str], images: int, *, more: bool) -> None:
        count = f"{len(mistakes)} or more" if more else str(len(mistakes))
        others = f" (and {plural(len(mistakes) - 1, 'other')})" if len(mistakes) > 1 else ""
        super().__init__(f"data set {dataset!r}: {count} of {images:,} images cannot be used: {mistakes[0]}{others}")
        self.mistakes = tuple(mistakes)
        self.more = more


class StoreError(BenchError):
    """A stored artifact is missing, unreadable or written by another schema."""


class Damaged(StoreError):
    """The content of a stored file is not what was written: as good as absent, it is made again."""


class Stopped(BenchError):
    """A training was asked to stop; it goes on from what it has kept."""


class TrainingError(BenchError):
    """A training ended without a usable model."""


class Diverged(TrainingError):
    """Weights or predictions are no longer finite."""


class LossNotFinite(Diverged):
    """The loss of training or validation is no longer finite."""
