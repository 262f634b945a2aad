"""The tests that want a GPU: the same numbers twice, equal batches in every form, the proof, memory."""

from __future__ import annotations

import os
import subprocess
import sys

from studies.gpu.checkout import ROOT
from studies.gpu.figures import Part
from studies.gpu.sizes import FULL, Sizes


def measure(part: Part, sizes: Sizes) -> None:
    """Run ``tests/gpu``; what failed is printed and ends the part.

    Raises:
        SystemExit: a test failed.
    """
    dry = {} if sizes is FULL else {"BENCH_GPU_DRY": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(ROOT / "tests" / "gpu")],
        cwd=ROOT,
        env={**os.environ, **dry},
        capture_output=True,
        text=True,
        check=False,
    )
    part.note(f"`tests/gpu`: {done.stdout.strip().splitlines()[-1] if done.stdout.strip() else 'no answer'}.")
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
