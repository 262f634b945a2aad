"""Tie groups: levels that cannot be told apart share a letter (a compact letter display).

Two levels share a letter exactly when their difference is not significant among all pairs after Holm. Letter a holds
the best level. Letters come from inserting and absorbing (Piepho 2004, An algorithm for a letter-based representation
of all-pairwise comparisons): they are tie groups that overlap, as "not told apart" is no equivalence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.statistics.comparisons import all_pairs
from bench.statistics.estimates import Block

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def tie_letters(blocks: Sequence[Block], values: Sequence[float]) -> tuple[str, ...]:
    """The letters of every level, ``values`` being their scores (higher is better)."""
    apart = [(found.first, found.second) for found in all_pairs(blocks) if found.told_apart]
    return letters(values, apart)


def letters(values: Sequence[float], apart: Iterable[tuple[int, int]]) -> tuple[str, ...]:
    """Letters of levels by number, from their values and the pairs that are told apart."""
    ranked = sorted(range(len(values)), key=lambda level: (-values[level], level))
    groups: list[frozenset[int]] = [frozenset(ranked)]
    for first, second in apart:
        parted = [part for group in groups for part in _parted(group, first, second)]
        groups = [group for group in dict.fromkeys(parted) if not any(group < other for other in parted)]
    groups.sort(key=lambda group: sorted(ranked.index(level) for level in group))
    return tuple(
        "".join(_letter(k) for k, group in enumerate(groups) if level in group) for level in range(len(values))
    )


def _parted(group: frozenset[int], first: int, second: int) -> list[frozenset[int]]:
    return [group - {first}, group - {second}] if {first, second} <= group else [group]


def _letter(number: int) -> str:
    """a .. z, then a2, b2, ..."""
    more, place = divmod(number, len(ALPHABET))
    return ALPHABET[place] + (str(more + 1) if more else "")
