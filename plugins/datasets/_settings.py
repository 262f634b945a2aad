"""Settings that several readers have: what they may hold, and what they refuse."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias

from bench.api import Bool, DataError, Mask, SettingsError, plural

Clean: TypeAlias = Literal["refuse", "empty"]
"""What an image without a mask is: a mistake, or free of defects."""


def check_choice(setting: str, chosen: Collection[object] | None, known: Collection[object], advice: str) -> None:
    """Hold a list of choices to some of those ``known``, each once; None is every one.

    Raises:
        SettingsError: there is none, or one twice, or an unknown one; ``advice`` says which to name.
    """
    if chosen is None:
        return
    if not chosen or len(set(chosen)) < len(chosen) or any(one not in known for one in chosen):
        raise SettingsError(f"{setting} is {list(chosen)}; name {advice}")


def check_threshold(mask_threshold: int) -> None:
    """Hold the level from which on a mask marks a defect to those that a file can have.

    Raises:
        SettingsError: everything or nothing would be marked.
    """
    if not 0 < mask_threshold <= 255:
        raise SettingsError(f"mask_threshold is {mask_threshold}; masks hold 0 to 255, so it must be 1 to 255")


def check_free(mask: Mask, marked: Bool, number: int, where: str, names: Sequence[str], otherwise: str) -> None:
    """Refuse pixels that are ``marked`` as class ``number`` and are of another class in ``mask`` already.

    Raises:
        DataError: ``where`` they are marked, both classes by ``names``, how many pixels, and what to do ``otherwise``.
    """
    taken = mask[marked]
    shared = taken[(taken > 0) & (taken != number)]
    if shared.size:
        raise DataError(
            f"{where}: {plural(shared.size, 'pixel')} of {names[number - 1]} are marked as {names[shared[0] - 1]} too; "
            f"set 'overlap: {otherwise}"
        )
