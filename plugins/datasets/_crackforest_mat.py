"""MATLAB files of level 5, read by scipy only after every variable passed the checksum of its compression."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

from bench.api import DataError

HEADER = 128
"""Bytes before the variables of a MATLAB file of level 5; the last four of them are version and byte order."""
COMPRESSED = 15
"""Type of an element that holds one zlib stream."""


def read_matlab(path: Path) -> dict[str, Any]:
    """The variables of a MATLAB file by name.

    Raises:
        DataError: the file is missing or damaged.
    """
    from io import BytesIO

    from scipy.io import loadmat

    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: the file is {'missing' if not path.exists() else f'unreadable ({error})'}") from None
    try:
        _check_sums(content)
        variables: dict[str, Any] = loadmat(BytesIO(content), variable_names=["groundTruth"])
    except Exception as error:  # scipy may raise anything on what it does not know
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: cannot be read as a MATLAB file ({reason}); restore the original file") from None
    return variables


def _check_sums(content: bytes) -> None:
    """Check the variables of a MATLAB file of level 5 by the checksum of their zlib stream.

    scipy trusts the sizes and types that it reads, and damaged ones end the whole process. All files of the release
    are compressed, so one without a checksum is not of the release.

    Raises:
        ValueError: one line that says what is wrong.
    """
    if content[HEADER - 4 : HEADER] != b"\0\1IM":
        raise ValueError("its header is not the one of the release's files")
    place = HEADER
    while place < len(content):
        if len(content) - place < 8:
            raise ValueError("it ends within a variable")
        type, size = struct.unpack_from("<II", content, place)
        stream = content[place + 8 : place + 8 + size]
        if type != COMPRESSED or len(stream) != size:
            raise ValueError("it ends within a variable, or holds one without the compression of the release")
        zlib.decompress(stream)
        place += 8 + size
