from __future__ import annotations

from vopub.odc.citation import bibtex, citation

from .conftest import make_record

HERE = "https://odc.example/resources/evts21_01"


def test_a_resource_is_cited_by_its_address_or_its_doi() -> None:
    assert citation(make_record(), HERE) == (
        "KM3NeT Collaboration (2026): Up-going track candidates of ORCA run 9505 (sample). "
        f"Version 1.0. vopub sample site [data set]. {HERE}"
    )
    with_doi = make_record(publication={"doi": "10.1234/abc"})
    assert citation(with_doi, HERE).endswith("https://doi.org/10.1234/abc")
    assert "doi = {10.1234/abc}" in bibtex(with_doi, HERE)


def test_the_bibtex_entry_keeps_names_and_special_characters() -> None:
    creators = [{"name": "KM3NeT Collaboration"}, {"name": "Curie, Marie"}]
    title = r"50% of {all} events & more_or_less #1 \ $5 ~ ^"
    entry = bibtex(make_record(publication={"creators": creators, "title": title}), HERE)
    assert entry.startswith("@misc{evts21_01_v1_0,\n")
    assert "author = {{KM3NeT Collaboration} and Curie, Marie}" in entry
    assert (
        r"title = {{50\% of \{all\} events \& more\_or\_less \#1 \textbackslash{} \$5 "
        r"\textasciitilde{} \textasciicircum{}}}"
    ) in entry
    unescaped = entry.replace(r"\{", "").replace(r"\}", "")
    assert unescaped.count("{") == unescaped.count("}")
