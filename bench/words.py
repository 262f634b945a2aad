"""Counts in words."""

from __future__ import annotations


def plural(count: int, one: str, many: str | None = None) -> str:
    """``1 seed``, ``2 seeds``, ``1,234 images``; ``many`` is for words that take more than an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
