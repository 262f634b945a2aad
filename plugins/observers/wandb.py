"""Weights & Biases: a run for each cell, all of a suite in one group of the suite's project, and one for the suite.

Ids of runs are those of cells: a cell that goes on goes on in its run. Offline, each time it goes on is a folder of its
own for that run, as W&B has it; ``wandb sync`` puts them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.api import (
    About,
    CellResult,
    Component,
    Epoch,
    ObservedCell,
    ObservedRun,
    Observer,
    PluginError,
    RunResult,
    hookimpl,
)

if TYPE_CHECKING:
    import wandb

LONGEST_NAME = 128
INTERRUPTED = 255
"""The exit code by which W&B takes a run for interrupted."""


class Wandb(Observer):
    """Opens a run for every cell at work, beside each other in one process."""

    def __init__(self, **common: Any) -> None:
        self.common = common
        self.runs: dict[str, wandb.Run] = {}

    def run_began(self, run: ObservedRun) -> None:
        """Take the suite's name for project and group, where none is set."""
        self.common["project"] = self.common["project"] or run.suite
        self.common["group"] = run.suite

    def cell_began(self, cell: ObservedCell) -> None:
        """Open its run with labels and settings."""
        config = {"axes": dict(cell.axes), **cell.settings}
        run = self._opened(cell.id, cell.name, "cell", config)
        run.define_metric("epoch/*", step_metric="epoch/epoch")
        self.runs[cell.id] = run

    def epoch_ended(self, cell: ObservedCell, epoch: Epoch) -> None:
        """Log what is known of it; its number is the axis."""
        self.runs[cell.id].log({f"epoch/{name}": value for name, value in asdict(epoch).items() if value is not None})

    def cell_ended(self, cell: ObservedCell, result: CellResult) -> None:
        """Summarise scores and costs, log pictures, and close the run."""
        import wandb

        run, record = self.runs.pop(cell.id), result.record
        for split, scores in record.scores.items():
            run.summary.update({f"{split}/{name}": value for name, value in scores.numbers.items()})
        run.summary.update({f"cell/{name}": value for name, value in record.facts.items()})
        run.summary.update({"state": record.state.word, "reason": record.reason})
        pictures = {f"pictures/{path.stem}": wandb.Image(str(path)) for path in result.pictures}
        if pictures:
            run.log(pictures)
        run.finish(exit_code=int(record.reason is not None))

    def run_ended(self, run: ObservedRun, result: RunResult) -> None:
        """Keep the leaderboard with a run for the suite, and close what is open."""
        for open_run in self.runs.values():
            open_run.finish(exit_code=INTERRUPTED)
        if result.files:
            whole = self._opened(f"suite-{run.id}", run.suite, "suite", {"profile": run.profile, "cells": run.cells})
            for path in result.files:
                whole.save(str(path), base_path=str(path.parent), policy="now")
            whole.finish()

    def _opened(self, id: str, name: str, kind: str, config: Mapping[str, Any]) -> wandb.Run:
        import wandb

        return wandb.init(
            **self.common,
            id=id,
            name=name[:LONGEST_NAME],
            job_type=kind,
            config=dict(config),
            resume="allow",
            reinit="create_new",
            allow_val_change=True,
        )


def build(
    folder: Path,
    /,
    *,
    project: str | None = None,
    entity: str | None = None,
    mode: Literal["online", "offline"] | None = None,
) -> Observer:
    """Track a run with Weights & Biases.

    ``project`` is by default called as the suite, ``entity`` the user or team that it belongs to. ``mode`` null is what
    ``WANDB_MODE`` says, else online, after ``wandb login``. Files lie in the observer's folder.
    """
    try:
        import wandb
    except ImportError:
        raise PluginError("the observer 'wandb' needs Weights & Biases: pip install \"defectbench[wandb]\"") from None
    settings = wandb.Settings(
        console="off",
        silent=True,
        save_code=False,
        disable_git=True,
        disable_job_creation=True,
        x_disable_stats=True,  # of a process that computes nothing
        x_disable_meta=True,
    )
    return Wandb(project=project, entity=entity, mode=mode, dir=str(folder), settings=settings)


@hookimpl
def bench_observers() -> Iterable[Component[Observer]]:
    """Offer it."""
    yield Component("wandb", build, about=About("runs of Weights & Biases, one for each cell; needs the extra 'wandb'"))
