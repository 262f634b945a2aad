"""A call that is made in a copy of this process first: what would end the process ends the copy."""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from bench.contain.keeper import PR_SET_PDEATHSIG, ask_linux

LOOK_S = 0.002
"""Seconds between two looks whether the copy has ended."""


def how_it_ends_a_process(call: Callable[[], object], seconds: float) -> str | None:
    """Make a call in a copy of this process, and say how that ended; None where the call returns or raises.

    Nothing is done where a copy would not work as this process does: not on Linux, or with threads of torch.

    Raises:
        TimeoutError: after so many seconds it has done neither.
    """
    if sys.platform != "linux" or "torch" in sys.modules:
        return None
    heard, told = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of this process do nothing that the copy needs
        copy = os.fork()
    if copy == 0:
        _perform(call, told)
    os.close(told)
    try:
        code = _ended(copy, time.monotonic() + seconds)
        os.set_blocking(heard, False)
        returned = code == 0 and _read(heard) == b"."
    finally:
        os.close(heard)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(copy, signal.SIGKILL)
    if returned:
        return None
    return f"is ended by signal {-code}" if code < 0 else f"ends with exit code {code}"


def _perform(call: Callable[[], object], told: int) -> NoReturn:
    """What the copy does: the call, in silence, and a word when that is done."""
    try:
        os.setsid()
        ask_linux(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nothing, descriptor)
        with suppress(BaseException):
            call()
        os.write(told, b".")
    finally:
        os._exit(0)


def _ended(copy: int, deadline: float) -> int:
    """The exit code of the copy, a signal as its number below zero.

    Raises:
        TimeoutError: it was killed at the deadline.
    """
    try:
        while True:
            process, status = os.waitpid(copy, os.WNOHANG)
            if process:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(LOOK_S)
    except BaseException:  # also Ctrl-C
        os.kill(copy, signal.SIGKILL)
        os.waitpid(copy, 0)
        raise


def _read(descriptor: int) -> bytes:
    with suppress(BlockingIOError):
        return os.read(descriptor, 2)
    return b""
