"""A local HTTP server that serves bytes well or badly, for tests of downloads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Manner = Literal[
    "good", "ignores ranges", "unasked part", "web page", "wrong range", "says too much", "no marks", "packs"
]


@dataclass
class Served:
    """One file: its bytes and the server's manner.

    After ``cut`` bytes the connection breaks, once; after ``stall`` bytes nothing more comes while that is set.
    """

    body: bytes
    manner: Manner = "good"
    cut: int | None = None
    stall: int | None = None
    tag: str = '"1"'
    status: int = 200


@dataclass
class FileServer:
    """``files`` by path; ``asked`` lists (path, Range header) of every request."""

    address: str = ""
    files: dict[str, Served] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"{self.address}/{path}"


@contextmanager
def file_server() -> Iterator[FileServer]:
    """Serve on a free port of this machine until the block ends."""
    told = FileServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            told.asked.append((self.path.lstrip("/"), wanted))
            found = told.files.get(self.path.lstrip("/"))
            if found is None or found.status != 200:
                self.send_error(404 if found is None else found.status)
                return
            answer(self, found, wanted)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(handler: BaseHTTPRequestHandler, found: Served, wanted: str | None) -> None:
    """Send a file or the rest of it, in its manner."""
    start, whole = 0, len(found.body)
    same = handler.headers.get("If-Range") in (None, found.tag)
    if wanted and same and found.manner != "ignores ranges":
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= whole:
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{whole}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
    partly = start > 0 or found.manner == "unasked part"
    handler.send_response(206 if partly else 200)
    if partly:
        first = start + 1 if found.manner == "wrong range" else start
        handler.send_header("Content-Range", f"bytes {first}-{whole - 1}/{whole}")
    body = found.body[start:]
    handler.send_header("Content-Length", str(len(body) + (10 if found.manner == "says too much" else 0)))
    handler.send_header("Content-Type", "text/html" if found.manner == "web page" else "application/octet-stream")
    if found.manner == "packs":
        handler.send_header("Content-Encoding", "gzip")
    if found.manner != "no marks":
        handler.send_header("ETag", found.tag)
    handler.end_headers()
    cut, found.cut = found.cut, None
    if found.stall is not None:
        handler.wfile.write(body[: found.stall])
        while found.stall is not None:
            time.sleep(0.02)
        return
    handler.wfile.write(body if cut is None else body[: max(0, cut - start)])
    handler.close_connection = True
