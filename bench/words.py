"""Words and lines for the eye: counts, printable lines, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

TERMINAL_CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")


def plural(count: int, one: str, many: str | None = None) -> str:
    """``1 seed``, ``2 seeds``, ``1,234 images``; ``many`` is for words that take more than an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size_text(size: float) -> str:
    """Bytes as people say them, in steps of 1,000: ``532 bytes``, ``1.3 GB``."""
    step = 0
    while round(size, 1) >= 1000 and step < len(UNITS) - 1:
        size, step = size / 1000, step + 1
    return f"{size:,.1f} {UNITS[step]}" if step else f"{size:,.0f} {UNITS[0]}"


def duration(seconds: float) -> str:
    """``45 s``, ``12 min`` or ``3 h 20 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def line(text: str) -> str:
    """One printable line: a reason may hold line breaks and terminal codes, a table must not."""
    return " ".join(visible(text).split())


def visible(text: str) -> str:
    """The text without terminal codes, other control characters as spaces; indentation stays."""
    return "".join(c if c.isprintable() else " " for c in TERMINAL_CODE.sub("", text.expandtabs(4)))


def clipped(text: str, most: int) -> str:
    """The text, or its beginning with three dots, in at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def shown(value: object) -> str:
    """What a value is: ``float32[3, 4]`` for an array, else its type."""
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    if dtype is None or shape is None:
        return type(value).__name__
    return f"{str(dtype).removeprefix('torch.')}{list(shape)}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``" Did you mean 'crop'?"``, or nothing when no known word is close."""
    close = get_close_matches(word, list(known), 1)
    return f" Did you mean {close[0]!r}?" if close else ""


def unknown(what: str, word: str, known: Iterable[str]) -> str:
    """One sentence for a word nobody knows: ``unknown key 'modle'. Did you mean 'model'? Known: ...``."""
    words = list(known)
    listed = ", ".join(words) if words else "none"
    return f"unknown {what} {word!r}.{did_you_mean(word, words)} Known: {listed}."
