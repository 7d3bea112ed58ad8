"""Servers to read from: a real Open Data Center, and one that answers what a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from vopub.client import KM3Store
from vopub.client.connection import Patience
from vopub.odc.client import OdcClient

from ..odc.conftest import TOKEN, Server, start  # noqa: TID252 - the same servers

SHORT = Patience(silence=1.0, document=1.5)


@pytest.fixture(scope="module")
def odc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a running Open Data Center."""
    running = start(tmp_path_factory.mktemp("center") / "odc")
    yield running
    running.stop()


@pytest.fixture
def writer(odc: Server) -> Iterator[OdcClient]:
    with OdcClient(odc.url, TOKEN) as client:
        yield client


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a directory of its own, with nothing in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))


@dataclass
class Answer:
    """What the scripted server says to a path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Callable[[], Iterator[bytes]] | None = None
    """Instead of the body: pieces, without a length."""
    part: Answer | None = None
    """What is said to who asks for a part."""


def three_at_once(fetch: Callable[[], bool]) -> list[bool]:
    """Return what each of three says who fetch at the same time."""
    with ThreadPoolExecutor(3) as pool:
        return [each.result() for each in [pool.submit(fetch) for _ in range(3)]]


class Scripted(ThreadingHTTPServer):
    """A server that answers what a test wants, however wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def say(self, path: str, body: object, **options: object) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers[path] = Answer(content, **options)  # type: ignore[arg-type]

    def store(self, cache: Path, *mirrors: str) -> KM3Store:
        return KM3Store(self.url, cache=cache, mirrors=mirrors, patience=SHORT)


class _Handler(BaseHTTPRequestHandler):
    server: Scripted
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.asked.append((path, {k.lower(): v for k, v in self.headers.items()}))
        answer = self.server.answers.get(path, Answer(b'{"error": "nothing here"}', 404))
        if answer.part and self.headers["Range"]:
            answer = answer.part
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.pieces is None:
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            return
        self.close_connection = True
        self.end_headers()
        try:
            for piece in answer.pieces():
                self.wfile.write(piece)
        except OSError:
            return  # the client had enough

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    server = Scripted()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
