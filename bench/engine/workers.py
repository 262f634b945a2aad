"""How many workers a run has, where each computes and on how many threads."""

from __future__ import annotations

from bench.engine.devices import CPU, devices_of
from bench.gpus import gpus
from bench.machine import memory_bytes, processors
from bench.suite.resolved import Suite
from bench.suite.schema import Runtime

WORKER_BYTES = 2 * 10**9
"""Memory for which one more worker is started on a processor; ``runtime.workers`` sets another number of workers."""

ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What tells each library how many threads an operation has; torch is told by what the recipe asks for."""


def environments_of(suite: Suite) -> list[dict[str, str]]:
    """One environment per worker of a suite's run, no more than it has cells."""
    return worker_environments(suite.runtime, sum(cell.runs for cell in suite.cells))


def worker_environments(runtime: Runtime, jobs: int) -> list[dict[str, str]]:
    """One environment per worker, no more than ``jobs``: a device, with how many others, and an equal share of cores.

    The share is for decoding, cutting and scoring, which give the same on any number of threads. Operations have one
    thread each, whatever cores are spare: otherwise a run time would change numbers.
    """
    devices = devices_of(runtime)
    workers = max(1, min(jobs, workers_of(runtime)))
    shared = dict.fromkeys(ONE_THREAD, "1")
    shared["BENCH_WORKERS"] = str(workers)
    shared["BENCH_THREADS"] = str(max(1, processors() // workers))
    shared["BENCH_CELLS_PER_DEVICE"] = str(-(-workers // len(devices)))
    shared["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # cuBLAS is deterministic only with this
    return [{**shared, **_seen(devices[number % len(devices)])} for number in range(workers)]


def _seen(device: str) -> dict[str, str]:
    """What makes a worker see its own device alone: its name within the worker, and that for people and records."""
    gpu = gpus().of(device)
    if gpu is None:
        return {"BENCH_DEVICE": device, "BENCH_DEVICE_NAME": device, "CUDA_VISIBLE_DEVICES": ""}
    return {"BENCH_DEVICE": "cuda:0", "BENCH_DEVICE_NAME": device, "CUDA_VISIBLE_DEVICES": gpu.uuid}


def workers_of(runtime: Runtime) -> int:
    """Processes at once where there is work for all.

    A processor counts as several devices: one cell per core trains more cells an hour than all cores on one cell.
    """
    if runtime.workers:
        return runtime.workers
    devices = devices_of(runtime)
    if devices == [CPU]:
        return max(1, min(processors(), memory_bytes() // WORKER_BYTES))
    return len(devices) * (1 if runtime.cells_per_device == "auto" else runtime.cells_per_device)
