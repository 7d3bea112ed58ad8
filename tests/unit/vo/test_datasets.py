from __future__ import annotations

from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from vopub.model.description import ResourceDescription
from vopub.model.observation import HeaSection, Period, ProductTypes, ResponseKind, ResponseSection
from vopub.model.resource import FileReference, FileRole
from vopub.vo.datalinks import DATALINK, Addresses
from vopub.vo.datasets import Datasets, datasets_in, datasets_of, with_datasets

ADDRESSES = Addresses(
    links="http://vo/links", files="http://odc/files/k", page="http://odc/k", record="http://odc/r"
)
CHECKSUM = "0" * 64
RESPONSE = ResponseSection(
    name="aeff_nutau",
    kind=ResponseKind.AEFF,
    file="aeff.ecsv",
    title="Effective area for tau neutrinos",
    description="Averaged over both polarities and the visible sky.",
    messenger_pdgid="+16",
    energy=(1e2, 1e8),
)


def file(name: str, media_type: str, role: FileRole, size: int = 2000) -> FileReference:
    return FileReference(name=name, media_type=media_type, size=size, sha256=CHECKSUM, role=role)


FILES = (
    file("evts21_01.csv", "text/csv; charset=utf-8", FileRole.DATA),
    file("evts21_01.vot", "application/x-votable+xml", FileRole.DATA, 5000),
    file("evts21_01.metadata.json", "application/json", FileRole.METADATA),
    file("evts21_01.skymap.svg", "image/svg+xml", FileRole.PREVIEW),
    file("evts21_01.cutflow.svg", "image/svg+xml", FileRole.PREVIEW),
    file("evts21_01.runs.csv", "text/csv; charset=utf-8", FileRole.RUNS),
    file("evts21_01.moc.fits", "application/fits", FileRole.METADATA),
    file("evts21_01.prov.json", "application/json", FileRole.PROVENANCE),
    file("evts21_01.aeff_nutau.vot", "application/x-votable+xml", FileRole.RESPONSE),
)


def made(samples: ModuleType, hea: HeaSection | None = None, **changed: Any) -> Datasets:
    metadata = samples.metadata(**changed)
    description = ResourceDescription.model_validate(
        {
            "id": metadata.identifier,
            "ktype": "events",
            "simulated": metadata.simulated,
            "publication": {
                "title": metadata.publication.title,
                "description": metadata.publication.description,
                "version": "1.0",
                "created": "2026-11-22",
                "creators": [{"name": "KM3NeT Collaboration"}],
            },
            "events": {"inputs": ["a"], "detector": "ORCA", "columns": ["event_id", "ra", "dec"]},
            "vo": {"publish": True, "hea": (hea or HeaSection()).model_dump()},
            "responses": [RESPONSE.model_dump()],
        }
    )
    return datasets_of(description, metadata, FILES, ADDRESSES, authority=samples.AUTHORITY)


def test_a_bundle_a_list_and_each_response(samples: ModuleType) -> None:
    bundle, events, response = made(samples).datasets
    name = "ivo://samples.km3net.invalid/evts21_01/q/cone"
    assert [d.did for d in (bundle, events, response)] == [
        f"{name}?bundle", f"{name}?events", f"{name}?aeff_nutau"
    ]  # fmt: skip
    assert bundle.obscore["access_format"] == DATALINK
    asked = parse_qs(urlsplit(bundle.obscore["access_url"]).query)
    assert asked == {"ID": [bundle.did]}
    assert events.obscore["access_url"] == "http://odc/files/k/evts21_01.vot"
    assert events.obscore["access_estsize"] == 5
    assert events.hea["ev_xel"] == bundle.hea["ev_xel"] == 230
    assert response.obscore["dataproduct_subtype"] == "aeff"
    assert response.hea["messenger_pdgid"] == "+16"
    assert "ev_xel" not in response.hea
    assert (response.hea["energy_min"], response.hea["energy_max"]) == (1e11, 1e17)


