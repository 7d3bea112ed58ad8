"""Rules of checks at their edges."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from astropy.io.votable.ucd import UCDWords, parse_ucd

from vopub.model.catalogue import known_parameters
from vopub.publish.checks import Finding, Severity, check, fails
from vopub.publish.checks.licences import LICENCES, addresses, same_address
from vopub.publish.checks.publication import BIBCODE, DOI, IVOID
from vopub.publish.checks.registry import RULES, declare
from vopub.publish.checks.ucd_lists import FIRST_IN_1_5, NEW_IN_1_6, missing_in_1_5
from vopub.settings import load_settings

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 11, 24)
NAME = "evts21_01"

Checked = Callable[[str, str], list[Finding]]


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    """Check a shipped resource with one text in its description replaced."""
    shutil.copytree(ROOT / "resources", tmp_path / "resources")
    shutil.copy(ROOT / "vopub.toml", tmp_path)
    file = tmp_path / "resources" / NAME / "resource.toml"

    def run(old: str, new: str) -> list[Finding]:
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        settings = load_settings(
            {"site.directory": tmp_path / "site"}, environ={}, directory=tmp_path
        )
        return check(settings, today=TODAY)

    return run


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def overrides(checked: Checked, text: str) -> list[Finding]:
    return checked("[vo]", f"{text}\n[vo]")


def test_findings_of_several_kinds_come_together(checked: Checked) -> None:
    found = checked(
        'instrument = "ORCA6"', 'doi = "10.5281/zenodo.1"\nlicence = "CC-BY"\nsource = "2016J"'
    )
    assert codes(found) == ["VP505", "VP512", "VP513"]
    assert {f.file.parent.name for f in found} == {NAME}


def test_problems_of_a_description_are_findings(checked: Checked) -> None:
    found = checked("created = 2026-11-22\n", 'created = "yesterday"\nversoin = "1"\n')
    assert codes(found) == ["VP004", "VP002"]
    assert [f.place for f in found] == ["publication.created", "publication.versoin"]
    assert "version" in found[1].hint


def test_a_main_position_twice_names_both(checked: Checked) -> None:
    found = overrides(checked, '[events.overrides.energy]\nucd = "pos.eq.ra;meta.main"')
    assert codes(found) == ["VP102", "VP104", "VP304"]
    assert found[0].what.endswith("ra, energy")
    assert found[0].place == "events.overrides.energy.ucd"


def test_cone_search_is_not_asked_of_what_is_not_served(checked: Checked) -> None:
    text = '[events.overrides.ra]\nprincipal = false\nucd = "pos.eq.ra"\n[vo]\npublish = false'
    assert checked("[vo]\npublish = true", text) == []


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("deg", []), ("rad", ["VP305"]), ("arcsec", ["VP305"]), ("mas", ["VP305"])],
)
def test_errors_are_in_the_unit_of_what_they_belong_to(
    checked: Checked, unit: str, expected: list[str]
) -> None:
    found = overrides(checked, f'[events.overrides.angular_error]\nunit = "{unit}"')
    assert codes(found) == expected


def test_an_error_belongs_to_the_column_whose_name_it_begins_with(checked: Checked) -> None:
    found = checked(
        '"trigger_counter", "trigger_mask", "overlays",\n]',
        """"trigger_counter", "trigger_mask", "overlays", "track_length_error",\n]
[events.derived.track_length_error]
formula = "0.1 * track_length"
unit = "km"
ucd = "stat.error;phys.size"
description = "Standard deviation of the length of the reconstructed track."
null = "The reconstruction gave no length."
""",
    )
    assert codes(found) == ["VP305"]
    assert "error of track_length, which is in 'm'" in found[0].what


def test_an_error_does_not_belong_to_another_column_of_its_kind(checked: Checked) -> None:
    null = 'null = "The reconstruction gave no energy."'
    derived = f""""overlays", "log_energy", "log_energy_error",\n]
[events.derived.log_energy]
formula = "log10(energy / (1 GeV))"
ucd = "phys.energy"
description = "Decimal logarithm of the energy in GeV."
{null}
[events.derived.log_energy_error]
formula = "0.1 * log10(energy / (1 GeV))"
ucd = "stat.error;phys.energy"
description = "Standard deviation of the decimal logarithm of the energy."
{null}
"""
    assert checked('"overlays",\n]', derived) == []


def test_a_logarithm_of_an_energy_has_no_unit(checked: Checked) -> None:
    derived = """"overlays", "log_energy",\n]
