from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import h5py
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st
from km3net_testdata import data_path
from pydantic import ValidationError
from pydantic_core import to_json

from vopub.errors import InputError
from vopub.events import known_programs
from vopub.events.history import (
    UNLISTED,
    dst_step,
    hdf5_history,
    jpp_steps,
    km3pipe_step,
    record_beside,
    simulation_steps,
)
from vopub.events.readers.root import RootReader
from vopub.events.readers.root_history import dst_command, jpp_texts
from vopub.model.provenance import PriorStep

SECRET = "jdoe"
RECO = "offline/mcv6.0.gsg_muon_highE-CC_50-500GeV.km3sim.jterbr00008357.jorcarec.aanet.905.root"
GEAMON = "hdf5/geamon.h5"
GEAMON_KID = UUID("6e834f07-75c4-4742-addf-bd2196daedfe")
ROOT_FILES = [
    *(f"offline/{path.name}" for path in sorted(Path(data_path("offline")).glob("*.root"))),
    *(f"dst/{path.name}" for path in sorted(Path(data_path("dst")).glob("*.root"))),
    *(f"mupage/{path.name}" for path in sorted(Path(data_path("mupage")).glob("*.root"))),
]


def told(steps: tuple[PriorStep, ...]) -> str:
    return to_json(steps).decode()


def test_the_applications_of_jpp_are_told_in_the_order_they_ran() -> None:
    with RootReader(Path(data_path(RECO))) as reader:
        history = reader.header.history
    assert [step.name for step in history] == [
        "gSeaGen", "KM3Sim", "JTriggerEfficiency", "JMuonPrefit", "JMuonSimplex", "JMuonStart",
        "JMuonGandalf", "JMuonStart", "JMuonEnergy", "JConvertEvt",
    ]  # fmt: skip
    assert history[6].software == "Jpp 14.1.0"
    assert history[6].configuration["roadWidth_m"] == 50.0
    assert history[0].configuration["physics"] == (
        "GENIE 3.0.2, GENIE_REWEIGHT 1.0.0, GENIE_TUNE G18_02a_00_000, PROPOSAL 6.1.5"
    )
    assert history[0].configuration["cut_nu"] == "50 500 -1 1"


def test_of_two_runs_of_one_application_the_older_comes_first() -> None:
    with uproot.open(data_path(RECO)) as file:
        older, newer = (file[f"META/JMuonStart;{cycle}"].member("fTitle") for cycle in (2, 1))
        starts = [text for text in jpp_texts(file) if "application=JMuonStart\n" in text]
    assert starts == [older, newer]
    assert older != newer


def test_of_a_dst_file_the_program_is_told_and_not_its_command_line() -> None:
    with uproot.open(data_path("dst/orca4_sample.root")) as file:
        command = dst_command(file)
    assert command is not None
    assert "/data/KM3NeT/ORCA4" in command
    assert dst_step(command) == PriorStep(name="make_dst")
    assert dst_step(f"./{SECRET}.py -f x") == PriorStep(name=UNLISTED)
    assert dst_step("") == PriorStep(name=UNLISTED)


def test_a_dst_history_that_nothing_can_read_still_counts_as_a_step() -> None:
    path = next(Path(data_path("dst")).glob("mcv6*.root"))
    with RootReader(path) as reader:
        assert [s.name for s in reader.header.history] == ["gSeaGen", "JSirene", UNLISTED]


@pytest.mark.parametrize("name", ROOT_FILES)
def test_nothing_but_what_may_be_told_leaves_a_root_file(name: str) -> None:
    allowed = known_programs.SIMULATION | known_programs.JPP | known_programs.DST_PROGRAMS
    with RootReader(Path(data_path(name))) as reader:
        history = reader.header.history
    assert {step.name for step in history} <= allowed | {UNLISTED}
    for piece in ("/", "@", "command", "tgal", "Users", "tmp", "sps", "pbs", "Linux", "w1326"):
        assert piece not in told(history).replace("application/", "")


def test_the_record_of_km3pipe_goes_on_with_its_identifiers_and_times() -> None:
    session, pipeline = record_beside(Path(data_path(GEAMON)), GEAMON_KID)
    recorded = {
        a["uuid"]: a for a in json.loads(Path(data_path(GEAMON + ".prov.json")).read_text())
    }
    assert session.name == "km3pipe session"
    assert pipeline.name == "km3pipe pipeline"
    assert {str(session.identifier), str(pipeline.identifier)} == set(recorded)
    source = recorded[str(pipeline.identifier)]
    assert pipeline.started is not None
    assert pipeline.started.isoformat() == source["start"]["time_utc"]
    assert [str(uuid) for uuid in pipeline.used] == [source["input"][0]["uuid"]]
    assert pipeline.configuration["cycles"] == 2
    assert str(pipeline.configuration["modules"]).startswith("OfflinePump, StatusBar")


def test_an_hdf5_file_adds_its_header_and_the_version_of_km3pipe() -> None:
    path = Path(data_path(GEAMON))
    with h5py.File(path) as file:
        rows = file["raw_header"][:]
        head = {r["parameter"].decode(): r["field_values"].decode() for r in rows}
        steps = hdf5_history(path, file.attrs, head, UUID(file.attrs["kid"].decode()))
    assert [(step.name, step.software) for step in steps] == [
        ("GENTRA", "GENTRA 5.01-050402"),
        ("JShift", "JShift 13.0.0-856-gff3931532"),
        ("GEASIM", "GEASIM 4.05-001024"),
        ("km3pipe session", "km3pipe"),
        ("km3pipe pipeline", "km3pipe 9.3.0"),
    ]
    assert "pbs" not in told(steps)