def test_observation_comes_from_runs_events_and_publication(samples: ModuleType) -> None:
    obscore = made(samples).datasets[1].obscore
    assert obscore["t_min"] == pytest.approx(59269 + 1 / 86400, abs=1e-9)
    assert obscore["t_max"] == pytest.approx(59269.25, abs=1e-9)
    assert obscore["t_exptime"] == samples.metadata().data_taking.livetime
    assert obscore["o_ucd"] == "pos.eq.ra#pos.eq.dec#time.epoch#phys.energy"
    assert (obscore["facility_name"], obscore["instrument_name"]) == ("KM3NeT", "ORCA6")
    assert obscore["em_min"] < obscore["em_max"]
    assert obscore["obs_collection"] == obscore["obs_id"] == "evts21_01"


def test_what_the_publisher_says_goes_before_what_the_events_tell(samples: ModuleType) -> None:
    start, stop = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    hea = HeaSection(
        collection="ARCA-PS", obs_mode="wide-array", energy=(100, 1e8), angular_resolution=0.5,
        period=Period(start=start, stop=stop, livetime=3e7), reference_energy=1e5,
    )  # fmt: skip
    events = made(samples, hea).datasets[1]
    assert events.obscore["obs_collection"] == "ARCA-PS"
    assert (events.obscore["t_min"], events.obscore["t_exptime"]) == (61406.0, 3e7)
    assert events.obscore["s_resolution"] == 1800
    assert events.hea["energy_max"] == 1e17
    assert events.hea["s_ref_energy"] == 1e14
    assert events.hea["obs_mode"] == "wide-array"
    assert events.hea["tracking_mode"] is None


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (None, [("event", "hea-event-bundle"), ("event", "hea-event-list"), (None, "aeff")]),
        (
            ProductTypes.DRAFT,
            [("hea-event-bundle", None), ("hea-event-list", None), ("response-function", "aeff")],
        ),
        (
            ProductTypes.VOCABULARY,
            [("event-bundle", None), ("event-list", None), ("response-function", "aeff")],
        ),
    ],
)
def test_words_for_types_can_be_chosen(
    samples: ModuleType, types: ProductTypes | None, expected: list[tuple[str | None, str | None]]
) -> None:
    rows = [d.obscore for d in made(samples, HeaSection(product_types=types)).datasets]
    assert [(r["dataproduct_type"], r["dataproduct_subtype"]) for r in rows] == expected


def test_links_say_what_each_file_is(samples: ModuleType) -> None:
    bundle, _, response = made(samples).datasets
    said = {link.access_url.rpartition("/")[2]: link for link in bundle.links}
    assert {name: link.semantics for name, link in said.items()} == {
        "evts21_01.vot": "#this",
        "evts21_01.csv": "#this",
        "evts21_01.metadata.json": "#detached-header",
        "evts21_01.skymap.svg": "#preview-plot",
        "evts21_01.cutflow.svg": "#documentation",
        "evts21_01.runs.csv": "#auxiliary",
        "evts21_01.moc.fits": "#auxiliary",
        "evts21_01.prov.json": "#documentation",
        "evts21_01.aeff_nutau.vot": "#calibration",
        "k": "#documentation",
        "r": "#documentation",
        "": "#documentation",
    }
    assert said["evts21_01.aeff_nutau.vot"].content_qualifier == "aeff"
    assert said["evts21_01.vot"].content_length == 5000
    assert response.links[0].semantics == "#this"
    assert response.links[-1].access_url == bundle.obscore["access_url"]


def test_simulated_data_say_so(samples: ModuleType) -> None:
    for dataset in made(samples, simulated=True).datasets:
        assert dataset.hea["simulated"] == 1
        assert "simulated" in dataset.obscore["obs_title"]
        assert dataset.links[0].description.startswith("Simulated, not observed")


def test_descriptor_holds_them_whatever_they_say(samples: ModuleType) -> None:
    publication = samples.publication(title="<doc> & ]]> \\schema of \N{GREEK SMALL LETTER NU}")
    datasets = made(samples, said=publication)
    descriptor = with_datasets("<resource>\n</resource>\n", datasets)
    assert descriptor.endswith("</resource>\n")
    assert datasets_in(descriptor) == datasets
    assert datasets_in("<resource/>").datasets == ()
