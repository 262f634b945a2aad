"""The page of a run while it runs, on this machine alone: written anew when a record is, with what goes on now."""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.canonical import digest
from bench.engine.invocation import Invocation
from bench.errors import BenchError, visible_lines
from bench.page.gathering import Asked, gathered
from bench.page.writing import rendered
from bench.runs.folder import CELLS, SUITE
from bench.runs.status import status_lines, status_of
from bench.types import JsonValue

LOOPBACK = "127.0.0.1"
"""Nobody but this machine is answered."""

POLICY = "default-src 'none'"
EMPTY = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>{name}</title><p>{text}</p></html>
"""


@dataclass(slots=True)
class Live:
    """The newest page of a run folder; it is made by whoever asks first after a record has changed."""

    run: Path
    invocation: Invocation
    permitted: tuple[str, ...] = ()
    _version: str = ""
    _page: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self) -> bytes:
        """The page of what is done now; a line that says why there is none yet."""
        with self._lock:
            version = self.version()
            if version != self._version:
                self._page = self._made(version)
                self._version = version
            return self._page

    def version(self) -> str:
        """Another text whenever the suite, a record or what lies beside it is another."""
        files = [self.run / SUITE, *sorted((self.run / CELLS).glob("*.json"))]
        known = []
        for file in files:
            try:
                known.append([file.name, file.stat().st_mtime_ns])
            except OSError:
                continue  # it is not there yet, or is just being replaced
        return digest(known)

    def status(self) -> dict[str, JsonValue]:
        """What goes on, in lines and as values."""
        try:
            status = status_of(self.run)
        except BenchError as error:
            return {"version": self.version(), "lines": [visible_lines(error)], "status": None}
        return {"version": self.version(), "lines": list(status_lines(status)), "status": status.plain()}

    def _made(self, version: str) -> bytes:
        asked = Asked(permitted=self.permitted, live=version)
        try:
            page = gathered([self.run], self.invocation, asked, lambda _: None)
            return rendered(page, asked).encode()
        except BenchError as error:
            text = html.escape(visible_lines(error))
            return EMPTY.format(name=html.escape(str(self.run)), text=text).encode()


def server(live: Live, port: int) -> ThreadingHTTPServer:
    """A server of the page on the loopback of this machine; port 0 takes any that is free.

    Raises:
        OSError: the port is taken.
    """

    class Answer(BaseHTTPRequestHandler):
        """Answers requests for the page and for what goes on, and nothing else."""

        def do_GET(self) -> None:
            """The page, or what goes on as JSON."""
            answers: dict[str, tuple[str, Callable[[], bytes]]] = {
                "/": ("text/html; charset=utf-8", live.page),
                "/status.json": ("application/json", lambda: json.dumps(live.status()).encode()),
            }
            if self.headers.get("Host", "") not in _hosts(self.server.server_port):  # type: ignore[attr-defined]
                self.send_error(HTTPStatus.FORBIDDEN, "another name than that of this machine")
                return
            if self.path not in answers:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            type, make = answers[self.path]
            content = make()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", type)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *values: object) -> None:
            """Say nothing of requests."""

    return ThreadingHTTPServer((LOOPBACK, port), Answer)


def _hosts(port: int) -> tuple[str, ...]:
    """Names under which this machine is asked: a page of another name must not read this one."""
    return (f"{LOOPBACK}:{port}", f"localhost:{port}")
