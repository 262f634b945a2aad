"""A wish that this process stop, sent by a signal, and whether somebody at work answers it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

STOPPED = 143
"""Exit code of a process that ended because it was asked to by SIGTERM, as a shell counts them."""


@dataclass
class Stop:
    """Whether a stop was asked for. While nobody heeds it the process ends at once."""

    asked: bool = False
    _heeded: bool = False

    def ask(self, *_signal: object) -> None:
        """Ask for a stop; a handler of signals."""
        self.asked = True
        if not self._heeded:
            os._exit(STOPPED)

    @contextmanager
    def heeded(self, heeded: bool = True) -> Iterator[None]:
        """Within, somebody looks at ``asked`` every few moments."""
        self._heeded = heeded
        try:
            yield
        finally:
            self._heeded = False
