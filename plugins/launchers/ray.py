"""Ray: a task for each command, on whichever node has room, begun again on another where a node is lost.

What crosses goes in Ray's own envelope. Where nodes see the files of this machine, that is the words of a command and
an environment. Where they do not, it is bytes of bench as well, from its standard output through a mailbox beside us.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from bench_plugins.launchers._ray_node import Mailbox, carry, perform
from pydantic import Field

from bench.api import About, Arrived, Carrier, Command, Component, Parcel, PluginError, Queue, Site, hookimpl

if TYPE_CHECKING:
    from ray import ObjectRef

Files = Literal["shared", "carried"]
"""Whether nodes see the files of this machine."""

PASSED = ("BENCH_", "CUDA_", "HF_", "OMP_", "TORCH_")
"""How variables begin that a command gets from here; all others are those of its node."""
KEPT = 16
"""Pieces of what jobs need that are put into the object store once, where several need the same."""


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
            said: bytes = ray.get(self.references[id])
            return said.decode(errors="replace")
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

    for id in references.keys() & set(ids):  # others are of a command that was killed, and gone with it
        ray.cancel(references[id], force=force, recursive=False)


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
