"""Weights and true values of simulated events, against uproot and km3io."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import km3io
import numpy as np
import pytest
import uproot
from km3io.definitions import weightlist
from km3net_testdata import data_path

from vopub.errors import InputError
from vopub.events.convert import Reduction
from vopub.events.coordinates import direction_from_source
from vopub.events.readers import open_reader
from vopub.events.readers.base import EventChunk
from vopub.events.readers.root_truth import WEIGHTS
from vopub.model.catalogue import known_parameters
from vopub.model.description import EventsSection
from vopub.model.event_table import EventTable, concatenate

MakeSection = Callable[..., EventsSection]
GSEAGEN = (
    "offline/KM3NeT_00000049_00011291.mc.gsg_neutrinos.km3sim_sirene_merged.jterbr."
    "jppmuon_jppshower_static.offline.v9.2.sample.root"
)
GENHEN = "offline/numucc.root"
MUPAGE = "mupage/mcv8.1.mupage_tuned_100G.sirene.jterbr00013288.10.root"
CORSIKA = "gseagen/DAT000001.gSeaGen.1.aa.root"
TRUTH = ("mc_energy", "mc_zenith", "mc_azimuth", "mc_ra", "mc_dec", "mc_pdgid", "mc_bjorken_y",
         "weight_w1", "weight_w2", "weight_w3", "weight_w4")  # fmt: skip


def chunk_of(name: str) -> EventChunk:
    """Return all events of a file; what is read later needs it open, so it is read now."""
    with open_reader(Path(data_path(name))) as reader:
        (chunk,) = reader.chunks(10_000)
        values = {name: chunk.values[name] for name in chunk.values}
    return EventChunk(chunk.events, chunk.tracks, values)


def table_of(name: str, section: EventsSection) -> EventTable:
    reduction = Reduction([Path(data_path(name))], section, simulated=True)
    chunks = list(reduction)
    return concatenate(chunks[0].parameters, chunks)


@pytest.mark.parametrize("name", [GSEAGEN, GENHEN, MUPAGE, CORSIKA])
def test_the_primary_particle_is_that_of_km3io(name: str) -> None:
    values = chunk_of(name).values
    with km3io.OfflineReader(data_path(name)) as reader:
        first = reader.events.mc_tracks[:, 0]
        assert values["mc_energy"].tolist() == first.E.tolist()
        flight = direction_from_source(values["mc_zenith"], values["mc_azimuth"])
        theirs = np.stack([np.asarray(getattr(first, f"dir_{axis}")) for axis in "xyz"], axis=1)
        assert np.abs(flight - theirs).max() < 1e-5  # written with six digits
        kinds = first.pdgid if hasattr(first, "pdgid") else first.type
        assert values["mc_pdgid"].tolist() == list(kinds)


@pytest.mark.parametrize("name", [GSEAGEN, GENHEN, CORSIKA])
def test_weights_are_those_of_the_file(name: str) -> None:
    values = chunk_of(name).values
    with uproot.open(data_path(name)) as file:
        branch = {b.name: b for b in file["E"].itervalues(recursive=True)}["w"]
        weights = branch.array(library="ak").to_list()
    for place in range(6):
        expected = [w[place] if place < len(w) else np.nan for w in weights]
        assert np.array_equal(values[f"weight_w{place + 1}"], expected, equal_nan=True)


def test_all_weights_of_the_data_definitions_can_be_asked_for() -> None:
    assert set(weightlist.values()) == set(WEIGHTS.values())
    assert all(name in known_parameters() for name in WEIGHTS)


def test_inelasticity_is_named_or_listed_and_of_neutrinos_only() -> None:
    named = chunk_of(GENHEN).values["mc_bjorken_y"]
    assert named[:2].tolist() == [0.19258, 0.491158]
    listed = chunk_of("gseagen/gseagen_v7.0.0_numuCC_diffuse.aa.root").values["mc_bjorken_y"]
    assert listed[0] == pytest.approx(0.6999391382040221)
    assert np.isnan(chunk_of(CORSIKA).values["mc_bjorken_y"]).all()
    assert np.isnan(chunk_of(MUPAGE).values["mc_bjorken_y"]).all()


def test_a_table_with_the_truth(make_section: MakeSection) -> None:
    section = make_section("mc_pdgid == 14", columns=("event_id", "ra", "dec", *TRUTH))
    table = table_of(GSEAGEN, section)
    assert [p.truth for p in table.parameters] == [False] * 3 + [True] * 11
    assert set(table["mc_pdgid"]) == {14}
    assert np.isfinite(table["mc_ra"]).all()
    assert table["weight_w1"].min() > 0


def test_simulated_events_without_a_time_of_day(make_section: MakeSection) -> None:
    section = make_section(columns=("event_id", "ra", "zenith", "energy", "mjd", *TRUTH))
    table = table_of(GENHEN, section)
    assert len(table) == 9
    for name in ("ra", "mc_ra", "mc_dec"):
        assert np.isnan(table[name]).all()
    for name in ("zenith", "energy", "mc_zenith", "mc_energy"):
        assert np.isfinite(table[name]).all()
    assert table["mjd"] == pytest.approx(40587, abs=0.01)


def test_a_file_without_weights_is_named(make_section: MakeSection) -> None:
    section = make_section("weight_w2 > 1", columns=("event_id", "mc_energy"))
    with pytest.raises(InputError) as raised:
        table_of(MUPAGE, section)
    text = str(raised.value)
    assert text.startswith(data_path(MUPAGE))
    assert "do not give weight_w2" in text


def test_observed_events_have_no_truth(orca6: Path) -> None:
    with open_reader(orca6) as reader:
        assert dict(next(reader.chunks(10)).values) == {}
