"""Processes of tests are forked from one that has imported what they need, which takes longer than their work.

A worker in an unusual environment, such as one with a library preloaded, is started as any process is, and so are all
processes of commands that are processes themselves.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NoReturn

from bench.contain import keeper, process
from bench.engine.hired import MODULE as WORKER
from bench.engine.workers import worker_environments
from bench.suite.schema import Runtime

LARGEST = 1 << 18
"""Bytes of an environment in one message."""
LATER = ("BENCH_", "PYTEST_", "TORCHINDUCTOR_", "TMPDIR")
"""How variables begin that nothing reads when it is imported; the third are set by torch itself."""
ROOMS = ("crops", "data", "pictures", "score", "stages", "store", "train")
LATE = (
    "cv2",
    "h5py",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "numba",
    "safetensors.torch",
    "scipy.ndimage",
    "torch",
    "torch._dynamo",
)
"""What a worker imports when it is needed."""


class Forks:
    """Starts contained processes by forking: takes the place of :func:`bench.contain.process.start`."""

    def __init__(self) -> None:
        self._cold = process.start
        self._environment: dict[str, str] | None = None
        self._socket, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def start(
        self, module: str, descriptors: tuple[int, int, int], folder: str, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes] | None:
        """Start a module, forked unless it is a worker in an environment that no other worker has."""
        if self._environment is None:
            usual = {**environment, **worker_environments(Runtime(device="cpu"), 1)[0]}
            self._environment = _read_early(usual)
            fork = [sys.executable, "-P", __file__, str(self._theirs.fileno())]
            subprocess.Popen(fork, env=usual, stdin=subprocess.DEVNULL, pass_fds=[self._theirs.fileno()])
        if module == WORKER and _read_early(environment) != self._environment:
            return self._cold(module, descriptors, folder, environment)
        message = json.dumps([module, folder, str(Path.cwd()), dict(environment)]).encode()
        socket.send_fds(self._socket, [message], list(descriptors))
        return None

    def close(self) -> None:
        """End the process that others are forked from."""
        self._socket.close()
        self._theirs.close()


def _read_early(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that may be read when something is imported."""
    return {name: value for name, value in environment.items() if not name.startswith(LATER)}


def serve(requests: socket.socket) -> None:
    """Fork a keeper with its process for each request, until nobody can send one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for keepers
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, LARGEST, 3)
        if not message:
            return
        channel, control, printed = descriptors
        if os.fork() == 0:
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            module, folder, here, environment = json.loads(message)
            keeper.keep(control, folder, partial(_work, module, here, environment, channel, printed))
        for descriptor in descriptors:
            os.close(descriptor)


def _work(module: str, here: str, environment: Mapping[str, str], channel: int, printed: int) -> NoReturn:
    """Be a process, as ``python -m MODULE CHANNEL`` is one."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for own, stream in enumerate((os.open(os.devnull, os.O_RDONLY), printed, printed)):
        os.dup2(stream, own)
    os.close(printed)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    code = 1
    try:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(environment)
        tempfile.tempdir = None  # it was looked up before
        sys.argv = [module, str(channel)]
        importlib.import_module(module).main()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def import_all() -> None:
    """Import what workers import, with the plugins on offer and what numba looks up for its first kernel."""
    from numba.core.registry import cpu_target

    from bench.catalog import load_used

    for name in (*LATE, "bench.engine.worker"):
        importlib.import_module(name)
    for room in ROOMS:
        package = importlib.import_module(f"bench.{room}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    load_used(())
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


if __name__ == "__main__":
    import_all()
    serve(socket.socket(fileno=int(sys.argv[1])))
