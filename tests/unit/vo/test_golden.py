"""Descriptors as they were seen to be right. Run as a program, this writes them anew."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from vopub.model.publication import Related
from vopub.model.resource import FileReference, FileRole
from vopub.vo.collection import render_collection
from vopub.vo.datalinks import Link
from vopub.vo.datasets import Dataset, Datasets, with_datasets
from vopub.vo.descriptor import render_descriptor
from vopub.vo.known_events import known_events

FOLDER = Path(__file__).parents[2] / "golden"


def events(samples: ModuleType) -> str:
    return render_descriptor(
        samples.metadata(), samples.vo(), authority=samples.AUTHORITY,
        data_file="data/evts21_01.csv", known=known_events(samples.table()),
        functions=[samples.function_table()],
    )  # fmt: skip


def complete(samples: ModuleType) -> str:
    """Return a descriptor of all that one can hold: files, versions, a page, data sets."""
    said = samples.metadata(identifier="evts21_02")
    names = {
        ".csv": "text/csv", ".vot": "application/x-votable+xml", ".fits": "application/fits",
        ".skymap.svg": "image/svg+xml", ".energy.svg": "image/svg+xml",
        ".moc.fits": "application/fits", ".prov.json": "application/json",
    }  # fmt: skip
    roles = {".skymap.svg": FileRole.PREVIEW, ".energy.svg": FileRole.PREVIEW,
             ".moc.fits": FileRole.METADATA, ".prov.json": FileRole.PROVENANCE}  # fmt: skip
    files = [
        FileReference(
            name=f"evts21_02{end}", media_type=media_type, size=1000 + number,
            sha256=f"{number:064x}", role=roles.get(end, FileRole.DATA),
        )
        for number, (end, media_type) in enumerate(names.items())
    ]  # fmt: skip
    text = render_descriptor(
        said, samples.vo(), authority=samples.AUTHORITY,
        data_file="data/evts21_02.csv", known=known_events(samples.table()),
        related=[
            Related(relation="IsNewVersionOf", identifier="evts21_02_v1_0", title="Before"),
            Related(relation="IsPartOf", identifier="ivo://a.b/c/q/collection", title="All"),
        ],
        files={f"https://odc.example.org/files/{file.name}": file for file in files},
        landing_page="https://odc.example.org/resources/1",
    )  # fmt: skip
    link = Link(
        access_url="https://odc.example.org/files/evts21_02.vot", semantics="#this",
        description="The events", content_type="application/x-votable+xml", content_length=1001,
    )  # fmt: skip
    dataset = Dataset(
        did=f"ivo://{samples.AUTHORITY}/evts21_02/q/cone?events",
        obscore={"obs_id": "evts21_02", "s_fov": 274.4}, hea={"ev_xel": said.rows}, links=(link,),
    )  # fmt: skip
    return with_datasets(text, Datasets(datasets=(dataset,)))


def collection(samples: ModuleType) -> str:
    return render_collection(samples.collection(), samples.members(), authority=samples.AUTHORITY)


GOLDEN: Mapping[str, Callable[[ModuleType], str]] = {
    "evts21_01": events,
    "evts21_02": complete,
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
