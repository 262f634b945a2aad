"""Files from elsewhere: whatever they hold, a command ends with one line, and soon."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bench import bounded
from bench.bounded import parsed, read_bounded
from bench.crops.hdf5 import read_content
from bench.data.index_file import read_index
from bench.decoding import decode_image
from bench.errors import DataError, StoreError
from bench.home import resolved
from bench.runs import archive
from bench.runs.archive import extract
from bench.stages.indexing import LONGEST, listed
from bench.store.replicates import read_replicates
from bench.train.weights import load_weights
from bench.types import Record
from sampling import whole_run
from tiny import bench, environment, write_world

DEEP = b"[" * 90_000 + b"]" * 90_000
NESTED = b'{"a":' * 500 + b"1" + b"}" * 500


@pytest.mark.parametrize("content", [DEEP, NESTED, b"[" * 90_000, b'{"a": ' * 90_000])
def test_deeply_nested_json_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"nested more than 100 levels deep|Expecting|Invalid"):
        parsed(content)


def test_json_within_the_bounds_is_what_it_was() -> None:
    value = {"a": [1, [2, {"b": "[" * 1000}]], "c": [[]] * 200}
    assert parsed(json.dumps(value).encode()) == value
    deepest = b"[" * bounded.DEEPEST + b"]" * bounded.DEEPEST
    assert parsed(deepest)
    with pytest.raises(ValueError, match="nested"):
        parsed(b"[" + deepest + b"]")


def test_large_json_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(bounded.LARGEST + 1)
    with pytest.raises(ValueError, match="more than 256 MB"):
        read_bounded(path)
    with pytest.raises(ValueError, match="more than 10 lists and objects"):
        parsed(b"[" + b"[]," * 10 + b"[]]", 10)


def test_an_index_and_a_picture_larger_than_any_are_refused_before_they_are_read(tmp_path: Path) -> None:
    for name in ("index.json", "picture.png"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(9 * 10**9)  # a hole: it takes no room
    with pytest.raises(StoreError, match=r"damaged .more than 2,000 MB"):
        read_index(tmp_path / "index.json")
    with pytest.raises(DataError, match=r"picture\.png: more than 8\.0 GB"):
        decode_image(tmp_path / "picture.png", "refuse")


@pytest.mark.parametrize("name", ["suite.json", "outdated.json", "latencies.json", "cells"])
@pytest.mark.parametrize("content", [NESTED, DEEP, b"{}", b"[]", b"\xff\xfe", b'{"schema": 1e999}'])
def test_a_run_folder_with_a_file_of_anything_is_one_line(
    ran_world: Path, tmp_path: Path, name: str, content: bytes
) -> None:
    import shutil

    run = tmp_path / "tiny"
    shutil.copytree(ran_world / "runs" / "tiny", run)
    path = next((run / "cells").glob("*.json")) if name == "cells" else run / name
    path.write_bytes(content)
    for command in (("leaderboard", "tiny"), ("compare", "tiny", "tiny"), ("merge", "tiny", "--to", "merged")):
        done = bench(tmp_path, *command)
        assert done.returncode in (0, 2, 3), (command, done.stderr)
        assert "internal error" not in done.stderr
        if done.returncode == 2:
            assert str(path.name) in done.stderr or path.name in " ".join(done.stderr.split())


@pytest.mark.parametrize("content", [NESTED, DEEP, b'{"cells": ' + NESTED + b"}"])
def test_a_leaderboard_of_anything_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "board.json").write_bytes(content)
    done = bench(tmp_path, "compare", "board.json", "board.json")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "board.json: no leaderboard" in done.stderr


def never_written(file: h5py.File) -> None:
    file.create_dataset("table", (10**12,), "<f8", chunks=(10**6,))


def elsewhere(file: h5py.File) -> None:
    Path(file.filename).with_name("other").write_bytes(bytes(80))
    file.create_dataset("table", (10,), "<f8", external=[(str(Path(file.filename).with_name("other")), 0, 80)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((10,), "<f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (10,))
    file.create_virtual_dataset("table", layout)


def linked(file: h5py.File) -> None:
    file["table"] = h5py.ExternalLink("other.h5", "/x")


def huge(file: h5py.File) -> None:
    file.create_dataset("image", (2**40,), "u1", chunks=(10**6,))


@pytest.mark.parametrize("harm", [never_written, elsewhere, virtual, linked, huge])
def test_hdf5_that_declares_what_it_does_not_hold_is_refused(tmp_path: Path, harm: Callable[[h5py.File], None]) -> None:
    path = tmp_path / "store.h5"
    with h5py.File(path, "w") as file:
        file.attrs["schema"], file.attrs["key"] = 1, "k"
        harm(file)
        if harm is not linked:
            file["checksum"] = np.zeros(1, "<u8")
    with pytest.raises(StoreError, match=r"store\.h5"):
        read_content(path, "image store")


@pytest.mark.parametrize(
    "described",
    ["[" * 50_000, "{}", "[]", "1", '{"schema": 1}', '{"schema": 1, "mean": 3, "std": [], "task": {}, "model": {}}',
     '{"schema": 1, "mean": [0], "std": [1], "task": [1], "model": {}, "provenance": {}}'],
)  # fmt: skip
def test_weights_with_any_header_are_refused(tmp_path: Path, described: str) -> None:
    path = tmp_path / "best.safetensors"
    save_file({"w": torch.zeros(1)}, path, {"bench": described})
    with pytest.raises(StoreError, match=r"best\.safetensors"):
        load_weights(path)


@pytest.mark.parametrize("size", [2**63, 10**12, 9])
def test_weights_whose_header_is_longer_than_the_file_are_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "best.safetensors"
    path.write_bytes(size.to_bytes(8, "little") + b"{}")
    with pytest.raises(StoreError, match=r"best\.safetensors"):
        load_weights(path)


def zipped(path: Path, names: list[str], content: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, content)
    return path


def test_archives_of_runs_are_bounded_before_anything_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "OF_RUNS", archive.Bounds(members=20, ratio=100, harmless=10**6))
    full = zipped(tmp_path / "zeros.zip", ["run/suite.json"], bytes(4 * 10**6))
    many = zipped(tmp_path / "many.zip", [f"run/{number}.json" for number in range(21)], b"{}")
    for path, said in ((full, "at most 100 times an archive's size"), (many, "more than 20 members")):
        with pytest.raises(StoreError, match=said):
            extract(path, tmp_path / "into")
    assert not list((tmp_path / "into").rglob("*"))


def test_replicates_that_are_larger_than_any_run_writes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run" / "replicates" / "a.npz"
    path.parent.mkdir(parents=True)
    zipped(path, ["value.npy"], bytes(bounded.LARGEST + 1))
    with pytest.raises(StoreError, match=r"a\.npz: damaged .*more than 256,000,000 bytes unpacked"):
        read_replicates(path)


class Listing:
    """A data set of one record."""

    classes = ("defect",)

    def __init__(self, id: str, group: str) -> None:
        self.record = Record(id, group)

    def records(self) -> list[Record]:
        return [self.record]


@pytest.mark.parametrize(("id", "group"), [("x" * 10**6, "g"), ("i", "x" * (LONGEST + 1))])
def test_a_name_that_no_file_could_have_is_refused(id: str, group: str) -> None:
    with pytest.raises(DataError, match=r"has 1,0.* characters; an id or group has at most 1,000") as caught:
        listed(Listing(id, group), "parts")  # type: ignore[arg-type]  # no load: nothing is read
    assert len(str(caught.value)) < 200


def loop(folder: Path) -> str:
    (folder / "loop").symlink_to(folder / "loop")
    return str(folder / "loop")


@pytest.mark.parametrize("place", [loop, lambda _: "~nobody-of-this-name/x", lambda _: "a\0b"])
def test_a_folder_that_cannot_be_followed_is_one_line(tmp_path: Path, place: Callable[[Path], str]) -> None:
    named = place(tmp_path)
    with pytest.raises(DataError):
        resolved(named)
    write_world(tmp_path)
    suite = (tmp_path / "tiny.yaml").read_text().replace("{folder: parts}", json.dumps({"folder": named}))
    (tmp_path / "tiny.yaml").write_text(suite)
    for command in ("plan", "validate", "run"):
        done = bench(tmp_path, command, "tiny.yaml", "--plugin", "models.py")
        assert "internal error" not in done.stderr
        assert done.returncode in (0, 2, 3)


def test_a_link_loop_among_the_pictures_is_told_by_its_name(tmp_path: Path) -> None:
    write_world(tmp_path)
    (tmp_path / "parts" / "images" / "loop.png").symlink_to("loop.png")
    (tmp_path / "parts" / "images" / "deep").symlink_to(tmp_path / "parts" / "images")
    done = bench(tmp_path, "data", "verify", "folder", "--data", "folder=parts")
    assert "internal error" not in done.stderr
    assert "loop" in done.stdout + done.stderr


DENIED = """
import socket

def denied(self, address):
    if self.family != socket.AF_UNIX:
        open("denied", "a").write(f"{address}\\n")
        raise OSError("no network")

def unknown(host, *_others, **_named):
    denied(socket.socket(socket.AF_INET), host)

socket.socket.connect = socket.socket.connect_ex = denied
socket.getaddrinfo = unknown
"""


def without_network(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "denied").unlink(missing_ok=True)
    (folder / "sitecustomize.py").write_text(DENIED)
    return subprocess.run(
        [sys.executable, "-P", "-m", "bench", *arguments],
        cwd=folder,
        env={**environment(folder), "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@whole_run
def test_nothing_but_fetch_asks_the_network(tmp_path: Path) -> None:
    write_world(tmp_path)
    assert without_network(tmp_path, "run", "tiny.yaml", "--plugin", "models.py").returncode == 0
    assert not (tmp_path / "denied").exists()
    assert without_network(tmp_path, "data", "fetch", "ksdd2").returncode == 2
    assert (tmp_path / "denied").exists()
