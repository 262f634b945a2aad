"""A Slurm of two nodes on this machine: Debian's packages, every daemon and file of it in one folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes

NODES = ("n1", "n2")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
READY_S = 60.0

CONFIGURATION = """\
ClusterName=bench
SlurmctldHost={host}
SlurmUser=root
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SchedulerParameters=sched_interval=2,batch_sched_delay=1,requeue_delay=1
MinJobAge=60
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True, slots=True)
class Slurm:
    """A cluster that runs; with ``environment`` beside that of this process its commands find it."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(
            words, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout

    def jobs(self) -> list[str]:
        """Ids of all jobs that wait or run, one for each task of an array."""
        return self.run("squeue", "--noheader", "--array", "--format=%i").split()


def why_not() -> str | None:
    """Why there can be no Slurm here, or None."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)} (Debian: slurmctld slurmd slurm-client munge)"
    return None if os.geteuid() == 0 else "its daemons are started as root"


@contextmanager
def slurm(folder: Path, *, here: bool = False) -> Iterator[Slurm]:
    """Start the daemons in an empty folder and wait for both nodes; end all of it.

    With ``here`` commands of Slurm that this process starts find it too.
    """
    host = socket.gethostname()
    ports = free_ports(1 + len(NODES))
    nodes = [
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8 RealMemory=64000 State=UNKNOWN"
        for name, port in zip(NODES, ports[1:], strict=True)
    ]
    (folder / "state").mkdir()
    configuration = folder / "slurm.conf"
    configuration.write_text(
        CONFIGURATION.format(host=f"{host}(127.0.0.1)", port=ports[0], folder=folder, nodes="\n".join(nodes))
    )
    own = {"SLURM_CONF": str(configuration)}
    environment = {**os.environ, **own}
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        daemons.append(_munged(folder))
        daemons.append(subprocess.Popen(["slurmctld", "-D"], env=environment, stderr=subprocess.DEVNULL))
        for name in NODES:
            (folder / f"spool-{name}").mkdir()
            started = subprocess.Popen(["slurmd", "-D", "-N", name], env=environment, stderr=subprocess.DEVNULL)
            daemons.append(started)
        cluster = Slurm(folder, own)
        _wait(cluster)
        if here:
            os.environ |= own
        yield cluster
    finally:
        for name in own if here else ():
            os.environ.pop(name, None)
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()


def _munged(folder: Path) -> subprocess.Popen[bytes]:
    key = folder / "munge.key"
    key.write_bytes(token_bytes(1024))
    key.chmod(0o400)
    files = {"key-file": key, "socket": folder / "munge.socket", "pid-file": folder / "munge.pid"}
    files |= {"log-file": folder / "munge.log", "seed-file": folder / "munge.seed"}
    options = [f"--{name}={path}" for name, path in files.items()]
    return subprocess.Popen(["munged", "--foreground", "--force", *options], stderr=subprocess.DEVNULL)


def _wait(cluster: Slurm) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            if cluster.run("sinfo", "--noheader", "--Node", "--states=idle", "--format=%N").split() == [*NODES]:
                return
        except subprocess.CalledProcessError:
            pass
        time.sleep(0.5)
    logs = "\n".join(path.read_text()[-2000:] for path in cluster.folder.glob("*.log"))
    raise RuntimeError(f"the nodes are not ready:\n{logs}")


def free_ports(number: int) -> list[int]:
    """Ports that nobody has now."""
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
