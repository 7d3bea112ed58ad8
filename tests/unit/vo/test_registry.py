"""What the registry is told, in the words of DaCHS."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from vopub.model.publication import Contributor, ContributorRole, Related, RelationType
from vopub.vo.registry import ivoid, publication_block


def related(identifier: str, title: str = "", relation: str = "Cites") -> Related:
    return Related(relation=RelationType(relation), identifier=identifier, title=title)


def block(samples: ModuleType, *more: Related, **said: Any) -> dict[str, Any]:
    return publication_block(
        samples.publication(**said), "evts21_01", authority="a.b", related=more
    )


def test_ivoid_names_the_cone_search() -> None:
    assert ivoid("a.b", "evts21_01") == "ivo://a.b/evts21_01/q/cone"


@pytest.mark.parametrize(
    ("identifier", "title", "ivo", "text"),
    [
        ("evts20_01", "Muons", "ivo://a.b/evts20_01/q/cone", "Muons"),
        ("evts20_01", "", "ivo://a.b/evts20_01/q/cone", "ivo://a.b/evts20_01/q/cone"),
        ("ivo://c.d/e", "That", "ivo://c.d/e", "That"),
        ("10.5072/x", "", "", "doi:10.5072/x"),
        ("https://doi.org/10.5072/x", "A paper", "", "A paper (doi:10.5072/x)"),
        ("https://www.km3net.org/", "", "", "https://www.km3net.org/"),
    ],
)
def test_related_resource_is_named_so_that_others_find_it(
    samples: ModuleType, identifier: str, title: str, ivo: str, text: str
) -> None:
    (said,) = block(samples, related=(related(identifier, title),))["related"]
    assert (said["ivoid"], said["text"]) == (ivo, text)


@pytest.mark.parametrize("relation", list(RelationType))
def test_relations_are_called_as_dachs_calls_them(
    samples: ModuleType, relation: RelationType
) -> None:
    (said,) = block(samples, related("evts20_01", relation=relation))["related"]
    assert said["meta_name"].lower() == relation.value.lower()
    assert said["meta_name"][0].islower()


def test_relations_from_elsewhere_are_added_once(samples: ModuleType) -> None:
    first, second = related("evts20_01"), related("evts20_01", relation="IsNewVersionOf")
    said = block(samples, second, first, related=(first,))["related"]
    assert [relation["meta_name"] for relation in said] == ["cites", "isNewVersionOf"]


def test_contributor_is_written_with_what_they_did(samples: ModuleType) -> None:
    helper = Contributor(
        name="Carberry, Josiah", orcid="0000-0002-1825-0097", role=ContributorRole.DATA_CURATOR
    )
    said = block(samples, contributors=(helper, Contributor(name="A sponsor")))["contributors"]
    assert said == [
        "Carberry, Josiah (DataCurator, orcid:0000-0002-1825-0097)",
        "A sponsor (Other)",
    ]
