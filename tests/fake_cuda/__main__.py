"""The process with the fake device: reads cases from its input, one a line, and answers each by a line."""

from __future__ import annotations

import json
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.train.device import settle
from fake_cuda import cases
from fake_cuda.device import REPOSITORY, fake_device, ours


def told(kind: str, *arguments: Any) -> dict[str, Any]:
    """The waits of a case, and the error that ended it, with the place in this repository that caused it."""
    refused = None
    with fake_device() as device:
        try:
            getattr(cases, kind)(*arguments)
        except Exception as error:  # the test says which one is expected
            refused = f"{error} ({place(error)})"
    return {"waits": [asdict(wait) for wait in device.waits], "refused": refused}


def place(error: Exception) -> str:
    """The line of this repository that an error comes from."""
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if ours(Path(frame.filename))]
    return f"{Path(lines[-1].filename).relative_to(REPOSITORY)}:{lines[-1].lineno}"


if __name__ == "__main__":
    settle(threads=1)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(told(*json.loads(line))) + "\n")
        sys.stdout.flush()
