"""A Ray cluster whose nodes see nothing of this machine's files: each in namespaces of its own, with its own home."""

from __future__ import annotations

import json
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
from studies.slurm_cluster import free_ports

CPUS = 4
"""Cores of a task by default, and of a node."""
MEMORY = 100 * 10**6
"""Bytes of each node's object store."""
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""A node's own mounts and processes; it ends with all of them."""
RAY = Path(sys.executable).with_name("ray")
NOTHING_MORE = (
    "cluster_synced_files",
    "head_setup_commands",
    "head_start_ray_commands",
    "initialization_commands",
    "rsync_exclude",
    "rsync_filter",
    "setup_commands",
    "worker_setup_commands",
    "worker_start_ray_commands",
)
"""What else a growing cluster must be told of: nothing."""
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


@dataclass(slots=True)
class FarCluster:
    """A head on this machine without room for a task, and nodes to which ``hidden`` is an empty folder."""

    head: Any
    place: Path
    hidden: Path
    nodes: list[Node] = field(default_factory=list)
    _count: int = 0

    @property
    def address(self) -> str:
        return str(self.head.address)

    def add(self, *, data: bool = True, room: str = "") -> Node:
        """A node with the data set ``folder`` or without; ``room`` is the size of the disk of its home, for mount."""
        self._count += 1
        home = self.place / f"n{self._count}"
        home.mkdir()
        mounts = [f"mount -t tmpfs none {self.hidden}"]
        if room:
            mounts.append(f"mount -t tmpfs -o size={room} none {home}")
        if data:
            mounts.append(_with_data(self.place, home))
        start = f"exec {RAY} start --address={self.address} --num-cpus={CPUS} --object-store-memory={MEMORY} --block"
        script = " && ".join([*mounts, f"{start} {' '.join(ANY_PORT)} --disable-usage-stats"])
        before = len(self.alive())
        self.nodes.append(Node(home, _unshared(script, home)))
        until(lambda: len(self.alive()) > before, f"{home.name} is there")
        return self.nodes[-1]

    def alive(self) -> Sequence[Any]:
        """What the head knows of nodes."""
        import ray

        return [node for node in ray.nodes() if node["Alive"]]

    def is_idle(self) -> bool:
        """Whether no task has or awaits a core."""
        import ray

        return bool(ray.available_resources().get("CPU") == ray.cluster_resources().get("CPU"))

    def listed(self, folder: Path) -> list[list[str] | None]:
        """What each node sees in a folder; None where it cannot open it."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        def listed(path: str) -> list[str] | None:
            try:
                return sorted(os.listdir(path))  # noqa: PTH208 - this runs on the node
            except OSError:
                return None

        found = []
        for node in self.alive():
            if node["Resources"].get("CPU"):
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                found.append(ray.remote(num_cpus=0, scheduling_strategy=there)(listed).remote(str(folder)))
        names: list[list[str] | None] = ray.get(found)
        return names

    def lose(self, node: Node) -> None:
        """End a node and all its processes at once."""
        before = len(self.alive())
        self.nodes.remove(node)
        node.process.send_signal(signal.SIGKILL)
        node.process.wait()
        until(lambda: len(self.alive()) < before, "Ray has seen that a node is lost")


@contextmanager
def far_cluster(hidden: Path) -> Iterator[FarCluster]:
    """A head; whoever is at work adds nodes."""
    import ray
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory(prefix="bench-nodes-", ignore_cleanup_errors=True) as place:
        head = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": MEMORY})
        ray.init(head.address, log_to_driver=False)
        cluster = FarCluster(head, Path(place), hidden)
        try:
            yield cluster
        finally:
            ray.shutdown()
            for node in cluster.nodes:
                node.process.kill()
                node.process.wait()
            head.shutdown()


@contextmanager
def autoscaled(hidden: Path) -> Iterator[str]:
    """The address of a cluster that has no node but its head, and starts others when tasks wait for them."""
    from ray.util import get_node_ip_address

    (port,) = free_ports(1)
    address = f"{get_node_ip_address()}:{port}"
    with tempfile.TemporaryDirectory(prefix="bench-nodes-", ignore_cleanup_errors=True) as place:
        home, written = Path(place, "home"), Path(place, "cluster.json")
        home.mkdir()
        written.write_text(json.dumps(growing(address)))
        start = f"exec {RAY} start --head --port={port} --num-cpus=0 --autoscaling-config={written} --block"
        mounts = [f"mount -t tmpfs none {hidden}", _with_data(Path(place), home)]
        script = " && ".join([*mounts, f"{start} {' '.join(ANY_PORT)} --disable-usage-stats"])
        process = _unshared(script, home, AUTOSCALER_UPDATE_INTERVAL_S="1", RAY_FAKE_CLUSTER="1")
        try:
            until(lambda: "Ray runtime started" in home.with_suffix(".txt").read_text(), "the head is there")
            yield address
        finally:
            process.kill()
            process.wait()


def growing(address: str) -> dict[str, Any]:
    """Up to two nodes with room for a task each, as Ray's own tests have them started: as processes of the head."""
    worker = {"resources": {"CPU": CPUS}, "node_config": {}, "min_workers": 0, "max_workers": 2}
    return {
        "cluster_name": "growing",
        "max_workers": 2,
        "idle_timeout_minutes": 1,
        "provider": {
            "type": "fake_multinode",
            "gcs_address": address,
            "use_node_id_as_ip": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": worker,
        },
        "head_node_type": "ray.head.default",
        "upscaling_speed": 1.0,
        "auth": {},
        "file_mounts": {},
        **{name: [] for name in NOTHING_MORE},
    }


def _unshared(script: str, home: Path, **environment: str) -> subprocess.Popen[bytes]:
    """A script in namespaces of its own, which end with it."""
    with home.with_suffix(".txt").open("ab") as said:
        return subprocess.Popen(
            [*NAMESPACES, "sh", "-c", script],
            cwd="/",
            env={**os.environ, "BENCH_HOME": str(home), "OMP_NUM_THREADS": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def _with_data(place: Path, home: Path) -> str:
    """What gives a node a copy of the data set."""
    if not (place / "parts").is_dir():
        write_parts(place / "parts")
    return f"mkdir -p {home}/data && cp -r {place}/parts {home}/data/folder"
