"""Ray: a task for each command, on whichever node has room, begun again on another where a node is lost.

What crosses goes in Ray's own envelope. Where nodes see the files of this machine, that is the words of a command and
an environment. Where they do not, it is bytes of bench as well, from its standard output through a mailbox beside us.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Thread
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from bench.api import About, Arrived, Carrier, Command, Component, Parcel, PluginError, Queue, Site, hookimpl

if TYPE_CHECKING:
    from ray import ObjectRef

Files = Literal["shared", "carried"]
"""Whether nodes see the files of this machine."""

PR_SET_PDEATHSIG = 1
PASSED = ("BENCH_", "CUDA_", "HF_", "OMP_", "TORCH_")
"""How variables begin that a command gets from here; all others are those of its node."""
CHUNK = 1 << 22
"""Bytes of what a command writes that are sent at once."""
PIPE_BYTES = 1 << 20
"""Bytes that a pipe is asked to hold, so that no message to the mailbox is small; Linux alone heeds it."""
HELD = 1 << 28
"""Bytes that the mailbox holds; whoever has more waits until this machine has taken some."""
FULL_S = 0.2
"""Seconds after which a full mailbox is tried again."""
KEPT = 16
"""Pieces of what jobs need that are put into the object store once, where several need the same."""
LAST_WORDS = 4000
"""Bytes of what a command printed that are kept."""


class Ray:
    """Commands as tasks of Ray; ids are those of the objects that they give."""

    def __init__(self, cpus: float, gpus: float, retries: int, environment: Mapping[str, str]) -> None:
        import ray

        self.task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=retries)(perform)
        self.environment = environment
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
        return alive(self.references, ids)

    def stop(self, ids: Collection[str]) -> None:
        """Forget tasks that wait, and interrupt those that run, which pass it on as SIGTERM."""
        cancel(self.references, ids, force=False)

    def kill(self, ids: Collection[str]) -> None:
        """End the processes of the tasks; their commands end with them."""
        cancel(self.references, ids, force=True)


class Carrying:
    """Commands as tasks of Ray on nodes that see no file of this machine; ids are numbers."""

    def __init__(self, cpus: float, gpus: float, retries: int, environment: Mapping[str, str]) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.retries = retries
        self.cpus, self.gpus = cpus, gpus
        self.environment = environment
        self.task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(carry)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        actor: Any = ray.remote(Mailbox)
        self.mailbox = actor.options(num_cpus=0, scheduling_strategy=here).remote()
        self.references: dict[str, ObjectRef[bytes]] = {}
        self.names: dict[str, str] = {}
        self.put = lru_cache(KEPT)(ray.put)
        self.count = 0

    def start(self, parcels: Sequence[Parcel]) -> Sequence[str]:
        """Put what each needs into the object store, and submit a task for it."""
        ids = []
        for parcel in parcels:
            self.count += 1
            id = str(self.count)
            pieces = [self.put(content) for content in parcel.content]
            task = self.task.options(name=parcel.name, **self._elsewhere(parcel.avoid))
            self.references[id] = task.remote(id, parcel.words, pieces, self.mailbox, self.environment)
            ids.append(id)
        return ids

    def arrived(self) -> Sequence[Arrived]:
        """Empty the mailbox."""
        import ray

        taken: list[tuple[str, str, bytes]] = ray.get(self.mailbox.take.remote())
        if any(node not in self.names for _, node, _ in taken):
            self.names = {node["NodeID"]: _name(node) for node in known_nodes()}
        return [Arrived(id, self.names[node], content) for id, node, content in taken]

    def nodes(self) -> Collection[str]:
        """Nodes that have as many cores and GPUs as a task asks for, whoever has them now."""
        return [_name(node) for node in known_nodes() if node["Alive"] and self._is_large(node["Resources"])]

    def alive(self, ids: Collection[str]) -> Collection[str]:
        """Those whose tasks wait or run."""
        return alive(self.references, ids)

    def last_words(self, id: str) -> str | None:
        """What a task gave; None where Ray lost the process of the task or its node."""
        import ray
        from ray.exceptions import NodeDiedError, ObjectLostError, OwnerDiedError, RayError, WorkerCrashedError

        try:
            return ray.get(self.references[id]).decode(errors="replace")
        except (NodeDiedError, ObjectLostError, OwnerDiedError, WorkerCrashedError):
            return None
        except RayError as error:
            return str(error)

    def stop(self, ids: Collection[str]) -> None:
        """Forget tasks that wait, and interrupt those that run, which pass it on as SIGTERM."""
        cancel(self.references, ids, force=False)

    def kill(self, ids: Collection[str]) -> None:
        """End the processes of the tasks; their commands end with them."""
        cancel(self.references, ids, force=True)

    def _elsewhere(self, avoid: frozenset[str]) -> dict[str, Any]:
        """What keeps a task from nodes of these names."""
        avoided = [node for node, name in self.names.items() if name in avoid]
        return {"label_selector": {"ray.io/node-id": f"!in({','.join(avoided)})"}} if avoided else {}

    def _is_large(self, resources: Mapping[str, float]) -> bool:
        return resources.get("CPU", 0.0) >= self.cpus and resources.get("GPU", 0.0) >= self.gpus


def known_nodes() -> list[dict[str, Any]]:
    """What Ray tells of each node of the cluster, also of those that are gone."""
    import ray

    untyped: Any = ray
    found: list[dict[str, Any]] = untyped.nodes()
    return found


def _name(node: Mapping[str, Any]) -> str:
    """A node for people: its address, and as much of its id as tells it from others there."""
    return f"{node['NodeManagerAddress']}/{node['NodeID'][:8]}"


class Mailbox:
    """What commands have written and this machine has not taken yet: an actor on its node, gone with the driver."""

    def __init__(self) -> None:
        self.held: list[tuple[str, str, bytes]] = []
        self.size = 0

    def put(self, id: str, node: str, content: bytes) -> bool:
        """Take some bytes; whether there was room."""
        if self.size >= HELD:
            return False
        self.held.append((id, node, content))
        self.size += len(content)
        return True

    def take(self) -> list[tuple[str, str, bytes]]:
        """All that is held."""
        taken, self.held, self.size = self.held, [], 0
        return taken


def alive(references: Mapping[str, ObjectRef[Any]], ids: Collection[str]) -> Collection[str]:
    """Those whose tasks wait or run; one that waits for a node that is still to come is alive."""
    import ray

    asked = {references[id]: id for id in ids}
    if not asked:
        return ()
    ended, _ = ray.wait(list(asked), num_returns=len(asked), timeout=0, fetch_local=False)
    return set(asked.values()) - {asked[reference] for reference in ended}


def cancel(references: Mapping[str, ObjectRef[Any]], ids: Collection[str], *, force: bool) -> None:
    """Take tasks that wait out of Ray's queue; interrupt those that run, or end their processes."""
    import ray

    for id in ids:
        ray.cancel(references[id], force=force, recursive=False)


