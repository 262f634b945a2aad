"""Signs of life of work that may take long, and how long a command waits for a plugin that gives none.

A worker passes signs of life on to its launcher, which ends it when there are none. In a command nobody listens, so it
waits for the code of third parties for a limited time.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from bench.errors import PluginError

TIMEOUT = "BENCH_PLUGIN_TIMEOUT"
"""The variable for seconds that the code of a plugin may take in a command, to load and at each call."""
CALL_S = 120.0

_LISTENER: ContextVar[Callable[[], None] | None] = ContextVar("listener", default=None)


def sign_of_life() -> None:
    """Say that the work moves."""
    listener = _LISTENER.get()
    if listener is not None:
        listener()


@contextmanager
def heard_by(listener: Callable[[], None]) -> Iterator[None]:
    """Within, a listener is called at every sign of life that this thread gives."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def plugin_seconds(usual: float) -> float:
    """Seconds that a plugin may take.

    Raises:
        PluginError: the variable that says so is no number.
    """
    said = os.environ.get(TIMEOUT)
    try:
        return float(said) if said else usual
    except ValueError:
        raise PluginError(f"{TIMEOUT}={said!r} is no number of seconds; unset it, or write one such as 300") from None


def call_seconds() -> float | None:
    """Seconds that this thread waits for one call of a plugin; None where somebody hears signs of life."""
    return plugin_seconds(CALL_S) if _LISTENER.get() is None else None


class Overdue(BaseException):
    """A plugin takes too long; no ``except Exception`` of its own stops this."""


class Hanging(PluginError):
    """A plugin does not return on a thread, which cannot be ended while this process lives."""


def overdue(what: str, seconds: float | None) -> str:
    """What to say of code that is late."""
    return f"{what} has not ended within {seconds or 0:g} seconds; {TIMEOUT} allows more"


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Within, the main thread is interrupted when so many seconds are over; other threads and None have no limit.

    Raises:
        Overdue: they are.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread() or _is_limited():
        yield
        return

    def ring(*_signal: object) -> None:
        raise Overdue

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again each second: the plugin may catch it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def _is_limited() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0
