"""Rounds in a process of their own: what an image takes depends on where the memory of a process lies."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
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

    def warm(self) -> None:
        """Wait until it is warm.

        Raises:
            BenchError: it ended before.
        """
        self._answer()

    def spell(self, least_s: float) -> Spell:
        """Rounds for so many seconds, or one round where that takes longer.

        Raises:
            BenchError: the process ended meanwhile.
        """
        self._pipe.send(least_s)
        found: Spell = self._answer()
        return found

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
        rounds.warm()
        pipe.send(None)
        while True:
            pipe.send(rounds.spell(pipe.recv()))
