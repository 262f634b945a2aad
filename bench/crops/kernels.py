"""Compiled copies of crops. Imported inside functions only: importing numba costs half a second."""

from __future__ import annotations

from typing import Any

from numba import njit  # noqa: TID253 - this module is itself imported late

_jit: Any = njit(nogil=True, cache=True, error_model="numpy")


@_jit
def gather(pixels, first, stride, places, out):  # type: ignore[no-untyped-def]
    """Copy squares out of images that lie behind one another, bytes by bytes.

    ``pixels`` is ``uint8[P]``; of every square ``first`` (``int64[M]``) is its first byte there, ``stride``
    (``int64[M]``) the bytes from one of its rows to the next, and ``places`` (``int64[M]``) where it goes in ``out``,
    ``uint8[B, rows, bytes]``.
    """
    rows, length = out.shape[1], out.shape[2]
    for i in range(places.size):
        for row in range(rows):
            start = first[i] + row * stride[i]
            line, into = pixels[start : start + length], out[places[i], row]
            for byte in range(length):  # vectorised; an assignment of slices would first copy for fear of overlap
                into[byte] = line[byte]
