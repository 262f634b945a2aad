"""What the launcher ``ray`` runs on the nodes of a cluster: commands, and a mailbox for what they write."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ray import ObjectRef

PR_SET_PDEATHSIG = 1
CHUNK = 1 << 22
"""Bytes of what a command writes that are sent at once."""
PIPE_BYTES = 1 << 20
"""Bytes that a pipe is asked to hold, so that no message to the mailbox is small; Linux alone heeds it."""
HELD = 1 << 28
"""Bytes that the mailbox holds; whoever has more waits until this machine has taken some."""
FULL_S = 0.2
"""Seconds after which a full mailbox is tried again."""
LOOK_S = 0.2
"""Seconds between two looks whether a command has ended, or a stop was asked for."""
LAST_WORDS = 4000
"""Bytes of what a command printed that are kept."""


class Mailbox:
    """What commands have written and this machine has not taken yet: an actor on its node, gone with the driver."""

    def __init__(self) -> None:
        self.held: list[tuple[str, str, bytes]] = []
        self.size = 0

    def put(self, id: str, node: str, content: bytes) -> bool:
        """Take some bytes; whether there was room."""
        if self.size >= HELD:
            return False
        self.held.append((id, node, content))
        self.size += len(content)
        return True

    def take(self) -> list[tuple[str, str, bytes]]:
        """All that is held."""
        taken, self.held, self.size = self.held, [], 0
        return taken


def perform(words: Sequence[str], log: str, folder: str, environment: Mapping[str, str]) -> int:
    """Run a command on a node; its exit code."""
    with Path(log).open("ab") as printed:
        return ended(started(words, environment, folder, subprocess.DEVNULL, printed, printed))


def carry(
    id: str, words: Sequence[str], pieces: Sequence[ObjectRef[bytes]], mailbox: Any, environment: Mapping[str, str]
) -> bytes:
    """Run a command with this node's Python, with what it needs on its standard input; the last that it printed.

    What it writes goes to the mailbox, from a thread of its own: a stop interrupts the one that waits.
    """
    import ray

    node = ray.get_runtime_context().get_node_id()
    python = [sys.executable, *words]
    with tempfile.TemporaryFile() as printed:
        process = started(python, environment, None, subprocess.PIPE, subprocess.PIPE, printed)
        threads = [Thread(target=feed, args=(process, pieces))]
        threads.append(Thread(target=forward, args=(process, mailbox, id, node)))
        try:
            for thread in threads:
                thread.start()
            ended(process)
            for thread in threads:
                thread.join()
        finally:
            process.kill()  # where this was interrupted elsewhere than in its waiting
        printed.seek(max(0, printed.seek(0, os.SEEK_END) - LAST_WORDS))
        return printed.read()


def feed(process: subprocess.Popen[bytes], pieces: Sequence[ObjectRef[bytes]]) -> None:
    """Write pieces to the standard input of a process, one after the other; it may have ended before."""
    import ray

    assert process.stdin is not None
    try:
        with suppress(OSError), process.stdin as file:
            for piece in pieces:
                file.write(ray.get(piece))
    except ray.exceptions.RayError:
        process.kill()


def forward(process: subprocess.Popen[bytes], mailbox: Any, id: str, node: str) -> None:
    """Send what a process writes; without a mailbox nobody wants it, and the process ends."""
    import ray

    assert process.stdout is not None
    try:
        while content := os.read(process.stdout.fileno(), CHUNK):
            while not ray.get(mailbox.put.remote(id, node, content)):
                time.sleep(FULL_S)
    except ray.exceptions.RayError:
        process.kill()


def started(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: str | None,
    into: int,
    out: int | IO[bytes],
    printed: IO[bytes],
) -> subprocess.Popen[bytes]:
    """A command as a process in a session of its own, which ends with this one."""
    return subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=into,
        stdout=out,
        stderr=printed,
        pipesize=PIPE_BYTES,
        start_new_session=True,
        preexec_fn=_end_with_parent,
    )


def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process, which is asked to stop where this one is interrupted; its exit code.

    Ray's interruption sets a mark for Python and wakes nothing, so nobody may wait for long at a time.
    """
    while True:
        try:
            code = process.poll()
            if code is not None:
                return code
            time.sleep(LOOK_S)
        except KeyboardInterrupt:
            process.terminate()


def _end_with_parent() -> None:
    """Have Linux kill this process when the one that started it has ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
