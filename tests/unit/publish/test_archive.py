"""Publications that are kept, without servers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from vopub.errors import FileError
from vopub.model.catalogue import known_parameters
from vopub.model.event_table import EventAccount
from vopub.model.resource import KM3OpenResource
from vopub.publish.archive import (
    Archive,
    Publication,
    newest_of,
    older_versions,
    version_id,
    version_numbers,
)
from vopub.publish.build import Build
from vopub.publish.state import Key, PublicationState
from vopub.resources import read_folder

RESOURCE = Path(__file__).parents[3] / "resources" / "evts21_01"
KID = UUID(int=1)


def state(name: str, version: str = "1.0", rows: int = 230) -> PublicationState:
    return PublicationState(
        id=name, kid=KID, version=version, rows=rows,
        key=Key(inputs="a", description="b", publisher="c", software="d"),
        page="http://127.0.0.1:8000/resources/1", published=datetime(2026, 11, 22, tzinfo=UTC),
    )  # fmt: skip


def publication(directory: Path, rows: int) -> Publication:
    """Return a publication whose only product says how many rows it has."""
    products = directory / "products"
    products.mkdir(exist_ok=True)
    (products / "evts21_01.csv").unlink(missing_ok=True)
    (products / "evts21_01.csv").write_text(f"{rows} rows")
    description = read_folder(RESOURCE).description
    section = description.publication.model_dump() | {
        "publisher": "somebody", "owner": "somebody",
        "contact": {"name": "somebody", "email": "a@b.invalid"},
    }  # fmt: skip
    record = KM3OpenResource.model_validate(
        {
            "kid": KID, "identifier": "evts21_01", "ktype": "events", "publication": section,
            "parameters": [known_parameters()["event_id"]],
        }
    )  # fmt: skip
    build = Build.model_validate(
        {
            "metadata": {
                "identifier": "evts21_01", "kid": KID, "simulated": False, "rows": rows,
                "publication": section, "parameters": (),
                "data_taking": {"detector": "ORCA", "runs": (), "reconstruction": "jmuon"},
                "provenance": {"steps": (), "entities": ()}, "account": EventAccount(),
            },
            "manifest": {
                "identifier": "evts21_01", "version": "1.0", "kid": KID, "key": "k",
                "rows": rows, "files": (), "account": EventAccount(),
            },
            "known": None,
        }
    )  # fmt: skip
    return Publication(state("evts21_01", rows=rows), description, build, record, products)


def advance(archive: Archive, place: Path, rows: int, *, keep: bool) -> None:
    archive.prepare(publication(place, rows))
    archive.advance(keep=keep)


def content(found: Publication | None) -> tuple[int, str] | None:
    return None if found is None else (found.state.rows, found.csv.read_text())


def test_what_is_served_and_what_was_before_are_kept_and_nothing_else(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive" / "evts21_01")
    assert (archive.current, archive.kept) == (None, None)
    for rows in (1, 2, 3):
        advance(archive, tmp_path, rows, keep=True)
    assert content(archive.current) == (3, "3 rows")
    assert content(archive.kept) == (2, "2 rows")
    assert sorted(path.name for path in archive.directory.iterdir()) == ["current", "kept"]
    advance(archive, tmp_path, 4, keep=False)
    assert content(archive.current) == (4, "4 rows")
    assert archive.kept is None
    archive.remove()
    assert not archive.directory.exists()


def test_what_is_served_takes_no_space(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive" / "evts21_01")
    advance(archive, tmp_path, 1, keep=True)
    found = archive.current
    assert found is not None
    assert found.csv.samefile(tmp_path / "products" / "evts21_01.csv")


def test_what_is_prepared_changes_nothing_until_it_is_served(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive" / "evts21_01")
    advance(archive, tmp_path, 1, keep=True)
    archive.prepare(publication(tmp_path, 2))
    assert content(archive.current) == (1, "1 rows")
    archive.forget_next()
    archive.advance(keep=True)
    assert content(archive.current) == (1, "1 rows")


def test_what_another_version_of_vopub_wrote_counts_as_nothing(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive" / "evts21_01")
    advance(archive, tmp_path, 1, keep=True)
    (archive.directory / "current" / "record.json").write_text('{"kid": 5}')
    assert archive.current is None


def test_products_that_are_gone_are_reported(tmp_path: Path) -> None:
    made = publication(tmp_path, 1)
    (tmp_path / "products" / "evts21_01.csv").unlink()
    (tmp_path / "products").rmdir()
    with pytest.raises(FileError, match="cannot link: No such file"):
        Archive(tmp_path / "archive").prepare(made)


def test_older_versions_go_by_names_of_their_own(tmp_path: Path) -> None:
    assert version_id("evts21_01", "1.10") == "evts21_01_v1_10"
    assert newest_of("evts21_01_v1_10") == newest_of("evts21_01_v1") == "evts21_01"
    assert newest_of("ana20_01_bkg") == newest_of("evts21_01") == ""
    published = [
        state("evts21_01", "2.0"),
        state("evts21_01_v1_10", "1.10"),
        state("evts21_01_v1_9", "1.9"),
        state("evts21_02_v1_0", "1.0"),
    ]
    assert older_versions("evts21_01", published) == ["evts21_01_v1_9", "evts21_01_v1_10"]
    assert version_numbers("1.10") > version_numbers("1.9") > version_numbers("1")
