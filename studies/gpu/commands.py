"""The command ``bench`` in a store of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def bench(folder: Path, *arguments: str) -> None:
    """Run it in a folder, with its home there.

    Raises:
        SystemExit: it failed; with its last words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "BENCH_HOME": str(folder / "home"), "BENCH_PROFILE": "none"}
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"bench {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