[events.derived.log_energy]
formula = "log10(energy / (1 GeV))"
ucd = "phys.energy"
description = "Decimal logarithm of the energy in GeV."
null = "The reconstruction gave no energy."
"""
    assert checked('"overlays",\n]', derived) == []


@pytest.mark.parametrize(("day", "expected"), [("2026-11-24", []), ("2026-11-25", ["VP507"])])
def test_today_is_not_the_future(checked: Checked, day: str, expected: list[str]) -> None:
    assert codes(checked("created = 2026-11-22", f"created = {day}")) == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1", ["VP509"]), ("1.0.0", ["VP509"]), ("1.0.1", []), ("0.9", ["VP509"]), ("1.10", [])],
)
def test_versions_are_compared_as_numbers(
    checked: Checked, version: str, expected: list[str]
) -> None:
    related = '[{ relation = "IsNewVersionOf", identifier = "evts20_01" }]'
    found = checked('version = "1.0"', f'version = "{version}"\nrelated = {related}')
    assert codes(found) == expected


def test_a_broken_collection_is_told_with_its_file(checked: Checked, tmp_path: Path) -> None:
    file = tmp_path / "resources" / "samples26_01" / "collection.toml"
    file.write_text(file.read_text().replace("title =", "titel ="))
    found = checked("[vo]", "[vo]")
    assert set(codes(found)) == {"VP604"}
    assert {f.file for f in found} == {file}
    assert "titel" in {f.place for f in found}


def test_the_package_of_an_input_must_be_installed(checked: Checked) -> None:
    (found,) = checked("package:km3net_testdata/data/", "package:km3net_tsetdata/data/")
    assert found.code == "VP601"
    assert "'km3net_tsetdata' is not installed" in found.what
    assert found.place == "events.inputs.0"


def test_a_deprecated_unit_is_a_finding_and_no_warning(checked: Checked) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = overrides(checked, '[events.overrides.track_length]\nunit = "Angstrom"')
    assert found.code == "VP302"
    assert "0.1nm" in found.hint


def test_warnings_stand_in_the_way_of_a_release_only(checked: Checked) -> None:
    found = checked('instrument = "ORCA6"', "")
    assert [f.severity for f in found] == [Severity.WARNING]
    assert not fails(found, strict=False)
    assert fails(found, strict=True)
    assert not fails([], strict=True)


def test_a_code_is_given_once() -> None:
    code = next(iter(RULES))
    with pytest.raises(ValueError, match=f"{code} is"):
        declare(code, Severity.ERROR, "another rule")


def test_what_differs_between_the_lists_of_ucds_is_in_the_newer_one() -> None:
    words = UCDWords()
    for word in NEW_IN_1_6 | FIRST_IN_1_5:
        assert words.is_primary(word) or words.is_secondary(word), word


@pytest.mark.parametrize(
    ("ucd", "missing"),
    [
        ("meta.code;phys.particle", []),
        ("stat.stdev;pos.angDistance", []),
        ("phys.energy;stat.stdev", ["stat.stdev"]),
        ("stat.confidenceLevel", ["stat.confidenceLevel"]),
        ("stat.error;pos.eq", []),
        ("pos.eq.ra;meta.main", []),
    ],
)
def test_words_are_known_at_their_places(ucd: str, missing: list[str]) -> None:
    parse_ucd(ucd, check_controlled_vocabulary=True)
    assert missing_in_1_5(ucd) == missing


def test_the_catalogue_uses_words_of_both_lists() -> None:
    for parameter in known_parameters().values():
        assert missing_in_1_5(parameter.ucd) == [], parameter.name


@pytest.mark.parametrize(
    "url",
    [
        "https://creativecommons.org/licenses/by/4.0/", "http://creativecommons.org/licenses/by/4.0",
        "https://creativecommons.org/licenses/by/4.0/legalcode",
        "https://creativecommons.org/licenses/by/4.0/deed.fr", "https://spdx.org/licenses/CC-BY-4.0",
        "https://spdx.org/licenses/CC-BY-4.0.html",
    ],
)  # fmt: skip
def test_a_licence_has_several_addresses(url: str) -> None:
    owners = {name for name in LICENCES for own in addresses(name) if same_address(url, own)}
    assert owners == {"CC-BY-4.0"}


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (DOI, "10.5281/zenodo.1234567", "10.52/x"),
        (DOI, "https://doi.org/10.5281/zenodo.1234567", "https://doi.org/zenodo.1234567"),
        (IVOID, "ivo://org.gavo.dc/tap", "ivo:/org.gavo.dc/tap"),
        (IVOID, "ivo://km3net.org", "ivo://k"),
        (BIBCODE, "2016JPhG...43h4001A", "2016JPhG..43h4001A"),
        (BIBCODE, "2018A&A...616A...1G", "2018A&A...616A...1"),
    ],
)  # fmt: skip
def test_forms_of_identifiers(pattern: object, good: str, bad: str) -> None:
    assert isinstance(pattern, type(DOI))
    assert pattern.fullmatch(good)
    assert not pattern.fullmatch(bad)


def test_the_terms_come_with_the_package() -> None:
    assert files("vopub.site").joinpath("vocabularies/uat.desise").is_file()


def test_texts_of_a_collection_are_looked_at_once(checked: Checked, tmp_path: Path) -> None:
    file = tmp_path / "resources" / "samples26_01" / "collection.toml"
    file.write_text(
        'id = "samples26_01"\ntitle = "Some samples"\ndescription = "To be done: TODO it."\n'
    )
    found = checked("[vo]", "[vo]")
    assert codes(found) == ["VP401", "VP402", "VP404"]
    assert {f.file for f in found} == {file}
    assert [f.place for f in found] == ["title", "description", "description"]


def test_texts_of_responses_are_looked_at(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "simulated", tmp_path / "resources")
    shutil.copy(ROOT / "vopub.toml", tmp_path)
    file = tmp_path / "resources" / "antsim26_01" / "resource.toml"
    settings = load_settings({"site.directory": tmp_path / "site"}, environ={}, directory=tmp_path)
    assert check(settings, today=TODAY) == []
    text = file.read_text()
    text = text.replace('title = "Angular resolution of tracks"', 'title = "FIXME: resolution"')
    text = text.replace(
        "Simulated; rate of background events by declination.", "The atmospheric background."
    ).replace('title = "Atmospheric background"', 'title = "The atmospheric background"')
    file.write_text(text)
    found = [(f.code, f.place) for f in check(settings, today=TODAY)]
    assert found == [("VP404", "responses.1.title"), ("VP406", "responses.3.description")]
