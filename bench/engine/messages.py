"""What a worker says to its launcher, and how that crosses: a word and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from bench.contain.channel import Garbled
from bench.jobs import Ended, Progress


@dataclass(frozen=True, slots=True)
class Unfit:
    """The worker could not prove its device."""

    reason: str


Said: TypeAlias = Ended | Progress | Unfit | Literal["proven", "alive"]
"""How its job ended, where it is, of its device, or just that the work moves."""

HOLDS: Mapping[str, Any] = {"ended": Ended, "progress": Progress, "unfit": Unfit}
"""What follows on a word; ``proven`` and ``alive`` hold nothing."""


def message_of(said: Said) -> list[Any]:
    """A message as it crosses."""
    if isinstance(said, str):
        return [said, None]
    word = next(word for word, kind in HOLDS.items() if isinstance(said, kind))
    return [word, asdict(said)]


def said_in(message: Any) -> Said:
    """The inverse of :func:`message_of`, for what any code may have written.

    Raises:
        Garbled: it is no message of a worker.
    """
    match message:
        case ["proven" | "alive" as word, None]:
            return word  # type: ignore[no-any-return]  # one of the two
        case [str(word), dict(content)] if word in HOLDS:
            try:
                said: Said = TypeAdapter(HOLDS[word]).validate_python(content)
            except ValidationError:
                raise Garbled from None
            return said
    raise Garbled
