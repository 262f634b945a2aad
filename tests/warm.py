"""Workers of tests are forked from a process that has imported what they need, which takes longer than their work.

One in another environment than the first, such as one with a library preloaded, is started as any process is, and so
are all workers of commands that are processes themselves.
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
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from select import select
from typing import IO, Any, NoReturn

LARGEST = 1 << 18
"""Bytes of an environment in one message."""
LATER = ("BENCH_", "PYTEST_", "TORCHINDUCTOR_")
"""How variables begin that nothing reads when it is imported; the last are set by torch itself."""
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


class Forked:
    """A worker as ``subprocess.Popen`` shows it."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes], status: IO[bytes]) -> None:
        self.stdin, self.stdout, self._status = stdin, stdout, status
        self.pid = int(status.readline())
        self._code: int | None = None

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        return self.wait() if self._code is None and select([self._status], [], [], 0)[0] else self._code

    def wait(self) -> int:
        """Wait for its end: the exit code, or the signal that ended it below zero."""
        if self._code is None:
            self._code = int(self._status.readline())
            self._status.close()
        return self._code

    def kill(self) -> None:
        """End it, unless it has ended."""
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end, unless it has ended."""
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Workers:
    """Starts workers: takes the place of ``subprocess`` where they are started."""

    PIPE = subprocess.PIPE

    def __init__(self) -> None:
        self._environment: dict[str, str] | None = None
        self._socket, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def Popen(
        self, command: Sequence[str], *, stdin: int, stdout: int, stderr: IO[bytes], env: Mapping[str, str]
    ) -> Any:
        """A worker, forked where its environment is that of the first."""
        if self._environment is None:
            self._environment = _read_early(env)
            fork = [sys.executable, "-P", __file__, str(self._theirs.fileno())]
            subprocess.Popen(fork, env=dict(env), stdin=subprocess.DEVNULL, pass_fds=[self._theirs.fileno()])
        if _read_early(env) != self._environment:
            return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, env=env)
        (given, to), (answers, answered), (status, told) = os.pipe(), os.pipe(), os.pipe()
        message = json.dumps([str(Path.cwd()), dict(env)]).encode()
        socket.send_fds(self._socket, [message], [given, answered, stderr.fileno(), told])
        for sent in (given, answered, told):
            os.close(sent)
        return Forked(os.fdopen(to, "wb"), os.fdopen(answers, "rb"), os.fdopen(status, "rb", buffering=0))

    def close(self) -> None:
        """End the process that workers are forked from."""
        self._socket.close()
        self._theirs.close()


def _read_early(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that may be read when something is imported."""
    return {name: value for name, value in environment.items() if not name.startswith(LATER)}


def serve(requests: socket.socket) -> None:
    """Fork a worker for each request, until nobody can send one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that mind workers
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, LARGEST, 4)
        if not message:
            return
        if os.fork() == 0:
            requests.close()
            _mind(*json.loads(message), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _mind(folder: str, environment: Mapping[str, str], given: int, answered: int, errors: int, told: int) -> NoReturn:
    """Fork a worker and tell its id, then how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    worker = os.fork()
    if worker == 0:
        os.close(told)
        _work(folder, environment, given, answered, errors)
    for descriptor in (given, answered, errors):
        os.close(descriptor)
    os.write(told, f"{worker}\n".encode())
    ended = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    with suppress(BrokenPipeError):
        os.write(told, f"{ended}\n".encode())
    os._exit(0)


def _work(folder: str, environment: Mapping[str, str], *streams: int) -> NoReturn:
    """Be a worker, as ``python -m bench.engine.worker`` is one."""
    from bench.engine.worker import main

    signal.signal(signal.SIGINT, signal.default_int_handler)
    for own, stream in enumerate(streams):
        os.dup2(stream, own)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    code = 1
    try:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        main()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def import_all() -> None:
    """Import what workers import, with the plugins on offer and what numba looks up for its first kernel."""
    from numba.core.registry import cpu_target

    from bench.catalog import load_catalog

    for name in (*LATE, "bench.engine.worker"):
        importlib.import_module(name)
    for room in ROOMS:
        package = importlib.import_module(f"bench.{room}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    load_catalog()
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


if __name__ == "__main__":
    import_all()
    serve(socket.socket(fileno=int(sys.argv[1])))
