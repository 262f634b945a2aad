"""What TensorBoard reads from its files is what the records say, in the float32 that the format has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bench.catalog import load_catalog
from bench.testing import breaches
from trackers.conftest import Tracked


def accumulated(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    found.Reload()
    return found


def of_cells(tracked: Tracked) -> dict[str, Any]:
    """Cell id to what its folder holds."""
    logs = tracked.run / "observers" / "tensorboard"
    found = {}
    for id in tracked.records:
        (folder,) = logs.glob(f"*-{id[:8]}")
        found[id] = accumulated(folder)
    assert len(list(logs.iterdir())) == len(found) + 1  # the leaderboard's
    return found


def test_scores_and_costs_are_those_of_the_record_in_float32(tracked: Tracked) -> None:
    for id, events in of_cells(tracked).items():
        tags = [tag for tag in events.Tags()["scalars"] if not tag.startswith("epoch/")]
        written = {tag: [event.value for event in events.Scalars(tag)] for tag in tags}
        assert written == {name: [np.float32(value)] for name, value in tracked.numbers(id).items()}


def test_validations_are_those_of_the_history_in_float32(tracked: Tracked) -> None:
    for id, events in of_cells(tracked).items():
        for name in ("validation_f1", "validation_loss"):
            written = {event.step: event.value for event in events.Scalars(f"epoch/{name}")}
            assert written == {epoch: np.float32(value) for epoch, value in tracked.history(id, name).items()}


def test_pictures_are_the_files_of_the_run(tracked: Tracked) -> None:
    for id, events in of_cells(tracked).items():
        for name in tracked.records[id].pictures:
            path = tracked.run / "cells" / name
            (image,) = events.Images(f"pictures/{path.stem}")
            assert image.encoded_image_string == path.read_bytes()


def test_labels_and_settings_are_hyper_parameters(tracked: Tracked) -> None:
    from tensorboard.plugins.hparams import metadata

    for id, events in of_cells(tracked).items():
        content = events.PluginTagToContent("hparams")["_hparams_/session_start_info"]
        told = metadata.parse_session_start_info_plugin_data(content)
        assert told.hparams["axis.crop"].string_value == tracked.records[id].axes["crop"]
        assert told.hparams["recipe.epochs"].number_value == tracked.records[id].recipe["epochs"]


def test_a_training_that_goes_back_shows_each_epoch_once(tracked: Tracked, tmp_path: Path) -> None:
    from bench.component import build
    from bench.jobs import Epoch
    from bench.testing.observers import cell

    component = load_catalog().find("observer", "tensorboard").component
    for first, loss in ((1, 0.5), (2, 0.25)):
        observer = build(component, tmp_path, settings={})
        observer.cell_began(cell())
        for number in range(first, 4):
            observer.epoch_ended(cell(), Epoch(number, number, loss))
        for writer in observer.writers.values():
            writer.close()
    (folder,) = tmp_path.iterdir()
    written = [(event.step, event.value) for event in accumulated(folder).Scalars("epoch/train_loss")]
    assert written == [(1, 0.5), (2, 0.25), (3, 0.25)]


def test_it_keeps_the_contract_of_observers(tracked: Tracked) -> None:
    assert breaches("observer", load_catalog().find("observer", "tensorboard").component) == []
    assert json.loads((tracked.run / "leaderboard.json").read_text())
