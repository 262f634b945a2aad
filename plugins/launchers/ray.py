"""Ray: a task for each command, on whichever node has room, begun again on another where a node is lost.

What crosses is the words of a command and an environment, in Ray's own envelope; orders, answers, stages and results
are files that every node sees.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bench.api import About, Command, Component, PluginError, Queue, Site, hookimpl

if TYPE_CHECKING:
    from ray import ObjectRef

PR_SET_PDEATHSIG = 1
PASSED = ("BENCH_", "CUDA_", "HF_", "OMP_", "TORCH_")
"""How variables begin that a command gets from here; all others are those of its node."""


class Ray:
    """Commands as tasks of Ray; ids are those of the objects that they give."""

    def __init__(self, cpus: float, gpus: float, retries: int, passed: Sequence[str]) -> None:
        import ray

        self.task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=retries)(perform)
        self.environment = {name: value for name, value in os.environ.items() if name.startswith((*PASSED, *passed))}
        self.references: dict[str, ObjectRef[int]] = {}

    def start(self, commands: Sequence[Command]) -> Sequence[str]:
        """Submit a task for each."""
        ids = []
        for command in commands:
            task = self.task.options(name=command.name)
            reference = task.remote(command.words, str(command.log), str(Path.cwd()), self.environment)
            ids.append(reference.hex())
            self.references[ids[-1]] = reference
        return ids

    def alive(self, ids: Collection[str]) -> Collection[str]:
        """Those whose tasks wait or run."""
        import ray

        asked = {self.references[id]: id for id in ids}
        if not asked:
            return ()
        ended, _ = ray.wait(list(asked), num_returns=len(asked), timeout=0)
        return set(asked.values()) - {asked[reference] for reference in ended}

    def stop(self, ids: Collection[str]) -> None:
        """Forget tasks that wait, and interrupt those that run, which pass it on as SIGTERM."""
        import ray

        for id in self.references.keys() & set(ids):
            ray.cancel(self.references[id], force=False)

    def kill(self, ids: Collection[str]) -> None:
        """End the processes of the tasks; their commands end with them."""
        import ray

        for id in self.references.keys() & set(ids):
            ray.cancel(self.references[id], force=True)


def perform(words: Sequence[str], log: str, folder: str, environment: Mapping[str, str]) -> int:
    """Run a command on a node; its exit code."""
    with Path(log).open("ab") as printed:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        return process.wait()


def _end_with_parent() -> None:
    """Have Linux kill this process when the one that started it has ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def build(
    site: Site,
    /,
    *,
    address: str = "auto",
    cpus: Annotated[float, Field(ge=0)] = 4.0,
    gpus: Annotated[float, Field(ge=0)] | None = None,
    retries: Annotated[int, Field(ge=0)] = 10,
    variables: tuple[str, ...] = (),
) -> Queue:
    """Submit tasks of Ray, each of one cell.

    ``address`` is that of the cluster, as Ray takes it (``auto``: the one of this machine). A task takes ``cpus`` cores
    and ``gpus``, which may be a part of one (null: one, none where the suite asks for the processor). One whose node is
    lost is begun again up to ``retries`` times, from its last checkpoint. ``variables`` are beginnings of the names of
    environment variables that commands get from here, beside those of bench and the libraries that it uses.
    """
    try:
        import ray
    except ImportError:
        raise PluginError("the launcher 'ray' needs Ray: pip install \"defectbench[ray]\"") from None
    if not ray.is_initialized():
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except ConnectionError as error:
            raise PluginError(f"the launcher 'ray' finds no cluster at {address!r}: {error}") from None
    number = gpus if gpus is not None else float(site.device != "cpu")
    queue: Queue = Ray(cpus, number, retries, variables)
    return queue


@hookimpl
def bench_launchers() -> Iterable[Component[Queue]]:
    """Offer it."""
    yield Component("ray", build, about=About("tasks of Ray, one cell each; needs the extra 'ray'"))
