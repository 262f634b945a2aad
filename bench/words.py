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
