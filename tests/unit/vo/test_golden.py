"""Descriptors as they were seen to be right. Run as a program, this writes them anew."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from vopub.vo.collection import render_collection
from vopub.vo.descriptor import render_descriptor
from vopub.vo.known_events import known_events

FOLDER = Path(__file__).parents[2] / "golden"


def events(samples: ModuleType) -> str:
    return render_descriptor(
        samples.metadata(), samples.vo(), authority=samples.AUTHORITY,
        data_file="data/evts21_01.csv", known=known_events(samples.table()),
        functions=[samples.function_table()],
    )  # fmt: skip


def collection(samples: ModuleType) -> str:
    return render_collection(samples.collection(), samples.members(), authority=samples.AUTHORITY)


GOLDEN: Mapping[str, Callable[[ModuleType], str]] = {
    "evts21_01": events,
    "samples26_01": collection,
}


@pytest.mark.parametrize("name", list(GOLDEN))
def test_descriptor_is_the_golden_one(samples: ModuleType, name: str) -> None:
    text = GOLDEN[name](samples)
    golden = (FOLDER / f"{name}.rd.xml").read_text(encoding="utf-8")
    difference = "\n".join(difflib.unified_diff(golden.splitlines(), text.splitlines()))
    assert text == golden, f"run {__file__} if the change is meant:\n{difference}"


if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("s", Path(__file__).with_name("samples.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, make in GOLDEN.items():
        (FOLDER / f"{name}.rd.xml").write_text(make(module), encoding="utf-8")
