"""A Ray cluster whose nodes see nothing of this machine's files: each in namespaces of its own, with its own home."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clusters.worlds import until
from studies.faults.parts import write_parts

CPUS = 4
"""Cores of a task by default, and of a node."""
MEMORY = 100 * 10**6
"""Bytes of each node's object store."""
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""A node's own mounts and processes; it ends with all of them."""
ANY_PORT = ("--min-worker-port=0", "--max-worker-port=0")


def why_not() -> str | None:
    """Why there can be no such nodes here, or None."""
    if shutil.which("unshare") is None:
        return "the command 'unshare' is not here"
    done = subprocess.run([*NAMESPACES, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True)
    return None if done.returncode == 0 else f"nodes need namespaces of their own: {done.stderr.strip()}"


@dataclass(slots=True)
class Node:
    """A node that runs, and its ``BENCH_HOME``, in which this process can look."""

    home: Path
    process: subprocess.Popen[bytes]

    def lose(self) -> None:
        """End it and all its processes at once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@dataclass(slots=True)
class FarCluster:
    """A head on this machine without room for a task, and nodes to which ``hidden`` is an empty folder."""

    head: Any
    place: Path
    hidden: Path
    nodes: list[Node] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(self.head.address)

    def add(self, name: str, *, data: bool = True, room: str = "") -> Node:
        """A node with the data set ``folder`` or without; ``room`` is the size of its home's disk, as mount takes it."""
        home = self.place / name
        home.mkdir(exist_ok=True)
        mounts = [f"mount -t tmpfs none {self.hidden}"]
        if room:
            mounts.append(f"mount -t tmpfs -o size={room} none {home}")
        if data:
            write_parts(self.place / "parts")
            mounts.append(f"mkdir -p {home}/data && cp -rn {self.place}/parts {home}/data/folder")
        ray = f"{Path(sys.executable).parent}/ray"
        start = f"exec {ray} start --address={self.address} --num-cpus={CPUS} --object-store-memory={MEMORY} --block"
        script = " && ".join([*mounts, f"{start} {' '.join(ANY_PORT)} --disable-usage-stats"])
        before = len(self.alive())
        with (self.place / f"{name}.txt").open("ab") as said:
            process = subprocess.Popen(
                [*NAMESPACES, "sh", "-c", script],
                cwd="/",
                env={**os.environ, "BENCH_HOME": str(home), "OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self.nodes.append(Node(home, process))
        until(lambda: len(self.alive()) > before, f"node {name} is there")
        return self.nodes[-1]

    def alive(self) -> Sequence[Any]:
        """What the head knows of nodes."""
        import ray

        return [node for node in ray.nodes() if node["Alive"]]

    def clear(self) -> None:
        """End all nodes but the head."""
        while self.nodes:
            node = self.nodes.pop()
            node.lose()
            shutil.rmtree(node.home, ignore_errors=True)
        until(lambda: len(self.alive()) == 1, "only the head is left")


@contextmanager
def far_cluster(hidden: Path) -> Iterator[FarCluster]:
    """A head; whoever is at work adds nodes."""
    import ray
    from ray.cluster_utils import Cluster

    place = Path(tempfile.mkdtemp(prefix="bench-nodes-"))
    head = Cluster(initialize_head=True, connect=True, head_node_args={"num_cpus": 0, "object_store_memory": MEMORY})
    cluster = FarCluster(head, place, hidden)
    try:
        yield cluster
    finally:
        cluster.clear()
        ray.shutdown()
        head.shutdown()
        shutil.rmtree(place, ignore_errors=True)
