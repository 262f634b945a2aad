"""Which GPUs are used is what CUDA's driver says and torch can use; of the others one sentence tells why not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fake_driver
from bench.engine.devices import device_remarks, devices_of, no_bf16, settled
from bench.engine.workers import worker_environments
from bench.errors import SuiteError, TrainingError
from bench.gpus import Gpu, Gpus
from bench.suite.schema import Runtime
from bench.train.device import prove

ASK = """
import json
from bench.gpus import gpus
found = gpus()
print(json.dumps([[f"{gpu.device} {gpu.uuid[-2:]}" for gpu in found.usable], found.remarks]))
"""
BUILD = "__version__ = '2.99'\ncuda = {cuda!r}\n"


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_driver.built(tmp_path_factory.mktemp("driver"))


def said(libraries: Path, gpus: int, cuda: str | None = "13.0", visible: str | None = None, **described: object) -> Any:
    """Devices that a process finds, each with the end of its UUID, and its remarks; torch is built with ``cuda``."""
    torch = libraries / f"with-{cuda}" / "torch"
    torch.mkdir(parents=True, exist_ok=True)
    (torch / "__init__.py").write_text("raise AssertionError('torch was imported')")
    (torch / "version.py").write_text(BUILD.format(cuda=cuda))
    env = fake_driver.environment(fake_driver.described(libraries, gpus, **described))
    env["PYTHONPATH"] = str(torch.parent)
    if visible is not None:
        env["CUDA_VISIBLE_DEVICES"] = visible
    done = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_gpus_that_torch_can_use_are_found_without_a_word(libraries: Path) -> None:
    assert said(libraries, 2) == [["cuda:0 01", "cuda:1 02"], []]
    assert said(libraries, 0) == [[], []]


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        ("1", ["cuda:0 02"]),
        ("1,0", ["cuda:0 02", "cuda:1 01"]),
        (" 1", ["cuda:0 02"]),
        ("GPU-00000000-0000-0000-0000-000000000002,0", ["cuda:0 02", "cuda:1 01"]),
        ("GPU-0", ["cuda:0 01"]),
        ("0,-1,1", ["cuda:0 01"]),
        ("0,7,1", ["cuda:0 01"]),
    ],
)
def test_every_spelling_of_the_visible_devices_is_cudas_to_read(
    libraries: Path, visible: str, found: list[str]
) -> None:
    assert said(libraries, 2, visible=visible) == [found, []]


@pytest.mark.parametrize("visible", ["", " ", "-1", "0,0", "7", "none"])
def test_one_sentence_says_that_the_visible_devices_hide_all(libraries: Path, visible: str) -> None:
    found, (remark,) = said(libraries, 2, visible=visible)
    assert found == []
    assert remark.startswith(
        f"CUDA_VISIBLE_DEVICES={visible!r} hides 2 NVIDIA GPUs (Fake H100); unset it, or name each"
    )


@pytest.mark.parametrize(
    ("described", "why"),
    [
        ({"cuda": None}, "2 NVIDIA GPUs (Fake H100) cannot be used: torch 2.99 is built without CUDA; install a build"),
        (
            {"serves": 12080},
            "2 NVIDIA GPUs (Fake H100) cannot be used: the driver 570.86 serves CUDA 12.8, torch 2.99 is built with "
            "CUDA 13.0; install a driver of version 580 or later",
        ),
        ({"mig": 1}, "2 NVIDIA GPUs (Fake H100) cannot be used: MIG is on and has no instance; make one"),
        (
            {"capability": 70},
            "cuda:0 (Fake H100) and cuda:1 (Fake H100) cannot be used: compute capability 7.0, torch 2.99 needs 7.5",
        ),
    ],
)
def test_one_sentence_says_why_torch_can_use_none(libraries: Path, described: dict[str, Any], why: str) -> None:
    found, (remark,) = said(libraries, 2, **described)
    assert found == []
    assert remark.startswith(why)


def test_an_older_cuda_of_torch_is_content_with_an_older_driver_and_gpu(libraries: Path) -> None:
    assert said(libraries, 1, cuda="12.6", serves=12080, capability=70) == [["cuda:0 01"], []]


def test_an_instance_of_a_gpu_in_mig_mode_is_used_and_said_to_be_one(libraries: Path) -> None:
    found, (remark,) = said(libraries, 1, name="Fake H100 MIG 1g.10gb")
    assert found == ["cuda:0 01"]
    assert "is an instance of a GPU in MIG mode" in remark


def test_a_driver_that_crashes_is_one_that_does_not_answer(tmp_path: Path, libraries: Path) -> None:
    (tmp_path / "driver.c").write_text("#include <stdlib.h>\nint cuDriverGetVersion(int *v) { abort(); }")
    library = tmp_path / "libcuda.so.1"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "driver.c"], check=True)
    (tmp_path / "libnvidia-ml.so.1").symlink_to(libraries / "libnvidia-ml.so.1")
    found, (remark,) = said(tmp_path, 1)
    assert found == []
    assert remark.startswith("1 NVIDIA GPU (Fake H100) cannot be used: the driver does not answer")


T4 = Gpu(0, "Tesla T4", 16 * 10**9, (7, 5), "GPU-1")
H100 = Gpu(1, "H100", 80 * 10**9, (9, 0), "GPU-2")


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> dict[Gpu, int]:
    """A machine with two GPUs, and what is free on them, which a test may change."""
    free = {T4: 10**10, H100: 10**10}
    for module in ("bench.engine.devices", "bench.engine.workers"):
        monkeypatch.setattr(f"{module}.gpus", lambda: Gpus((T4, H100)))
    monkeypatch.setattr("bench.gpus.free_memory", free.get)
    return free


def test_a_worker_sees_its_own_gpu_alone_and_people_read_the_number_of_the_machine(two: dict[Gpu, int]) -> None:
    seen = ("BENCH_DEVICE", "BENCH_DEVICE_NAME", "CUDA_VISIBLE_DEVICES")
    found = [[environment[name] for name in seen] for environment in worker_environments(Runtime(), 9)]
    assert found == [["cuda:0", "cuda:0", "GPU-1"], ["cuda:0", "cuda:1", "GPU-2"]]
    (second,) = worker_environments(Runtime(device="cuda:1"), 9)
    assert [second[name] for name in seen] == ["cuda:0", "cuda:1", "GPU-2"]
    processor = worker_environments(Runtime(device="cpu", workers=1), 9)[0]
    assert [processor[name] for name in seen] == ["cpu", "cpu", ""]


def test_a_run_goes_on_on_the_processor_where_no_gpu_has_memory_left_and_says_so_once(two: dict[Gpu, int]) -> None:
    assert settled(Runtime()) == Runtime()
    two[T4] = 10**8
    assert settled(Runtime()) == Runtime()
    assert list(device_remarks(Runtime())) == []
    two[H100] = 10**8
    assert settled(Runtime()).device == "cpu"
    (remark,) = device_remarks(Runtime())
    assert remark.startswith(
        "cuda:0 (Tesla T4) has 100.0 MB of 16.0 GB free, cuda:1 (H100) has 100.0 MB of 80.0 GB free;"
    )
    assert remark.endswith("(the processor is used instead)")


@pytest.mark.parametrize(
    ("device", "why"),
    [
        ("cuda:0", "has 100.0 MB of 16.0 GB free; end the program that holds the rest"),
        ("cuda:2", "no such GPU can be used; write cuda:0 or cuda:1, or leave it out"),
    ],
)
def test_a_gpu_that_was_asked_for_is_refused_where_it_cannot_be_used(
    two: dict[Gpu, int], device: str, why: str
) -> None:
    two[T4] = 10**8
    with pytest.raises(SuiteError, match=r"^runtime") as caught:
        settled(Runtime(device=device))
    assert why in str(caught.value)
    assert settled(Runtime(device="cuda:1")).device == "cuda:1"
    assert devices_of(Runtime(device="cuda")) == ["cuda:0"]


def test_bf16_is_said_to_be_none_on_a_gpu_without_it(two: dict[Gpu, int]) -> None:
    assert no_bf16(Runtime(device="cuda:1")) is None
    clause = no_bf16(Runtime())
    assert clause is not None
    assert clause.startswith("which cuda:0 (Tesla T4) cannot compute in")


def test_the_proof_is_passed_by_a_device_that_convolves_and_by_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    prove(torch.device("cpu"))
    true = torch.nn.functional.conv2d
    monkeypatch.setattr(torch.nn.functional, "conv2d", lambda *given: true(*given) + 1)
    with pytest.raises(TrainingError, match="wrong convolutions"):
        prove(torch.device("cpu"))
    no_gradient = lambda images, weights: true(images.detach(), weights) + 0 * images.sum()  # noqa: E731
    monkeypatch.setattr(torch.nn.functional, "conv2d", no_gradient)
    with pytest.raises(TrainingError, match="wrong convolutions"):
        prove(torch.device("cpu"))
