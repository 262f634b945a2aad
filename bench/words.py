"""Words and lines for the eye."""

from __future__ import annotations

import re

TERMINAL_CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plural(count: int, one: str, many: str | None = None) -> str:
    """``1 seed``, ``2 seeds``, ``1,234 images``; ``many`` is for words that take more than an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def line(text: str) -> str:
    """One printable line: a reason may hold line breaks and terminal codes, a table must not."""
    return " ".join(visible(text).split())


def visible(text: str) -> str:
    """The text without terminal codes, other control characters as spaces; indentation stays."""
    return "".join(c if c.isprintable() else " " for c in TERMINAL_CODE.sub("", text.expandtabs(4)))


def shown(value: object) -> str:
    """What a value is: ``float32[3, 4]`` for an array, else its type."""
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    if dtype is None or shape is None:
        return type(value).__name__
    return f"{str(dtype).removeprefix('torch.')}{list(shape)}"
