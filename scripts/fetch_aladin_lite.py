#!/usr/bin/env python3
"""Fetch Aladin Lite, the viewer of the sky in a browser, into a directory.

    scripts/fetch_aladin_lite.py .venv/share/aladin-lite

Tests show the services in it, and the pages of the Open Data Center may. It is under the GPL-3, a
program beside vopub and no part of it. What is fetched is pinned by its SHA-512.
"""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tarfile
import urllib.request
from pathlib import Path

VERSION = "3.8.2"
URL = f"https://registry.npmjs.org/aladin-lite/-/aladin-lite-{VERSION}.tgz"
SHA512 = "/VGtxSWZ4StdKgwjmzqNkUY/3iTaBZJ5F6bN+nAfcK1NEATcAb2CYJX4U8FElpwYMgKrypYQV5KniRzhVbH+nA=="
FILES = {"package/dist/aladin.js": "aladin.js", "package/COPYING": "COPYING"}
PATIENCE = 60


def main(arguments: list[str]) -> str:
    """Fetch it unless it is there; return what went wrong."""
    if len(arguments) != 1:
        return "name the directory to put Aladin Lite into"
    target = Path(arguments[0])
    mark = target / "version"
    if mark.exists() and mark.read_text().strip() == VERSION:
        return ""
    try:
        with urllib.request.urlopen(URL, timeout=PATIENCE) as answer:
            packed = answer.read()
    except OSError as error:
        return f"cannot fetch {URL}: {error}"
    found = base64.b64encode(hashlib.sha512(packed).digest()).decode()
    if found != SHA512:
        return f"{URL} has the SHA-512 {found} instead of {SHA512}"
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member, name in FILES.items():
            stream = archive.extractfile(member)
            if stream is None:
                return f"{URL} holds no {member}"
            (target / name).write_bytes(stream.read())
    mark.write_text(f"{VERSION}\n")
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
