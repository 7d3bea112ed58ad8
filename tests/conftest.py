"""What all tests share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

UNIT = Path(__file__).parent / "unit"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take minutes: a worker that got one last would end alone."""
    items.sort(key=lambda item: item.path.is_relative_to(UNIT))


@pytest.fixture(scope="session")
def reachable_directory() -> Iterator[Path]:
    """Give a fresh directory that the user whom services run as can enter, unlike tmp_path."""
    path = Path(tempfile.mkdtemp(prefix="vopub-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
