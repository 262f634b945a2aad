"""Where bench may wait for a GPU, tried without one: on the fake device of :mod:`fake_cuda`.

A training queues its steps and goes on; where it waits, the device is idle. So the rule: what stays on the device is
sent before the first step, an epoch reads its losses once, a validation once its counts and once whether all weights
are finite, and a prediction is awaited once. All else is an error, and so is what a device refuses: tensors and
generators of the host in its operations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import dropwhile, product

import pytest

from bench.catalog import load_catalog
from bench.suite.optimisers import OPTIMISERS
from fake_cuda.library import why_not
from fake_cuda.process import Process, Told, started
from fake_cuda.sizes import EPOCHS, VALIDATIONS
from light_models import LIGHT

CATALOG = load_catalog()
AN_EPOCH = {"mean_loss"}
A_VALIDATION = {"check_weights", "Validator.__call__"}
"""What reads from the device, once each; nothing depends on the number of steps and batches."""
BEFORE = {"place", "normalisation", "resident", "copied"}
"""What may wait before the first step, while model and crops or an image are sent."""
BESIDE = {"copied", "_Buffer.read", "synchronise"}
"""What may wait later too: to keep the best weights, in a thread that reads ahead, and for the clock at the end."""
READS_IN_A_STEP = "adafactor"
"""The one optimiser in which torch itself reads from the device, two norms of every parameter in every step."""
IN_A_STEP = {
    "draws_there_from_a_generator_of_the_host": "draws on the device from a generator of the host",
    "reads_a_number": "a number is read",
    "decides_by_a_number": "a number is read",
    "reads_a_list": "a tensor is read",
    "brings_a_tensor_back": "a tensor is read",
    "selects_by_a_mask": "takes a mask as an index",
    "fills_by_a_mask": "takes a mask as an index",
    "counts_classes": "bincount.default waits",
    "finds_places": "nonzero.default waits",
    "mixes_by_an_index_of_the_host": "takes an index from the host",
    "mixes_by_a_list": "a tensor is sent by a copy that blocks",
    "sends_by_a_copy_that_blocks": "a tensor is sent by a copy that blocks",
    "sends_from_memory_that_is_not_pinned": "a tensor is sent from memory that is not pinned",
    "sends_a_number": "a tensor is sent by a copy that blocks",
    "mixes_devices": "found at least two devices, cuda:0 and cpu",
    "awaits_the_device": "the device is awaited",
    "loss_that_reads_in_backward": "a number is read",
}
"""The functions of :mod:`fake_cuda.planted`, and what must be said of each."""


def cases() -> Iterator[tuple[str, list[str | int]]]:
    """All trainings of one layer that are tried, as a kind and its arguments."""
    for name, classes in product(CATALOG.names("loss"), (1, 3)):
        yield "loss", [name, classes]
    for name in sorted(set(OPTIMISERS) - {READS_IN_A_STEP}):
        yield "optimiser", [name]
    for name in CATALOG.names("augment"):
        yield "augment", [name]
    for form, (channels, bits) in product(("bank", "images", "streamed"), ((1, 8), (3, 16))):
        yield "delivery", [form, channels, bits]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A process with a fake device."""
    mistake = why_not()
    if mistake is not None:
        pytest.skip(f"no fake CUDA device can be made: {mistake}")
    with started(tmp_path_factory.mktemp("fake_cuda")) as process:
        yield process


def breaches(told: Told, epochs: int = EPOCHS, validations: int = VALIDATIONS) -> list[str]:
    """What of a training breaks the rule, a line each."""
    if told.refused is not None:
        return [told.refused]
    allowed = dict.fromkeys(AN_EPOCH, epochs) | dict.fromkeys(A_VALIDATION, validations)
    later = dropwhile(lambda wait: wait["function"] in BEFORE, told.waits)
    counted = [wait for wait in later if wait["function"] not in BESIDE]
    waited = Counter(wait["function"] for wait in counted)
    lines = [f"{wait['why']} ({wait['place']})" for wait in counted if wait["function"] not in allowed]
    for name, times in allowed.items():
        if waited[name] != times:
            lines.append(f"{name} waits {waited[name]} times, not {times}")
    return lines


@pytest.mark.sampled(each=2)
@pytest.mark.parametrize("name", [offer.component.name for offer in CATALOG.offers("model") if offer.component.learns])
def test_a_model_is_trained_without_a_wait_in_its_step(process: Process, name: str) -> None:
    assert breaches(process.ask("model", name), epochs=1, validations=1) == []


@pytest.mark.sampled("kind", each=2)
@pytest.mark.parametrize(("kind", "arguments"), list(cases()), ids=str)
def test_a_training_waits_once_an_epoch_and_twice_a_validation(
    process: Process, kind: str, arguments: list[str | int]
) -> None:
    assert breaches(process.ask(kind, *arguments)) == []


def test_an_optimiser_that_reads_in_its_step_says_so(process: Process) -> None:
    lines = breaches(process.ask("optimiser", READS_IN_A_STEP))
    assert lines
    assert all("a number is read (bench/train/loop.py:" in line for line in lines)
    assert "waits for a GPU in every step" in OPTIMISERS[READS_IN_A_STEP].about.summary


@pytest.mark.sampled(each=2)
@pytest.mark.parametrize(("name", "batches"), [*((name, 1) for name in CATALOG.names("model")), ("constant", 3)])
def test_a_prediction_waits_once_for_its_image_in_however_many_batches(
    process: Process, name: str, batches: int
) -> None:
    told = process.ask("prediction", name, batches)
    assert told.refused is None
    later = dropwhile(lambda wait: wait["function"] in BEFORE, told.waits)
    assert [wait["function"] for wait in later] == ["synchronise"]


def test_what_is_planted_in_a_step_is_told_with_its_line(process: Process) -> None:
    for name, sentence in IN_A_STEP.items():
        lines = breaches(process.ask("fault", name))
        assert any(sentence in line and "fake_cuda/planted.py" in line for line in lines), (name, lines)


def test_every_model_on_offer_has_settings_to_be_tried_with() -> None:
    assert set(LIGHT) == set(CATALOG.names("model"))
