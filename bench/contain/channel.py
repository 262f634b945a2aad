"""A channel between two processes on which only they can speak.

A message is JSON in a frame: the channel's token, the length, the JSON. The token is random, made anew for each
channel, and crosses as its first bytes. Whatever else is written to the descriptor makes a frame wrong and is noticed.
What is needed of Python is bound before a plugin is loaded, so that one that changes ``json`` changes nothing here.
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from hmac import compare_digest
from json import JSONDecoder, JSONEncoder
from os import _exit, close, getpid
from secrets import randbelow, token_bytes
from select import select
from threading import Lock
from time import monotonic
from typing import Any

TOKEN_BYTES = 16
HEAD = struct.Struct(f"!{TOKEN_BYTES}sI")
LARGEST = 1 << 26
"""Bytes of one message at most."""
LOWEST, HIGHEST = 100, 4096
"""Descriptors among which that of a channel is chosen."""


class _Encoder(JSONEncoder):
    """JSON as it was when this was imported, whatever is done to the methods of its base."""

    encode, iterencode, default = JSONEncoder.encode, JSONEncoder.iterencode, JSONEncoder.default


class _Decoder(JSONDecoder):
    """The same."""

    decode, raw_decode = JSONDecoder.decode, JSONDecoder.raw_decode


ENCODE, DECODE = _Encoder().encode, _Decoder().decode


class Garbled(Exception):
    """Something was written to a channel that is none of its messages."""


class Channel:
    """One end of a channel. Several threads may send; the copies that a fork makes may not, and end when they try."""

    def __init__(self, end: socket.socket, token: bytes) -> None:
        self._end = end
        self._token = token
        self._owner = getpid()
        self._sending = Lock()
        self._pending = bytearray()
        self._waiting: deque[Any] = deque()

    def fileno(self) -> int:
        """The descriptor, to wait on."""
        return self._end.fileno()

    def check_owner(self) -> None:
        """End this process if it is a copy of the one whose channel this is."""
        if getpid() != self._owner:
            _exit(1)

    def send(self, message: Any) -> None:
        """Send a message of plain JSON values.

        Raises:
            OSError: the other side is gone, or does not read.
        """
        self.check_owner()
        content = ENCODE(message).encode()
        with self._sending:
            self._end.sendall(HEAD.pack(self._token, len(content)) + content)

    def read(self) -> list[Any] | None:
        """The messages that are whole with what comes next; None where the other side is gone.

        Raises:
            Garbled: somebody else has written to the channel.
        """
        try:
            chunk = self._end.recv(1 << 16)
        except ConnectionResetError:
            return None
        if not chunk:
            return None
        self._pending += chunk
        messages = []
        while (content := self._whole()) is not None:
            try:
                messages.append(DECODE(content.decode()))
            except (ValueError, RecursionError):
                raise Garbled from None
        return messages

    def next(self, deadline: float | None = None) -> Any:
        """Wait for a message, until ``deadline`` of the monotonic clock; None where the other side is gone.

        Raises:
            TimeoutError: none has come.
            Garbled: as in :meth:`read`.
        """
        while not self._waiting:
            if deadline is not None and not select([self._end], [], [], max(0.0, deadline - monotonic()))[0]:
                raise TimeoutError
            messages = self.read()
            if messages is None:
                return None
            self._waiting += messages
        return self._waiting.popleft()

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def _whole(self) -> bytes | None:
        """Take the first frame if all of it has come."""
        begun = bytes(self._pending[:TOKEN_BYTES])
        if not compare_digest(begun, self._token[: len(begun)]):
            raise Garbled
        if len(self._pending) < HEAD.size:
            return None
        _, length = HEAD.unpack_from(self._pending)
        if length > LARGEST:
            raise Garbled
        end = HEAD.size + length
        if len(self._pending) < end:
            return None
        content = bytes(self._pending[HEAD.size : end])
        del self._pending[:end]
        return content


def channel_pair(patience: float) -> tuple[Channel, socket.socket]:
    """A channel and the socket of its other end, on which the token is the first to be read.

    To send on the channel takes at most ``patience`` seconds.
    """
    ours, theirs = socket.socketpair()
    ours.settimeout(patience)
    token = token_bytes(TOKEN_BYTES)
    ours.sendall(token)
    return Channel(ours, token), theirs


def joined(descriptor: int) -> Channel:
    """The other end of a channel, moved to a descriptor that nobody can guess and that no program started here gets.

    Raises:
        EOFError: the first end is gone.
    """
    import resource  # Windows, which is refused in a sentence, has neither
    from fcntl import F_DUPFD_CLOEXEC, fcntl

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    highest = HIGHEST if limit == resource.RLIM_INFINITY else min(HIGHEST, limit)
    hidden = fcntl(descriptor, F_DUPFD_CLOEXEC, LOWEST + randbelow(max(1, highest - 2 * LOWEST)))
    close(descriptor)
    end = socket.socket(fileno=hidden)
    token = end.recv(TOKEN_BYTES, socket.MSG_WAITALL)
    if len(token) < TOKEN_BYTES:
        raise EOFError("the channel was closed before it began")
    return Channel(end, token)
