"""Canonical JSON and digests: the one way ids and keys are made."""

from __future__ import annotations

import json
from functools import partial
from hashlib import blake2b, file_digest
from pathlib import Path

from bench.types import JsonValue

DIGEST_BYTES = 16
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: JsonValue) -> bytes:
    """Encode as JSON with sorted keys, no spaces, UTF-8, and no NaN; equal values give equal bytes.

    A file name that is not UTF-8 is text with lone surrogates: each becomes three bytes that no other text has.

    Raises:
        ValueError: the value holds NaN or infinity.
        TypeError: the value holds something JSON does not have.
    """
    return ENCODER.encode(value).encode("utf-8", "surrogatepass")


def digest(value: JsonValue) -> str:
    """BLAKE2b-128 of the canonical JSON, 32 hexadecimal characters."""
    return blake2b(canonical(value), digest_size=DIGEST_BYTES).hexdigest()


def digest_file(path: Path) -> str:
    """BLAKE2b-128 of a file's bytes, 32 hexadecimal characters."""
    with path.open("rb") as file:
        return file_digest(file, partial(blake2b, digest_size=DIGEST_BYTES)).hexdigest()


def printable(text: str) -> str:
    """The text in one line that any terminal and file takes: what cannot be printed is escaped, as ``repr`` does."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)
