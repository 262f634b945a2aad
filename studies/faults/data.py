"""Images and masks that vanish or change while a run is at work, and are there again when it is repeated."""

from __future__ import annotations

import random
import time
from pathlib import Path

from studies.faults import shell
from studies.faults.trial import Outcome, Undisturbed, ended, fresh, repeated


def trial(whole: Undisturbed, rng: random.Random) -> Outcome:
    """Take files away or spoil them at a random instant; put them back, and repeat."""
    with fresh(whole) as folder:
        files = sorted((folder / "parts").rglob("*.png"))
        hit = {path: path.read_bytes() for path in rng.sample(files, rng.randint(1, len(files)))}
        what = rng.choice(("vanish", "cut short", "emptied", "made folders"))
        process = shell.started(folder)
        time.sleep(rng.uniform(0.0, 0.8) * whole.seconds)
        for path, held in hit.items():
            _spoil(what, path, held)
        code = ended(process)
        heard = shell.said(folder)
        for path, held in hit.items():
            if path.is_dir():
                path.rmdir()
            path.write_bytes(held)
        if code is None or "Traceback" in heard or "internal error" in heard:
            return Outcome(f"data {what}", f"ended with {code}: {heard[-1500:]}")
        return Outcome(f"data {what}", repeated(folder, whole))


def _spoil(what: str, path: Path, held: bytes) -> None:
    if what == "cut short":
        path.write_bytes(held[: len(held) // 2])
    elif what == "emptied":
        path.write_bytes(b"")
    else:
        path.unlink()
        if what == "made folders":
            path.mkdir()
