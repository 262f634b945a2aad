"""Contained processes: they and whatever they start end when they are ended, or when this process is killed.

Their standard input is empty, what they print goes to a file, and they speak on a :class:`Channel`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from bench.contain import keeper
from bench.contain.channel import Channel, channel_pair

LAST_WORDS = 4000
"""Characters of what a process printed that are kept when it has ended."""
MOST_PRINTED = 64 * 10**6
"""Bytes that it may have printed before they are forgotten."""
PATIENCE_S = 120.0
"""Seconds in which a process must read what is sent to it; a new one imports first."""
STOPPED_S = keeper.PATIENCE_S + 5
"""Seconds in which a keeper must have ended all that it keeps."""


@dataclass(slots=True)
class Contained:
    """A process that is kept, as who started it sees it; ``words`` are the last that it printed, once it has ended."""

    channel: Channel
    _printed: IO[bytes]
    _control: socket.socket
    _folder: str
    _keeper: subprocess.Popen[bytes] | None
    _code: int | None = None
    words: str = ""

    def ask_to_stop(self) -> None:
        """Send it SIGTERM."""
        with suppress(OSError):
            self._control.send(keeper.STOP)

    def end(self) -> int:
        """End it with all that it started, if it has not ended: its exit code, or a signal below zero."""
        if self._code is None:
            with suppress(OSError):
                self._control.shutdown(socket.SHUT_WR)
            self._code = self._told()
            if self._keeper is not None:
                self._keeper.wait()
            self.words = self._last_words()
            for held in (self._control, self.channel, self._printed):
                held.close()
            shutil.rmtree(self._folder, ignore_errors=True)  # also where its keeper was killed
        return self._code

    def _told(self) -> int:
        """The exit code as the keeper tells it; one that was killed tells nothing, and has taken the process along."""
        told = b""
        self._control.settimeout(STOPPED_S)
        try:
            while chunk := self._control.recv(16):
                told += chunk
        except TimeoutError:
            if self._keeper is not None:
                self._keeper.kill()  # it does not run: somebody has stopped it
        except OSError:
            pass
        return int(told) if told else -signal.SIGKILL

    def trim(self) -> None:
        """Forget what it printed long ago: what nobody reads must not fill a disk."""
        if os.fstat(self._printed.fileno()).st_size > MOST_PRINTED:
            self._printed.truncate(0)

    def _last_words(self) -> str:
        size = self._printed.seek(0, os.SEEK_END)
        self._printed.seek(max(0, size - 4 * LAST_WORDS))
        return self._printed.read().decode(errors="replace")[-LAST_WORDS:]


def contain(module: str, environment: Mapping[str, str], naming: Sequence[str] = ()) -> Contained:
    """Start a module of ours as a process; the descriptor of its channel is its last argument.

    ``TMPDIR`` and the variables ``naming`` name a folder of its own, which is removed when it has ended.
    """
    import fcntl  # Windows has none, and imports this module to say what it lacks

    folder = tempfile.mkdtemp(prefix="bench-process-")
    printed = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
    fcntl.fcntl(printed, fcntl.F_SETFL, os.O_APPEND)  # the process writes at its end, also once it was emptied
    channel, theirs = channel_pair(PATIENCE_S)
    control, controlled = socket.socketpair()
    own = {**environment, **dict.fromkeys(("TMPDIR", *naming), folder)}
    try:
        keeping = start(module, (theirs.fileno(), controlled.fileno(), printed.fileno()), folder, own)
    except BaseException:
        for held in (channel, control, printed):
            held.close()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        theirs.close()
        controlled.close()
    return Contained(channel, printed, control, folder, keeping)


def start(
    module: str, descriptors: tuple[int, int, int], folder: str, environment: Mapping[str, str]
) -> subprocess.Popen[bytes] | None:
    """Start a module under its keeper; the descriptors are of its channel, the keeper's control and what it prints.

    Nothing is imported from the current folder.
    """
    channel, control, printed = descriptors
    keeping = [sys.executable, "-I", "-S", keeper.__file__, str(control), folder]
    return subprocess.Popen(
        [*keeping, sys.executable, "-P", "-m", module, str(channel)],
        stdin=subprocess.DEVNULL,
        stdout=printed,
        stderr=printed,
        env=dict(environment),
        pass_fds=(channel, control),
        start_new_session=True,  # what a terminal sends to the command is not for it
    )
