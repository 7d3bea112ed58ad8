"""What tests of the site's parts share."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from vopub.process import service_account
from vopub.site.layout import Layout


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """Give a fresh directory that the user whom services run as can enter, unlike tmp_path."""
    path = Path(tempfile.mkdtemp(prefix="vopub-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def layout(open_directory: Path) -> Layout:
    """Give the directories of a site, made."""
    made = Layout(open_directory / "site", service_account())
    made.make()
    return made


@pytest.fixture
def free_port() -> int:
    """Give a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