def perform(words: Sequence[str], log: str, folder: str, environment: Mapping[str, str]) -> int:
    """Run a command on a node; its exit code."""
    with Path(log).open("ab") as printed:
        return ended(started(words, environment, folder, subprocess.DEVNULL, printed, printed))


def carry(
    id: str, words: Sequence[str], pieces: Sequence[ObjectRef[bytes]], mailbox: Any, environment: Mapping[str, str]
) -> bytes:
    """Run a command with this node's Python, with what it needs on its standard input; the last that it printed.

    What it writes goes to the mailbox, from a thread of its own: a stop interrupts the one that waits.
    """
    import ray

    node = ray.get_runtime_context().get_node_id()
    python = [sys.executable, *words]
    with tempfile.TemporaryFile() as printed:
        process = started(python, environment, None, subprocess.PIPE, subprocess.PIPE, printed)
        threads = [Thread(target=feed, args=(process, pieces))]
        threads.append(Thread(target=forward, args=(process, mailbox, id, node)))
        try:
            for thread in threads:
                thread.start()
            ended(process)
            for thread in threads:
                thread.join()
        finally:
            process.kill()  # where this was interrupted elsewhere than in its waiting
        printed.seek(max(0, printed.seek(0, os.SEEK_END) - LAST_WORDS))
        return printed.read()


