"""Files as one stream of bytes and back: each piece is a name, a size, the content, and a digest of all three.

Nothing in a stream is run or followed: a name leads below the folder that a stream is unpacked into, and a file is
there under its name when all of it has come and its digest is right.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from bench.canonical import DIGEST_BYTES
from bench.errors import Damaged

HEAD = struct.Struct("!HQ")
"""Bytes of the name, and of the content."""
CHUNK = 1 << 22
"""Bytes that are read and sent at once."""
LONGEST = 512
"""Bytes of a name."""
LARGEST = 16 * 10**9
"""Bytes of one file: weights and checkpoints are the largest."""
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*(/[A-Za-z0-9_][A-Za-z0-9_.\-]*){0,7}")
"""Plain names below each other: none is absolute, none begins with a dot."""
UNFINISHED = ".piece"
"""The file that is being unpacked."""


def is_name(name: str) -> bool:
    """Whether a piece may be called so."""
    return len(name.encode()) <= LONGEST and NAME.fullmatch(name) is not None


def packed_bytes(name: str, content: bytes) -> bytes:
    """A piece of some bytes."""
    piece = _head(name, len(content)) + content
    return piece + blake2b(piece, digest_size=DIGEST_BYTES).digest()


def packed_file(name: str, path: Path) -> Iterator[bytes]:
    """A piece of a file, some megabytes at a time: the file as it was when it was opened, though it may be replaced.

    Raises:
        OSError: it cannot be read, or is cut short meanwhile.
    """
    with path.open("rb") as file:
        left = file.seek(0, 2)
        file.seek(0)
        head = _head(name, left)
        hashed = blake2b(head, digest_size=DIGEST_BYTES)
        yield head
        while left:
            content = file.read(min(CHUNK, left))
            if not content:
                raise OSError(f"{path}: it was cut short while it was read")
            hashed.update(content)
            left -= len(content)
            yield content
    yield hashed.digest()


def _head(name: str, size: int) -> bytes:
    if not is_name(name):
        raise ValueError(f"{name!r} cannot be the name of a piece")
    if size > LARGEST:
        raise ValueError(f"{name}: more than {LARGEST // 10**9} GB")
    return HEAD.pack(len(name), size) + name.encode()


@dataclass(slots=True)
class Unpacking:
    """A stream on its way into a folder; ``may`` says of a name whether it is expected."""

    folder: Path
    may: Callable[[str], bool]
    _pending: bytearray = field(default_factory=bytearray)
    _piece: _Piece | None = None

    def feed(self, content: bytes) -> list[str]:
        """Take the next bytes; names of the files that are whole with them, in the order they came.

        Raises:
            Damaged: the bytes are not those that were packed, or hold a file that nobody expects.
            OSError: a file cannot be written.
        """
        self._pending += content
        whole = []
        while self._begun() and (name := self._ended()) is not None:
            whole.append(name)
        return whole

    def finish(self) -> None:
        """Say that nothing more comes.

        Raises:
            Damaged: it ended within a piece.
        """
        if self._piece is not None or self._pending:
            raise Damaged("the bytes ended too early")

    def close(self) -> None:
        """Forget what is unfinished."""
        if self._piece is not None:
            self._piece.file.close()
            self._piece = None

    def _begun(self) -> bool:
        """Whether there is a piece to go on with, a new one where its head has come."""
        if self._piece is not None:
            return True
        if len(self._pending) < HEAD.size:
            return False
        length, size = HEAD.unpack_from(self._pending)
        if length > LONGEST or size > LARGEST:
            raise Damaged("the bytes are none of bench's")
        if len(self._pending) < HEAD.size + length:
            return False
        head = bytes(self._pending[: HEAD.size + length])
        del self._pending[: len(head)]
        name = head[HEAD.size :].decode("ascii", "replace")
        if not is_name(name) or not self.may(name):
            raise Damaged(f"a file came that nobody expects: {name!r}")
        file = (self.folder / UNFINISHED).open("wb")
        self._piece = _Piece(name, file, size, blake2b(head, digest_size=DIGEST_BYTES))
        return True

    def _ended(self) -> str | None:
        """Write what has come of the piece; its name where that was all."""
        piece = self._piece
        assert piece is not None
        content = bytes(self._pending[: piece.left])
        del self._pending[: len(content)]
        piece.file.write(content)
        piece.hashed.update(content)
        piece.left -= len(content)
        if piece.left or len(self._pending) < DIGEST_BYTES:
            return None
        self.close()
        digest = bytes(self._pending[:DIGEST_BYTES])
        del self._pending[:DIGEST_BYTES]
        if piece.hashed.digest() != digest:
            raise Damaged(f"{piece.name}: its content is not what was sent")
        path = self.folder / piece.name
        path.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / UNFINISHED).replace(path)
        return piece.name


@dataclass(slots=True)
class _Piece:
    """The piece that is being unpacked, and how many bytes of it are still to come."""

    name: str
    file: BinaryIO
    left: int
    hashed: blake2b
