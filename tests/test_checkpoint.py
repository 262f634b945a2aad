"""A training that was stopped or killed goes on from its checkpoint to the same bits, and repeats no step it kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import Stopped
from bench.suite.optimisers import OPTIMISERS
from bench.suite.schema import Recipe, Ref
from bench.train.checkpoint import Checkpoint
from bench.train.loop import Fitted, batches
from bench.train.stop import Stop
from test_train_loop import RECIPE, trained

NEVER = 1e9
STEPS = RECIPE.epochs * batches(RECIPE)
MADE_WITH = {"threads": 1}


class Counting(torch.nn.Module):
    """Layers that remember (batch norm) and that draw (dropout); asks for a stop in its n-th pass of a mode."""

    def __init__(self, stop: Stop | None = None, at: int = 0, validating: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3, padding=1),
            torch.nn.BatchNorm2d(4),
            torch.nn.ReLU(),
            torch.nn.Dropout2d(0.3),
            torch.nn.Conv2d(4, 2, 3, padding=1),
        )
        self.passes = {True: 0, False: 0}
        self._stop, self._at, self._validating = stop, at, validating

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.passes[self.training] += 1
        if self._stop is not None and self.training is not self._validating and self.passes[self.training] == self._at:
            self._stop.ask()
        return self.layers(images)


def same(one: Fitted, other: Fitted) -> None:
    assert one.history == other.history
    assert (one.best_epoch, one.convergence_epoch) == (other.best_epoch, other.convergence_epoch)
    for mine, theirs in ((one.best_state, other.best_state), (one.last_state, other.last_state)):
        assert mine.keys() == theirs.keys()
        for name, tensor in mine.items():
            assert torch.equal(tensor, theirs[name]), name


def stopped(catalog, path: Path, recipe: Recipe, at: int, *, validating: bool = False) -> None:
    stop = Stop()
    model = Counting(stop, at, validating)
    with pytest.raises(Stopped, match=r"the same command goes on from there$"):
        trained(catalog, recipe, model=model, checkpoint=Checkpoint(path, NEVER, MADE_WITH, stop))


def with_optimiser(name: str) -> Recipe:
    return RECIPE.model_copy(update={"optimiser": Ref(use=name, settings={"momentum": 0.9} if name == "sgd" else {})})


@pytest.fixture(scope="module")
def undisturbed(catalog) -> Fitted:
    return trained(catalog, model=Counting())


@settings(max_examples=6)
@given(first=st.integers(1, STEPS - 1), second=st.integers(1, STEPS - 1))
def test_stopped_twice_after_any_step_it_ends_as_if_nothing_had_been(
    catalog, undisturbed, tmp_path_factory, first: int, second: int
) -> None:
    path = tmp_path_factory.mktemp("kept") / "training"
    stopped(catalog, path, RECIPE, first)
    reached = first
    if first + second < STEPS:
        stopped(catalog, path, RECIPE, second)
        reached += second
    model = Counting()
    fitted = trained(catalog, model=model, checkpoint=Checkpoint(path, NEVER, MADE_WITH))
    same(fitted, undisturbed)
    assert model.passes[True] == STEPS - reached
    assert fitted.continued == [first, reached][: 1 + (reached > first)]


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_goes_on_as_it_was(catalog, tmp_path: Path, name: str) -> None:
    recipe = with_optimiser(name).model_copy(update={"epochs": 2})
    stopped(catalog, tmp_path / "training", recipe, 4)
    fitted = trained(catalog, recipe, model=Counting(), checkpoint=Checkpoint(tmp_path / "training", NEVER, MADE_WITH))
    same(fitted, trained(catalog, recipe, model=Counting()))


def test_stopped_within_a_validation_it_repeats_no_step(catalog, undisturbed, tmp_path: Path) -> None:
    stopped(catalog, tmp_path / "training", RECIPE, 1, validating=True)
    model = Counting()
    same(trained(catalog, model=model, checkpoint=Checkpoint(tmp_path / "training", NEVER, MADE_WITH)), undisturbed)
    assert model.passes[True] == STEPS - RECIPE.validate_every * batches(RECIPE)


def test_what_is_written_while_it_trains_is_a_place_to_go_on_from(catalog, undisturbed, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def killed(event) -> None:
        if event["epoch"] == 3:
            raise Killed

    path = tmp_path / "training"
    with pytest.raises(Killed):
        trained(catalog, model=Counting(), progress=killed, checkpoint=Checkpoint(path, 0.0, MADE_WITH))
    model = Counting()
    same(trained(catalog, model=model, checkpoint=Checkpoint(path, NEVER, MADE_WITH)), undisturbed)
    assert model.passes[True] == batches(RECIPE)
    assert [file.name for file in tmp_path.iterdir()] == ["training"]


@pytest.mark.parametrize("harm", ["byte", "cut", "empty", "other threads"])
def test_a_file_that_does_not_serve_is_not_used(catalog, undisturbed, tmp_path: Path, harm: str) -> None:
    path = tmp_path / "training"
    stopped(catalog, path, RECIPE, 5)
    content = bytearray(path.read_bytes())
    if harm == "byte":
        content[len(content) // 2] ^= 1
    path.write_bytes({"cut": content[:-7], "empty": b""}.get(harm, content))
    made_with = {"threads": 2} if harm == "other threads" else MADE_WITH
    fitted = trained(catalog, model=Counting(), checkpoint=Checkpoint(path, NEVER, made_with))
    assert fitted.continued == []
    same(fitted, undisturbed)


def test_a_full_disk_ends_no_training_and_is_told_when_it_is_stopped(catalog, undisturbed, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "training"
    same(trained(catalog, model=Counting(), checkpoint=Checkpoint(path, 0.0, MADE_WITH)), undisturbed)
    stop = Stop()
    with pytest.raises(Stopped, match="could not be kept"):
        trained(catalog, model=Counting(stop, 2), checkpoint=Checkpoint(path, NEVER, MADE_WITH, stop))