def test_without_a_record_the_attributes_tell_of_km3pipe() -> None:
    attributes = {"km3pipe": b"8.10.3.dev8+g09a39130", "format_version": b"5.1", "jpp": b"/sps/x"}
    step = km3pipe_step(attributes)
    assert step is not None
    assert step.software == "km3pipe 8.10.3.dev8+g09a39130"
    assert step.configuration == {"format_version": "5.1"}
    assert km3pipe_step({}) is None


def test_a_record_of_another_file_is_not_taken() -> None:
    assert record_beside(Path(data_path(GEAMON)), UUID(int=5)) == ()


def test_a_file_without_a_record_has_none(tmp_path: Path) -> None:
    assert record_beside(tmp_path / "a.h5", None) == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"[{", "is not a record of km3pipe"), (b'{"prefix": {}}', "is not a record of km3pipe")],
)
def test_a_damaged_record_is_an_error_that_names_it(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "a.h5.prov.json").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        record_beside(tmp_path / "a.h5", None)
    assert caught.value.where.endswith("a.h5.prov.json")
    assert "\n" not in str(caught.value)


def _poisoned(value: Any, key: str = "") -> Any:
    """Return a record with the secret in every text but identifiers and times."""
    if isinstance(value, dict):
        return {SECRET + k if k.isupper() else k: _poisoned(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_poisoned(v, key) for v in value]
    if isinstance(value, str) and key not in ("uuid", "time_utc"):
        return f"/home/{SECRET}/{value}"
    return value


def test_a_secret_anywhere_in_a_record_stays_there(tmp_path: Path) -> None:
    record = json.loads(Path(data_path(GEAMON + ".prov.json")).read_text())
    (tmp_path / "a.h5.prov.json").write_text(json.dumps(_poisoned(record)))
    steps = record_beside(tmp_path / "a.h5", None)
    assert len(steps) == 2
    assert SECRET not in told(steps)
    assert "home" not in told(steps)


SECRETS = (
    SECRET, f"/home/{SECRET}", f"{SECRET}@km3net.de", f"{SECRET}.cc.in2p3.fr", "192.168.13.77",
    f"gSeaGen {SECRET}", f"gSeaGen 1.0-{SECRET}", f"GENIE_TUNE {SECRET}", f"{SECRET} 1.0",
    f"MUPAGE {SECRET} 1.0", f"JSirene /home/{SECRET}", "gSeaGen 192.168.13.77",
)  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("key", ["simul", "simul_1", "physics", "spectrum", "cut_nu", "detector"])
def test_a_secret_anywhere_in_a_header_stays_there(key: str, secret: str) -> None:
    steps = simulation_steps({"simul": "gSeaGen v7.0.2 210521 1223", key: secret})
    assert SECRET not in told(steps)
    assert "192.168" not in told(steps)


@pytest.mark.parametrize("key", ["GIT", "SVN", "application", "command", "namespace", "system"])
def test_a_secret_anywhere_in_the_record_of_jpp_stays_there(key: str) -> None:
    lines = {
        "SVN": "11510",
        "application": "JGandalf",
        "command": 'JGandalf -@ "R_Hz = 7.0e3; "',
        key: f'/home/{SECRET}/J -@ "{SECRET} = 1; R_Hz = {SECRET}; E_GeV = 10.0; "',
    }
    steps = jpp_steps(["\n".join(f"{name}={text}" for name, text in lines.items())])
    assert len(steps) == 1
    assert SECRET not in told(steps)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_is_too_strange_for_a_header(first: str, second: str) -> None:
    steps = simulation_steps({"simul": first, "physics_1": second, "cut_in": first})
    words = set("".join(f"{s.name} {s.software} " for s in steps).split())
    assert all(
        word in known_programs.SIMULATION | {UNLISTED} or word[0] in "v0123456789" for word in words
    )


@pytest.mark.parametrize(
    ("name", "software"),
    [
        ("/home/x", ""), ("a@b", ""), ("a.b.c", ""), ("x", "Jpp /home/x"), ("x", "a b c"),
        ("x", "Jpp 1.2.3.4"), ("x\n", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_step_has_no_room_for_paths_and_addresses(name: str, software: str) -> None:
    with pytest.raises(ValidationError):
        PriorStep(name=name, software=software)


@pytest.mark.parametrize(
    "version",
    ["v20.0.0", "14.1.0", "10578M", "17.0.0-rc.1-89-gd7c9cdb88-D", "8.10.3.dev8+g09a39130",
     "4.05-001024", "v5r7-200418", "v7.3.0-rc4-5-g71ec324"],
)  # fmt: skip
def test_the_versions_of_the_field_are_versions(version: str) -> None:
    assert PriorStep(name="x", software=f"Jpp {version}").software.endswith(version)


def test_a_reader_takes_the_record_beside_a_root_file(tmp_path: Path, orca6: Path) -> None:
    copy = tmp_path / orca6.name
    shutil.copyfile(orca6, copy)
    shutil.copyfile(data_path("hdf5/mupage_ARCA.h5.prov.json"), f"{copy}.prov.json")
    with RootReader(copy) as reader:
        (step,) = reader.header.history
    assert step.name == "km3pipe session"
    assert step.software == "km3pipe 9.0.0"
