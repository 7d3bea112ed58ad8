"""What the tests of the room ``vo`` share."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """The module that makes tables and their metadata."""
    spec = importlib.util.spec_from_file_location(
        "vo_samples", Path(__file__).with_name("samples.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
