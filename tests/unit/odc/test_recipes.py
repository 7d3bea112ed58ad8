from __future__ import annotations

import ast
import hashlib
import shlex
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from vopub.model.resource import FileReference, RemoteFile, ServiceKind, ServiceReference
from vopub.odc.recipes import cone_url, download_recipe, file_recipes, service_recipes

from .conftest import CSV, PROVED

HOSTILE = "http://h/x';rm$IFS-rf$IFS~;`id`\\'?a=b&"
PYTHON = ("pyvo", "pandas", "h5py")
SHELL = ("TOPCAT, from a shell", "STILTS", "curl")


@pytest.mark.parametrize("base", ["http://h/scs.xml", "http://h/scs.xml?", "http://h/scs.xml?a=b",
                                  "http://h/scs.xml?a=b&"])  # fmt: skip
def test_a_cone_search_can_be_put_on_any_base(base: str) -> None:
    asked = parse_qs(urlsplit(cone_url(base, {"RA": "1", "DEC": "-2", "SR": "3"})).query)
    extra = {"a": ["b"]} if "a=b" in base else {}
    assert asked == {"RA": ["1"], "DEC": ["-2"], "SR": ["3"], **extra}


@pytest.mark.parametrize("kind", [ServiceKind.SCS, ServiceKind.TAP])
@pytest.mark.parametrize("url", ["http://h/tap", HOSTILE])
def test_lines_are_whole_in_their_language_whatever_the_address(
    kind: ServiceKind, url: str
) -> None:
    service = ServiceReference(kind=kind, url=url, table='a."b\'c"', proved=PROVED)
    recipes = service_recipes(service)
    assert {"pyvo", "STILTS", "TOPCAT", "curl"} <= {recipe.tool for recipe in recipes}
    for recipe in recipes:
        if recipe.tool in PYTHON:
            strings = [n.value for n in ast.walk(ast.parse(recipe.lines))
                       if isinstance(n, ast.Constant)]  # fmt: skip
            assert url in strings
        if recipe.tool in SHELL:
            arguments = shlex.split(recipe.lines)
            assert any(url.rstrip("?&") in argument for argument in arguments)
            assert "rm" not in arguments


def test_a_form_needs_no_lines() -> None:
    service = ServiceReference(kind=ServiceKind.FORM, url="http://h/form", proved=PROVED)
    assert service_recipes(service) == []


@pytest.mark.parametrize(
    ("media_type", "tools"),
    [("text/csv", ["pandas"]), ("text/csv; charset=utf-8", ["pandas"]),
     ("application/x-hdf5", ["h5py"]), ("image/svg+xml", [])],
)  # fmt: skip
def test_files_are_read_by_their_kind(media_type: str, tools: list[str]) -> None:
    file = FileReference(name="a.csv", media_type=media_type, size=1, sha256="0" * 64)
    recipes = file_recipes(file, HOSTILE)
    assert [recipe.tool for recipe in recipes] == tools
    for recipe in recipes:
        ast.parse(recipe.lines)
    first, second = download_recipe(HOSTILE, file).lines.splitlines()
    assert shlex.split(first) == ["curl", "--fail", "--remote-name", HOSTILE]
    assert shlex.split(second)[1] == f"{'0' * 64}  a.csv"


class Elsewhere(BaseHTTPRequestHandler):
    """A server that sends on to the address at which it has a file."""

    def do_GET(self) -> None:
        is_there = self.path == "/there?a=b&c"
        self.send_response(200 if is_there else 302)
        if not is_there:
            self.send_header("Location", "/there?a=b&c")
        self.send_header("Content-Length", str(len(CSV) if is_there else 0))
        self.end_headers()
        self.wfile.write(CSV if is_there else b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.mark.parametrize(("content", "whole"), [(CSV, True), (CSV + b"x", False), (None, True)])
def test_a_file_on_another_server_is_fetched_and_compared(
    tmp_path: Path, content: bytes | None, whole: bool
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/data?version=1&name=it's"
        digest = None if content is None else hashlib.sha256(content).hexdigest()
        file = RemoteFile(name="a.csv", media_type="text/csv", url=url, sha256=digest)
        lines = download_recipe(url, file).lines
        done = subprocess.run(["sh", "-e", "-c", lines], cwd=tmp_path, capture_output=True,
                              check=False)  # fmt: skip
        server.shutdown()
    assert (done.returncode == 0) == whole, done.stderr
    assert (tmp_path / "a.csv").read_bytes() == CSV