def feed(process: subprocess.Popen[bytes], pieces: Sequence[ObjectRef[bytes]]) -> None:
    """Write pieces to the standard input of a process, one after the other; it may have ended before."""
    import ray

    assert process.stdin is not None
    try:
        with suppress(OSError), process.stdin as file:
            for piece in pieces:
                file.write(ray.get(piece))
    except ray.exceptions.RayError:
        process.kill()


def forward(process: subprocess.Popen[bytes], mailbox: Any, id: str, node: str) -> None:
    """Send what a process writes; without a mailbox nobody wants it, and the process ends."""
    import ray

    assert process.stdout is not None
    try:
        while content := os.read(process.stdout.fileno(), CHUNK):
            while not ray.get(mailbox.put.remote(id, node, content)):
                time.sleep(FULL_S)
    except ray.exceptions.RayError:
        process.kill()


def started(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: str | None,
    into: int,
    out: int | IO[bytes],
    printed: IO[bytes],
) -> subprocess.Popen[bytes]:
    """A command as a process in a session of its own, which ends with this one."""
    return subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=into,
        stdout=out,
        stderr=printed,
        pipesize=PIPE_BYTES,
        start_new_session=True,
        preexec_fn=_end_with_parent,
    )


def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process, which is asked to stop where this one is interrupted; its exit code."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        return process.wait()


def _end_with_parent() -> None:
    """Have Linux kill this process when the one that started it has ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def passed(files: Files, named: Sequence[str]) -> dict[str, str]:
    """The variables that commands get from here; where files are carried, none that holds a place of this machine.

    Which GPUs a task sees is Ray's to say.
    """
    found = {}
    for name, value in os.environ.items():
        asked = bool(named) and name.startswith(tuple(named))
        of_ours = name.startswith(PASSED) and name != "CUDA_VISIBLE_DEVICES"
        if asked or (of_ours and (files == "shared" or not value.startswith(("/", "~")))):
            found[name] = value
    return found


def build(
    site: Site,
    /,
    *,
    address: str = "auto",
    files: Files = "shared",
    cpus: Annotated[float, Field(ge=0)] = 4.0,
    gpus: Annotated[float, Field(ge=0)] | None = None,
    retries: Annotated[int, Field(ge=0)] = 10,
    variables: tuple[str, ...] = (),
) -> Queue | Carrier:
    """Submit tasks of Ray, each of one cell.

    ``address`` is that of the cluster, as Ray takes it (``auto``: the one of this machine). ``files`` are ``shared``
    where every node sees the same ones, and ``carried`` where each has its own ``BENCH_HOME`` and its own data. A task
    takes ``cpus`` cores and ``gpus``, which may be a part of one (null: one, none where the suite asks for the
    processor). One whose node is lost is begun again up to ``retries`` times, from its last checkpoint. ``variables``
    are beginnings of the names of environment variables that commands get from here, beside those of bench and the
    libraries that it uses.
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
    environment = passed(files, variables)
    if files == "carried":
        carrier: Carrier = Carrying(cpus, number, retries, environment)
        return carrier
    queue: Queue = Ray(cpus, number, retries, environment)
    return queue


@hookimpl
def bench_launchers() -> Iterable[Component[Queue | Carrier]]:
    """Offer it."""
    yield Component("ray", build, about=About("tasks of Ray, one cell each; needs the extra 'ray'"))
