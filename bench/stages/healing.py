"""Damaged stages of a cell that is at work: they lose their notes, so that they are done again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.stages.cell_run import CellRun
from bench.store.cache import damages_in
from bench.store.leases import if_idle
from bench.store.store import forget_stage


def forgot_damage(run: CellRun) -> bool:
    """Forget the damaged ones of the stages that a cell reads, where nobody else does them; whether there was one."""
    found = False
    for folder in filter(Path.is_dir, _read_by(run)):
        with if_idle(folder) as idle:
            if idle and any(damages_in(folder)):
                forget_stage(folder)
                found = True
    return found


def _read_by(run: CellRun) -> Iterator[Path]:
    """Folders of the stages of a chain, and of the training that it goes on from."""
    yield from (run.folder(kind) for kind in run.stages)
    source = run.stages["train"].needs.get("pretrain")
    if source is not None:
        yield run.places.stage("train", source)
