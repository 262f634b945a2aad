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
    groups = [frozenset(ranked)]
    for pair in apart:
        parted: dict[frozenset[int], None] = {}
        for group in groups:
            parted |= dict.fromkeys([group - {level} for level in pair] if group >= {*pair} else [group])
        groups = [group for group in parted if not any(map(group.__lt__, parted))]
    groups.sort(key=lambda group: sorted(map(ranked.index, group)))
    found = [""] * len(values)
    for number, group in enumerate(groups):
        more, place = divmod(number, len(ALPHABET))  # after z comes a2
        letter = ALPHABET[place] + (str(more + 1) if more else "")
        for level in group:
            found[level] += letter
    return tuple(found)
