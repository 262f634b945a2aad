"""The run text of segmentations (``.seg``), as the Berkeley segmentation tools write it.

Lines of a word and its value up to the line ``data``, then one run a line: segment, row, first and last column, all
from 0, every pixel in exactly one run. Segments are numbered from 1 here, as in the MATLAB form of the same data::

    image C:\\crack image\\001.jpg
    width 480
    height 320
    segments 2
    gray 1
    invert 0
    flipflop 0
    format ascii cr
    data
    0 0 0 479
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

import numpy as np

from bench.api import DataError, Mask, plural

PLAIN: Mapping[str, str] = {"invert": "0", "flipflop": "0", "format": "ascii cr"}
"""Header of a text that is read row by row, from left to right and the top down, as all of the data set are."""
LARGEST = 2**14
"""Longest side of an image, in pixels: a damaged header must not ask for all memory."""


def read_seg(path: Path) -> Mask:
    """Segment numbers ``uint8[H, W]``, from 1.

    Raises:
        DataError: the file is missing, unreadable or malformed, or leaves a pixel out or names it twice; names the
            line where there is one.
    """
    lines = _lines(path)
    if "data" not in lines:
        raise DataError(f"{path}: has no line 'data', so it is no run text or was cut off; restore the original file")
    start = lines.index("data")
    height, width, segments = _header(path, lines[:start])
    found = np.zeros((height, width), np.uint8)
    for line, text in enumerate(lines[start + 1 :], start=start + 2):
        segment, row, first, last = _run(f"{path}:{line}", text)
        if segment >= segments or row >= height or not first <= last < width:
            raise DataError(
                f"{path}:{line}: the run {text!r} does not lie in {segments} segments of {width}x{height} pixels; "
                "restore the original file"
            )
        if found[row, first : last + 1].any():
            raise DataError(
                f"{path}:{line}: the run {text!r} names pixels for the second time; restore the original file"
            )
        found[row, first : last + 1] = segment + 1
    if not found.all():
        raise DataError(f"{path}: {plural(np.sum(found == 0), 'pixel')} are in no run; restore the original file")
    return found


def seg_text(segmentation: Mask, image: str) -> str:
    """The run text of segment numbers ``uint8[H, W]`` from 1; ``image`` is the name in its first line."""
    height, width = segmentation.shape
    header = {"image": image, "width": width, "height": height, "segments": segmentation.max(), "gray": 1, **PLAIN}
    lines = [f"{word} {value}" for word, value in header.items()] + ["data"]
    return "\n".join([*lines, *_runs(segmentation), ""])


def _runs(segmentation: Mask) -> Iterator[str]:
    for row, segments in enumerate(segmentation.tolist()):
        for segment, run in groupby(range(len(segments)), key=segments.__getitem__):
            columns = list(run)
            yield f"{segment - 1} {row} {columns[0]} {columns[-1]}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("latin-1").splitlines()
    except FileNotFoundError:
        raise DataError(f"{path}: the file is missing") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); restore the original file") from None


def _header(path: Path, lines: list[str]) -> tuple[int, int, int]:
    """Height, width and number of segments.

    Raises:
        DataError: one of them is not stated, or the runs are not plain ones.
    """
    stated = {word: value for word, _, value in (line.partition(" ") for line in lines)}
    odd = [word for word, value in PLAIN.items() if stated.get(word, value) != value]
    if odd:
        raise DataError(f"{path}: its {odd[0]} is {stated[odd[0]][:20]!r}, it must be {PLAIN[odd[0]]!r}")
    numbers = [stated.get(word, "") for word in ("height", "width", "segments")]
    if not all(re.fullmatch("[0-9]{1,5}", number) and 0 < int(number) <= LARGEST for number in numbers):
        raise DataError(
            f"{path}: does not state height, width and segments as whole numbers; restore the original file"
        )
    height, width, segments = map(int, numbers)
    return height, width, min(segments, 255)


def _run(where: str, text: str) -> tuple[int, int, int, int]:
    if not re.fullmatch(r"[0-9]{1,6}( [0-9]{1,6}){3}", text):
        raise DataError(f"{where}: {text[:40]!r} is not a segment, a row and two columns; restore the original file")
    segment, row, first, last = map(int, text.split())
    return segment, row, first, last
