"""The standard streams of the command: open, in whatever encoding, and in the end no reason to give up a run."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


class _Lasting(io.FileIO):
    """A file that takes everything: what its disk or its reader does not take any more is lost."""

    def write(self, content: object) -> int:
        """Write what can be written; the number of bytes is always that of ``content``."""
        view = memoryview(content)  # type: ignore[arg-type]  # bytes or the like: FileIO types it no better
        left = view.cast("B")
        try:
            while left and (written := super().write(left)):
                left = left[written:]
        except OSError:
            pass
        return view.nbytes


def lasting(stream: TextIO) -> TextIO:
    """A stream that loses what cannot be written, in place of one that is a file; any other is left as it is."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):  # of memory, or closed
        return stream
    file = io.BufferedWriter(_Lasting(number, "w", closefd=False))
    return io.TextIOWrapper(file, stream.encoding, "backslashreplace", line_buffering=True)


def open_streams() -> None:
    """Have all three streams, printing what their encoding lacks as escapes, and let no message end a command."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # it was closed, and the next file that is opened would take its place
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stderr = lasting(sys.stderr)
