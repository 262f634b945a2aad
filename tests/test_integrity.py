"""What is damaged is named in one line and healed by the next run; data that changed in secret are read anew."""

from __future__ import annotations

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.index import stamp_of
from bench.data.index_file import read_index, write_index
from bench.errors import StoreError
from bench.images import read_image, write_png
from bench.record import State
from bench.runs.folder import records_in
from bench.runs.latencies import latencies_in
from bench.runs.mend import mended
from bench.sealed import sealed, unsealed
from bench.stages.indexing import open_dataset
from bench.store.replicates import read_replicates
from bench.store.store import finish_stage, forget_stage
from studies.faults.world import World, finished_world
from tiny import bench

JSON = st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.floats(allow_nan=False) | st.text())


@given(value=JSON, place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_a_sealed_file_tells_of_any_changed_byte_that_matters(value: dict[str, Any], place: float, change: int) -> None:
    value.pop("digest", None)
    value = {**value, "schema": 1}
    content = bytearray(sealed(json.dumps(value)[1:]))
    assert unsealed(bytes(content)) == value
    content[int(place * len(content))] ^= change
    try:
        read = unsealed(bytes(content))
    except ValueError:
        return
    assert read.items() >= value.items()  # the name of the digest itself was hit


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> World:
    return finished_world(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def world(finished: World, tmp_path: Path) -> World:
    """A copy of the finished world with images of its own, which are indexed."""
    folder = Path(shutil.copytree(finished.folder, tmp_path / "world"))
    copy = World(folder, folder)
    assert [planned.state for planned in copy.ran().cells] == ["done"]
    return copy


def flipped(world: World, pattern: str) -> Path:
    """Change one byte in the middle of the one file of a pattern."""
    (path,) = world.place.glob(pattern)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


CELL = "runs/small/cells/*.json"
WEIGHTS = "home/stages/train/*/best.safetensors"
LEADERBOARD = ("leaderboard", "runs/small")


@pytest.mark.parametrize(
    ("pattern", "arguments", "code"),
    [
        (CELL, LEADERBOARD, 0),
        (CELL, ("compare", "runs/small", "sound"), 0),
        (CELL, ("compare", "sound", "runs/small"), 0),
        (CELL, ("show", "ID"), 2),
        (CELL, ("predict", "ID", "parts/images/part00.png", "--plugin", "small.py"), 2),
        (CELL, ("export", "runs/small", "--to", "small.zip", "--plugin", "small.py"), 2),
        ("runs/small/suite.json", LEADERBOARD, 2),
        ("runs/small/latency.json", LEADERBOARD, 2),
        ("runs/small/replicates/*.npz", LEADERBOARD, 2),
        (WEIGHTS, ("predict", "ID", "parts/images/part00.png", "--plugin", "small.py"), 2),
        ("home/stages/predict/*/test.npz", ("score", "runs/small"), 3),
        ("home/stages/predict/*/stage.json", ("score", "runs/small"), 3),
        ("runs/small/late/*.json", ("merge", "runs/small", "--to", "runs/other"), 2),
    ],
)
def test_what_is_damaged_is_named_in_one_line(
    world: World, pattern: str, arguments: tuple[str, ...], code: int
) -> None:
    shutil.copytree(world.run, world.folder / "sound")
    path = flipped(world, pattern)
    named = path.parent if path.name == "stage.json" else path
    cell = world.suite.cells[0].id
    done = bench(world.folder, *(cell if word == "ID" else word for word in arguments))
    told = done.stderr if code else done.stdout
    assert done.returncode == code, done.stderr
    assert named.name in "".join(told.split())
    assert code != 2 or len(done.stderr.splitlines()) == 1
    verified = bench(world.folder, "cache", "verify")
    assert verified.returncode == 3
    assert str(path.relative_to(world.folder)) in verified.stdout


def test_a_sound_store_and_its_runs_are_said_to_be_sound(world: World) -> None:
    said = bench(world.folder, "cache", "verify")
    assert (said.returncode, said.stdout) == (0, "the store and 1 run are sound\n")
    assert bench(world.folder, "cache", "verify", "runs/small").stdout == said.stdout


def test_damaged_stages_are_garbage(world: World) -> None:
    path = flipped(world, WEIGHTS)
    assert bench(world.folder, "cache", "gc").returncode == 0
    assert not path.exists()
    assert bench(world.folder, "cache", "verify").returncode == 0


@pytest.mark.parametrize(
    ("file", "reader"),
    [
        ("images/*/images.h5", "tiles"),
        ("tiles/*/*.h5", "train"),
        ("crops/*/*.h5", "train"),
    ],
)
def test_pixels_and_positions_that_turn_out_to_be_damaged_are_made_again_in_the_same_run(
    world: World, file: str, reader: str
) -> None:
    before = records_in(world.run, world.suite)[world.suite.cells[0].id]
    path = flipped(world, f"home/stages/{file}")
    harmed = path.read_bytes()
    next(world.run.glob("cells/*.json")).unlink()
    for folder in (world.home / "stages" / reader).glob("[!.]*"):
        forget_stage(folder)
    assert [planned.state for planned in world.ran().cells] == ["done"]
    assert path.read_bytes() != harmed
    assert records_in(world.run, world.suite)[before.id].scores == before.scores
    assert bench(world.folder, "cache", "verify").returncode == 0


def test_what_lies_damaged_beside_the_records_is_made_again_or_put_aside(world: World) -> None:
    records = records_in(world.run, world.suite)
    path = flipped(world, "runs/small/replicates/*.npz")
    flipped(world, "runs/small/latency.json")
    lines = list(mended(world.run, world.suite.cells, records, world.catalog, world.places))
    assert [line.partition(":")[0] for line in lines] == [str(path), str(world.run / "latency.json")]
    assert read_replicates(path) is not None
    assert latencies_in(world.run) == {}
    assert (world.run / "damaged-latency.json").is_file()


def test_a_mask_replaced_at_equal_size_and_times_gives_no_score_and_is_read_anew_by_the_next_run(world: World) -> None:
    plan = world.ran()
    (cell,) = plan.cells
    assert cell.dataset is not None
    mask = world.folder / "parts" / "masks" / "part00.png"
    write_png(mask, read_image(mask)[::-1])
    pretend_unchanged(world, cell.dataset.data)
    for folder in (world.home / "stages", world.run / "cells"):
        shutil.rmtree(folder)
    world.ran()
    (record,) = records_in(world.run, world.suite).values()
    assert (record.state, dict(record.scores)) == (State.DATA_ERROR, {})
    assert "'part00' of data set 'folder' or its mask is not what was indexed" in str(record.reason)
    (again,) = world.ran().cells
    assert again.state == "done"
    assert again.keys["tiles"] != cell.keys["tiles"]


def pretend_unchanged(world: World, data: Any) -> None:
    """Give an index the stamps that the files have now."""
    records = open_dataset(world.catalog, data).records()
    index = read_index(Path(data.index))
    write_index(Path(data.index), replace(index, stamps=tuple(map(stamp_of, records))), records)


def test_results_that_cannot_be_written_do_not_end_the_run(world: World) -> None:
    before = dict(records_in(world.run, world.suite)[world.suite.cells[0].id].scores)
    shutil.rmtree(world.run / "cells")
    (world.run / "cells").write_text("in the way")
    assert [planned.state for planned in world.ran().cells] == ["pending"]
    (world.run / "cells").unlink()
    assert [planned.state for planned in world.ran().cells] == ["done"]
    assert records_in(world.run, world.suite)[world.suite.cells[0].id].scores == before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EIO])
def test_a_stage_that_the_disk_has_no_room_for_is_one_line(tmp_path: Path, number: int) -> None:
    def write(folder: Path) -> dict[str, Any]:
        raise OSError(number, "no room for it")

    with pytest.raises(StoreError, match=r"train/k: cannot be written \(no room for it\)"):
        finish_stage(tmp_path / "train" / "k", write)


def test_weights_without_a_digest_are_read_as_before(world: World) -> None:
    (path,) = world.place.glob("home/stages/train/*/stage.json")
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in stored.items() if name not in ("digest", "digests")}))
    shutil.rmtree(world.run / "cells")
    written = next(world.place.glob(WEIGHTS)).stat().st_mtime_ns
    assert [planned.state for planned in world.ran().cells] == ["done"]
    assert next(world.place.glob(WEIGHTS)).stat().st_mtime_ns == written
