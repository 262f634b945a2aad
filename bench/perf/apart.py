"""Rounds in a process of their own: what an image takes depends on where the memory of a process lies."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from math import inf
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from bench.errors import BenchError
from bench.perf.rounds import Rounds, Spell


class Apart:
    """Spells of the rounds that ``make`` makes in a new process, which imports and builds all anew.

    ``make`` and all that it holds is pickled. Errors there are told on standard error.
    """

    def __init__(self, make: Callable[[], Rounds]) -> None:
        new = get_context("spawn")  # a fork would have the memory of this process
        self._pipe, theirs = new.Pipe()
        self._process = new.Process(target=_serve, args=(make, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def warm(self, until: float) -> bool:
        """Wait until it is warm, or until that time of the monotonic clock; whether it is.

        Raises:
            BenchError: it ended before.
        """
        return self._pipe.poll(max(0.0, until - time.monotonic())) and self._answer() is not None

    def spell(self, least_s: float) -> Spell:
        """Rounds for so many seconds, or one round where that takes longer.

        Raises:
            BenchError: the process ended meanwhile.
        """
        self._pipe.send(least_s)
        found: Spell = self._answer()
        return found

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.is_alive()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.join()

    def _answer(self) -> Any:
        try:
            return self._pipe.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            raise BenchError(f"a process that measures ended with code {code}; standard error says why") from None


def _serve(make: Callable[[], Rounds], pipe: Connection) -> None:
    """Answer until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the asking process's to answer
    with suppress(EOFError), redirect_stdout(sys.stderr):  # a plugin may print
        rounds = make()
        pipe.send(rounds.warm(inf))
        while True:
            pipe.send(rounds.spell(pipe.recv()))
