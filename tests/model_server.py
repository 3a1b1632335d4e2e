"""A server of models that can stall, break off and lie, and a zip file of a tiny model to serve."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import tiny_models


class ModelServer:
    """Serves one zip file at /model.zip, and a record of it at /record; each trouble happens to one request.

    Attributes
    ----------
    troubles
        What happens to the next requests for the file: ``break`` (half, then the connection ends), ``stall``
        (half, then silence), ``404``, ``503``, ``whole`` (ranges are ignored), ``other place`` (a range from
        somewhere else), ``longer`` (more than was stated), ``wrong bytes``, ``416``.
    ranges
        The range that each request asked for.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.record: object = None
        self.troubles: list[str] = []
        self.ranges: list[str | None] = []
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.removeprefix("http://models.invalid")
        if path == "/record":
            body = json.dumps(self.record).encode()
            return self._send(request, 200, body, len(body), {})
        trouble = self.troubles.pop(0) if self.troubles else ""
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        if trouble.isdecimal():
            return request.send_error(int(trouble))
        if trouble == "elsewhere":
            return self._send(request, 302, b"", 0, {"Location": f"{self.url}/model.zip"})
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and trouble != "whole" else 0
        stated = start + 1 if trouble == "other place" else start
        body, size = self.content[start:], len(self.content)
        headers = {"Content-Range": f"bytes {stated}-{size - 1}/{size}"} if start else {}
        length = len(body) + (7 if trouble == "longer" else 0)
        if trouble == "wrong bytes":
            body = bytes(len(body))
        elif trouble == "longer":
            body += b"surplus"
        elif trouble in {"break", "stall"}:
            body = body[: len(body) // 2]
        self._send(request, 206 if start else 200, body, length, headers)
        if trouble == "stall":
            request.wfile.flush()
            self.released.wait(10)
        return None

    @staticmethod
    def _send(
        request: BaseHTTPRequestHandler, status: int, body: bytes, length: int, headers: dict[str, str]
    ) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)


@contextmanager
def serving(content: bytes) -> Iterator[ModelServer]:
    server = ModelServer(content)
    try:
        yield server
    finally:
        server.close()


def model_zip(folder: Path, *, inside: str = "LesionLocatorCheckpoint") -> Path:
    """Write a zip file of a tiny model, and return its path."""
    tiny_models.write(folder / inside, tiny_models.plans())
    path = folder / "model.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((folder / inside).rglob("*")):
            archive.write(file, file.relative_to(folder))
    return path


def manifest(folder: Path, **entry: object) -> Path:
    """Write a manifest of one model with the id ``tiny``."""
    path = folder / "manifest.json"
    path.write_text(json.dumps({"models": [{"id": "tiny", "title": "tiny", "licence": "MIT", **entry}]}))
    return path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
