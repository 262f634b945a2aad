"""Compiled loops over pixels. Imported inside functions only: importing numba costs half a second."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit  # noqa: TID253 - this module is itself imported late, by the functions that loop over pixels

BINS = 1001
STRIDE = 1024
"""Distance between the histograms of two zones; a power of two, so that an index is a shift."""
WAYS = 4
"""Interleaved copies of every histogram: equal neighbours would wait for each other's increment."""
SLOTS = 5 * STRIDE
"""Four zones and one for ignored pixels."""
BLOCK = 512

_ZERO, _HALF, _ONE, _THOUSAND = np.float32(0), np.float32(0.5), np.float32(1), np.float32(1000)
_LEFT_OUT, _STEP = np.uint8(4), np.uint32(1)

_jit: Any = njit(nogil=True, cache=True, error_model="numpy")


@_jit
def add_histogram(values, zones, base, slope, counts):  # type: ignore[no-untyped-def]
    """Count the bins of ``p = base + slope * values`` per zone; return whether any p is outside [0, 1] or NaN.

    ``values`` is ``float32[n]``, ``zones`` is ``uint8[n]`` (0..3; anything above is ignored), ``base`` and
    ``slope`` are float32 (0 and 1, or 1 and -1), ``counts`` is ``uint32[WAYS, SLOTS]`` and is added to.
    The bin of p is the number of k in 1..1000 with p >= float32(k / 1000): with j the grid point nearest
    to p it is j or j - 1, and ``float32(j) / float32(1000)`` is that grid point, correctly rounded.
    """
    places = np.empty(BLOCK, np.uint32)
    wrong = np.int32(0)
    first, second, third, fourth = counts[0], counts[1], counts[2], counts[3]
    for start in range(0, values.size, BLOCK):
        length = min(BLOCK, values.size - start)
        block, zone = values[start : start + length], zones[start : start + length]
        for i in range(length):
            p = base + slope * block[i]
            fine = (p >= _ZERO) & (p <= _ONE)
            wrong |= np.int32(not fine)
            p = p if fine else _ZERO
            j = np.int32(p * _THOUSAND + _HALF)
            bin = j - np.int32(p < np.float32(j) / _THOUSAND)
            places[i] = bin + np.int32(min(zone[i], _LEFT_OUT)) * np.int32(STRIDE)
        different = np.uint32(0)
        for i in range(length):
            different |= places[i] ^ places[0]
        if different == 0:  # a stretch of sure background: most of most images
            first[places[0]] += np.uint32(length)
            continue
        even = length - length % WAYS
        for i in range(0, even, WAYS):
            first[places[i]] += _STEP
            second[places[i + 1]] += _STEP
            third[places[i + 2]] += _STEP
            fourth[places[i + 3]] += _STEP
        for i in range(even, length):
            first[places[i]] += _STEP
    return wrong != 0


@_jit
def holds_a_class(mask):  # type: ignore[no-untyped-def]
    """Whether any of ``uint8[n]`` is neither 0 (background) nor 255 (ignored)."""
    for start in range(0, mask.size, 4096):
        part = mask[start : start + 4096]
        found = np.int64(0)
        for i in range(part.size):
            found |= np.int64(np.uint8(part[i] - np.uint8(1)) < np.uint8(254))
        if found:
            return True
    return False


@_jit
def write_bins(values, base, slope, bins):  # type: ignore[no-untyped-def]
    """Write the bin of ``p = base + slope * values`` into ``uint16`` ``bins``; p must lie in [0, 1]."""
    for i in range(values.size):
        p = base + slope * values[i]
        j = np.int32(p * _THOUSAND + _HALF)
        bins[i] = np.uint16(j - np.int32(p < np.float32(j) / _THOUSAND))
