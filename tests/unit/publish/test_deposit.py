from __future__ import annotations

from pathlib import Path

import pytest

from vopub.errors import FileError, UsageError
from vopub.odc.targets.dataverse import Dataverse
from vopub.odc.targets.invenio import InvenioRdm
from vopub.publish.deposit import Place, deposit, target_of
from vopub.settings import Settings, load_settings

CHECKOUT = Path(__file__).resolve().parents[3]


def settings(tmp_path: Path, **given: object) -> Settings:
    options = {"site.directory": tmp_path / "site"}
    return load_settings(
        {**options, **{f"archives.{key}": value for key, value in given.items()}},
        environ={}, directory=CHECKOUT,
    )  # fmt: skip


def token(tmp_path: Path, mode: int = 0o600) -> Path:
    path = tmp_path / "token"
    path.write_text("a-token\n")
    path.chmod(mode)
    return path


def test_what_is_not_set_or_not_published_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="dataverse_url and dataverse_token"):
        target_of(settings(tmp_path), Place.DATAVERSE)
    with pytest.raises(UsageError, match="is not published"):
        deposit(settings(tmp_path), "evts21_01", Place.INVENIO)


def test_a_sample_is_never_made_public(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a sample"):
        deposit(settings(tmp_path), "evts21_01", Place.INVENIO, publish=True)


@pytest.mark.parametrize(("place", "kind"), [("dataverse", Dataverse), ("invenio", InvenioRdm)])
def test_a_place_that_is_set_is_connected_to(
    tmp_path: Path, place: str, kind: type[Dataverse | InvenioRdm]
) -> None:
    given = {f"{place}_url": "http://127.0.0.1:9", f"{place}_token": token(tmp_path)}
    target = target_of(settings(tmp_path, **given), Place(place))
    assert isinstance(target, kind)
    target.close()


def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    given = {"invenio_url": "http://127.0.0.1:9", "invenio_token": token(tmp_path, 0o644)}
    with pytest.raises(FileError, match="others can read the token; chmod 600"):
        target_of(settings(tmp_path, **given), Place.INVENIO)
    missing = {**given, "invenio_token": tmp_path / "nowhere"}
    with pytest.raises(FileError, match="cannot read"):
        target_of(settings(tmp_path, **missing), Place.INVENIO)
