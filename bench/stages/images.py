"""The stage ``images``: all preprocessed images of a data set in one file, which every other stage reads.

It is a form of storage: no other key and no record knows of it, and where it is gone it is made again.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from bench.crops.images import IMAGES, Images, build_images, open_images
from bench.stages.cell_run import CellRun, Note, finish
from bench.stages.environment import threads
from bench.stages.graph import Stage
from bench.stages.provenance import provenance


def stored_images(run: CellRun) -> Images:
    """The image store of a cell's data, written first where it is not on disk."""
    finish(run, "images", run_images)
    path = run.folder("images") / IMAGES
    found = path.stat()
    return _opened(path, found.st_ino, found.st_mtime_ns)


def run_images(run: CellRun, stage: Stage, folder: Path) -> Note:
    """Preprocess and store every image."""
    build_images(
        folder / IMAGES,
        key=stage.key,
        index=run.index,
        source=run.decoded,
        provenance=provenance(),
        workers=threads(),
        progress=run.counted("images"),
    )
    return {}


@lru_cache(maxsize=2)
def _opened(path: Path, _inode: int, _written: int) -> Images:
    """An image store that is opened, and its pixels checked, once by a worker; a file made anew is another one."""
    return open_images(path)
