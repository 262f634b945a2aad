"""The campaign of faults in its short form: each part is tried once, with a seed that is another each day."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from bench.catalog import load_catalog
from bench.errors import DataError
from bench.states import State
from bench.store.records import read_record
from sampling import whole_run
from studies.faults import data, disk, kills, looks, shim, suites
from studies.faults.__main__ import Trial
from studies.faults.trial import Undisturbed, undisturbed
from studies.faults.world import new_world

TODAY = date.today().isoformat()
needs_shim = pytest.mark.skipif(shim.why_not() is not None, reason=str(shim.why_not()))


@pytest.fixture(scope="module")
def whole() -> Iterator[Undisturbed]:
    with undisturbed() as found:
        yield found


@whole_run
@pytest.mark.parametrize(
    "trial",
    [
        kills.trial,
        pytest.param(disk.full, marks=needs_shim),
        pytest.param(disk.cut, marks=needs_shim),
        pytest.param(disk.clock, marks=needs_shim),
        data.trial,
        looks.trial,
    ],
)
def test_after_a_fault_the_repeated_command_ends_as_if_nothing_had_been(whole: Undisturbed, trial: Trial) -> None:
    outcome = trial(whole, random.Random(TODAY))
    assert not outcome.lost, outcome


def test_mutated_suites_are_refused_in_words_or_planned() -> None:
    timed = suites.outcomes(150, random.Random(TODAY), load_catalog())
    assert [outcome for outcome, _ in timed if outcome.lost] == []
    assert {outcome.what for outcome, _ in timed} == {"mutated suite refused", "mutated suite planned"}


@needs_shim
def test_what_was_not_synced_is_lost_and_what_was_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    kept, torn, old, new = (tmp_path / name for name in ("kept", "torn", "old", "new"))
    kept.write_bytes(b"k" * 100)
    torn.write_bytes(b"t" * 100)
    new.write_bytes(b"n" * 100)
    log.write_text(f"W\t{kept}\t\nS\t{kept}\t100\nW\t{torn}\t\nW\t{old}\t\nS\t{old}\t100\nN\t{old}\t{new}\n")
    changes = disk.Changes.read(log)
    assert changes.unsynced == {str(torn): 0}
    assert changes.renamed == [(str(old), str(new))]
    for seed in range(20):
        changes.lose(random.Random(seed))
        assert kept.read_bytes() == b"k" * 100
    assert torn.read_bytes() != b"t" * 100
    assert old.read_bytes() == b"n" * 100
    assert not new.exists()


def test_a_cell_whose_images_vanish_while_its_pictures_are_drawn_gets_them_from_the_repeated_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world(tmp_path)
    image = next((tmp_path / "parts" / "images").iterdir())
    held = image.read_bytes()

    def vanishing(*_: object) -> list[str]:
        image.write_bytes(b"")
        raise DataError(f"{image}: an empty file")

    with monkeypatch.context() as patch:
        patch.setattr("bench.stages.filing.draw_pictures", vanishing)
        world.ran()
    (cell,) = world.suite.cells
    path = world.places.record("small", cell.id)
    failed = read_record(path)
    assert failed is not None
    assert not failed.state.is_final
    image.write_bytes(held)
    world.ran()
    record = read_record(path)
    assert record is not None
    assert (record.state, record.pictures_missing, len(record.pictures)) == (State.OK, None, 3)


def test_a_cell_that_was_killed_while_its_pictures_were_drawn_gets_them_from_the_repeated_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> list[str]:
        raise KeyboardInterrupt

    world = new_world(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("bench.stages.filing.draw_pictures", killed)
        world.ran()
    (cell,) = world.suite.cells
    world.ran()
    record = read_record(world.places.record("small", cell.id))
    assert record is not None
    assert len(record.pictures) == 3
    assert all((world.run / "cells" / name).is_file() for name in record.pictures)
