"""JSON files that carry a digest of their own content, so that a changed byte is noticed when they are read.

The first line holds the key ``digest``: BLAKE2b-128 of all bytes after that line. Files of versions before 2026-11-29
have none and are read as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from bench.canonical import DIGEST_BYTES

DIGEST = "digest"
"""The first key of a sealed file; no other JSON of ours has a key of this name on top."""


def sealed(members: str) -> bytes:
    """A JSON object in UTF-8 of ``members``, which end with the closing brace, behind their digest."""
    content = members.encode()
    return f'{{"{DIGEST}": "{_digest(content)}",\n'.encode() + content


def unsealed(content: bytes, parse: Callable[[bytes], Any] = json.loads) -> Any:
    """What JSON in UTF-8 holds, without its digest where it has one; ``parse`` may have bounds of its own.

    Raises:
        ValueError: it is no JSON, beyond the bounds of ``parse``, or not what was sealed.
    """
    value = parse(content)
    if isinstance(value, dict) and DIGEST in value and value.pop(DIGEST) != _digest(content.partition(b"\n")[2]):
        raise ValueError("its content is not what was written")
    return value


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=DIGEST_BYTES).hexdigest()
