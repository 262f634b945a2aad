"""A process that keeps another: whatever that one starts, in whatever way, ends with it.

Run as ``python -I -S keeper.py CONTROL FOLDER COMMAND...`` it starts the command in a session of its own. ``CONTROL``
is the descriptor of a socket: :data:`STOP` on it is passed on as SIGTERM, its end (whoever holds the other side has
closed it, or was killed) ends everything. At last the exit code is written to it, a signal as its number below zero,
and ``FOLDER``, the kept process's own, is removed.

On Linux orphans come to the keeper, so also those that left the session are found. Elsewhere the process group ends.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import NoReturn

STOP = b"T"
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PATIENCE_S = 10.0
"""Seconds in which processes that were killed must be gone; one that a driver holds back is left."""


def keep(control: int, folder: str, become: Callable[[], NoReturn]) -> NoReturn:
    """Fork a process that does ``become``, and keep it until it or the other side of ``control`` ends."""
    ask_linux(PR_SET_CHILD_SUBREAPER, 1)
    bell, ring = os.pipe()
    os.set_blocking(ring, False)
    signal.set_wakeup_fd(ring)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # with a handler, the end of a child is written to ``ring``
    kept = os.fork()
    if kept == 0:
        _begin(control)
        become()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a cluster sends it to all processes: that is for the kept one
    code = _watched(kept, control, bell)
    _end_all(kept)
    _remove(folder)
    with suppress(OSError):
        os.write(control, str(code).encode())
    os._exit(0)


def _begin(control: int) -> None:
    """What the kept process does first: a session of its own, and no life without its keeper."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.close(control)
    os.setsid()
    keeper = os.getppid()
    ask_linux(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)  # it was killed a moment too early


def _watched(kept: int, control: int, bell: int) -> int:
    """How the kept process ended, by itself or because ``control`` did; orphans are reaped on the way."""
    while True:
        ready, _, _ = select.select([control, bell], [], [])
        if bell in ready:
            os.read(bell, 1 << 12)
        for process, status in _reaped():
            if process == kept:
                return os.waitstatus_to_exitcode(status)
        if control in ready:
            asked = _said(control)
            with suppress(ProcessLookupError):
                os.kill(kept, signal.SIGTERM if asked else signal.SIGKILL)
            if not asked:
                return os.waitstatus_to_exitcode(os.waitpid(kept, 0)[1])


def _said(control: int) -> bytes:
    try:
        return os.read(control, 1)
    except OSError:
        return b""  # the other side was killed


def _reaped() -> Iterator[tuple[int, int]]:
    """Children that have ended, with their status."""
    with suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            yield process, status


def _end_all(kept: int) -> None:
    """Kill what the kept process left, again and again, as it may start others meanwhile, until nothing is below."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(kept, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for process in _below(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _below(keeper: int) -> list[int]:
    """All descendants that Linux tells of; none elsewhere."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if sys.platform == "linux" else ():  # noqa: PTH208 - as below
        if name.isdigit():
            children.setdefault(_parent(name), []).append(int(name))
    found: list[int] = []
    waiting = [keeper]
    while waiting:
        new = children.pop(waiting.pop(), [])
        found += new
        waiting += new
    return found


def _parent(process: str) -> int:
    """Id of the parent of a process; 0 where it has ended meanwhile."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:  # noqa: PTH123 - pathlib is slow to import
            told = file.read()
    except OSError:
        return 0
    return int(told[told.rindex(b")") + 1 :].split()[1])  # the name before may hold anything


def _remove(folder: str) -> None:
    import shutil  # it takes longer to import than all else here, and nobody waits for it now

    shutil.rmtree(folder, ignore_errors=True)


def ask_linux(option: int, value: int) -> None:
    """Set an option of this process; elsewhere there is none."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


def _become(command: list[str]) -> NoReturn:
    os.execv(command[0], command)  # noqa: S606 - our own interpreter


if __name__ == "__main__":
    keep(int(sys.argv[1]), sys.argv[2], partial(_become, sys.argv[3:]))
