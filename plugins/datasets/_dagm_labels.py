"""``Labels.txt`` of DAGM: which images of a half are defective.

A first line ``1``, then one line per image, separated by tabs: number, 1 if defective and else 0, image, ``0``, mask or
``0``. Line ends are CRLF, or LF in copies that went through version control.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bench.api import DataError


def defective_images(path: Path) -> Mapping[str, bool]:
    """Whether an image is defective, by its four digits.

    Raises:
        DataError: the file is missing, unreadable or malformed; names file and line.
    """
    first, *lines = _lines(path)
    if first.strip() != "1":
        raise DataError(f"{path}:1: the first line is {first[:20]!r}, it must be '1'; restore the original file")
    found: dict[str, bool] = {}
    for line, text in enumerate(lines, start=2):
        if not text.strip():
            continue
        number, is_defective = _row(f"{path}:{line}", text)
        if number in found:
            raise DataError(f"{path}:{line}: image {number} stands here twice; restore the original file")
        found[number] = is_defective
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8-sig").splitlines() or [""]
    except FileNotFoundError:
        raise DataError(
            f"{path}: the file is missing, so an image that lost its mask would pass for one without defect; "
            "fetch the texture again"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error}); fetch the texture again") from None


def _row(where: str, text: str) -> tuple[str, bool]:
    """Number and flag of one line; the other values only repeat them, so they must agree."""
    values = [value.strip() for value in text.rstrip("\t ").split("\t")]
    number = values[0].zfill(4) if re.fullmatch("[0-9]{1,4}", values[0]) else ""
    flag = values[1] if len(values) > 1 else ""
    said = [number, flag, f"{number}.png", "0", f"{number}_label.png" if flag == "1" else "0"]
    if not number or flag not in ("0", "1") or [said[0], *map(str.lower, values[1:])] != said:
        raise DataError(
            f"{where}: {text[:80]!r} is not a number, 0 or 1, an image, 0, and a mask or 0, separated by tabs; "
            "restore the original file"
        )
    return number, flag == "1"
