"""What all tests share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reachable_directory() -> Iterator[Path]:
    """Give a fresh directory that the user whom services run as can enter, unlike tmp_path."""
    path = Path(tempfile.mkdtemp(prefix="vopub-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
