"""The terms that a sealed machine knows."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import vopub.site

CHECKOUT = Path(__file__).resolve().parents[3]
UAT = json.loads((Path(vopub.site.__file__).parent / "vocabularies/uat.desise").read_text())


def test_terms_fit_together() -> None:
    terms = UAT["terms"]
    for name, term in terms.items():
        assert term["label"]
        assert all(name in terms[wider]["narrower"] for wider in term["wider"])
        assert all(name in terms[narrower]["wider"] for narrower in term["narrower"])


def test_subjects_of_the_resources_are_known() -> None:
    files = sorted((CHECKOUT / "resources").glob("*/resource.toml"))
    assert files
    for file in files:
        subjects = tomllib.loads(file.read_text())["publication"]["subjects"]
        assert set(subjects) <= set(UAT["terms"]), file


def test_subjects_of_the_site_itself_are_known() -> None:
    assert "virtual-observatories" in UAT["terms"]
