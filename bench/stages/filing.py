"""A cell's record: the small JSON file that the board is made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import named_line
from bench.record import Record, State, record_of
from bench.stages.cell_run import CellRun, Note
from bench.stages.pictures import draw_pictures
from bench.stages.replicated import replicated
from bench.stages.scoring import Scoring, split_scores
from bench.store.records import write_record
from bench.store.replicates import replicates_file, write_replicates
from bench.store.store import stage_note


def filed(run: CellRun, notes: Mapping[str, Note], path: Path) -> Record:
    """The record of a cell, written to ``path`` when its pictures and the replicates of its test scores are there.

    It says that the cell is done, so it comes last: a cell that was killed before gets them from the repeated command.
    """
    record = _pictured(run, cell_record(run, notes), path.with_suffix(""))
    how, predict = _scoring(run), run.stages["predict"]
    found = replicated(run.folder("predict"), notes["predict"], how, None, predict.key)
    if found is not None:
        write_replicates(replicates_file(path.parent.parent, path.stem), found)
    write_record(path, record)
    return record


def _pictured(run: CellRun, record: Record, folder: Path) -> Record:
    """The record with the names of its pictures, drawn into a folder; a score is never lost to its picture.

    Raises:
        StoreError: they could not be drawn, and a file of the data set has changed.
    """
    try:
        drawn = draw_pictures(run, record, folder)
    except Exception as error:
        run.check_data()
        return record.changed(pictures_missing=named_line(error))
    return record.changed(pictures=[f"{folder.name}/{name}" for name in drawn])


def cell_record(run: CellRun, notes: Mapping[str, Note]) -> Record:
    """Score a cell from its stored evidence and gather what a reader of the board may ask for."""
    stages = run.stages
    filing = run.job.filing
    train, predict, crops = notes["train"], notes["predict"], notes.get("crops", {})
    source = _pretraining(run)
    badges = [*filing.get("badges", ()), *train.get("badges", ()), *source.get("badges", ())]
    return record_of(
        **{**filing, "badges": list(dict.fromkeys(badges))},
        state=State.OK,
        reason=None,
        scores=split_scores(run.folder("predict"), predict, _scoring(run)),
        last_step=predict["last_step"],
        ceiling=predict["ceiling"],
        convergence={
            "epoch": train["convergence_epoch"],
            "best_epoch": train["best_epoch"],
            "budget": filing["budget_epochs"],
        },
        parameters=train["parameters"],
        output_stride=train["output_stride"],
        **({"choice": train["choice"]} if train.get("choice") else {}),
        inert=crops.get("inert"),
        draw=crops.get("draw"),
        cost={
            "tiles_s": notes["tiles"]["seconds"],
            "crops_s": crops.get("seconds"),
            "train_s": train["seconds"],
            "pretrain_s": source.get("seconds"),
            "predict_s": predict["predict_s"],
            "image_latency_s": predict["predict_s"] / max(1, predict["images"]),
            "evidence_s": predict.get("evidence_s"),
            "crops_per_s": train.get("crops_per_s"),
            "step_s": train.get("step_s"),
            "validation_s": train.get("validation_s"),
            **({"continued": len(train["continued"])} if train.get("continued") else {}),
            "peak_memory_bytes": train.get("peak_memory_bytes"),
            "peak_memory_of": train.get("peak_memory_of"),
        },
        provenance={
            **train["provenance"],
            "data_fingerprint": stages["tiles"].facts["data"],
            "split_digest": stages["tiles"].facts["split"],
        },
    )


def _scoring(run: CellRun) -> Scoring:
    each = run.stages["train"].facts["classes"] == "each"
    return Scoring(run.catalog, run.stages["score"].facts["found"], each)


def _pretraining(run: CellRun) -> Mapping[str, Any]:
    """What the training of the source left behind; empty without one, or where it is no longer in the store."""
    key = run.stages["train"].needs.get("pretrain")
    note = stage_note(run.places.stage("train", key)) if key else None
    return note or {}
