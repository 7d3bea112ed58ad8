"""Records that say anything which a record can say, for what is made of them and read back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from vopub.model.adql import RESERVED_WORDS
from vopub.model.parameter import NAME_PATTERN, Dtype
from vopub.model.publication import ContributorRole, Messenger, RelationType
from vopub.model.resource import ServiceKind

from .conftest import REMOTE_FILE, make_record

BASE = "https://odc.example.org"
OTHER = UUID(int=7)
IVOID = "ivo://samples.km3net.invalid/evts21_01/q/cone"


def texts(least: int = 0) -> st.SearchStrategy[str]:
    """Return texts that XML can hold."""
    letters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    return st.text(letters, min_size=least, max_size=least + 30)


ORCIDS = st.sampled_from([None, "0000-0002-1825-0097", "0000-0001-5109-3700"])
CREATORS = st.fixed_dictionaries({"name": texts(2), "orcid": ORCIDS, "affiliation": texts()})
CONTRIBUTORS = st.fixed_dictionaries(
    {
        "name": texts(2), "orcid": ORCIDS, "affiliation": texts(),
        "role": st.sampled_from([role.value for role in ContributorRole]),
    }
)  # fmt: skip
IDENTIFIERS = st.sampled_from(
    ["10.3847/2041-8213/aad8c0", "https://km3net.org/x", "2018ApJ...863L..30A", "evts20_01",
     "arXiv:1711.01496", IVOID, "some words", str(OTHER), f"{BASE}/resources/{OTHER}",
     f"{BASE}/resources/evts20_01", f"{BASE}/collections/samples20_01",
     "https://example.org/streams/x", f"{BASE}/streams/x#", f"{BASE}/resources/{OTHER}##"]
)  # fmt: skip
RELATED = st.fixed_dictionaries(
    {
        "relation": st.sampled_from([relation.value for relation in RelationType]),
        "identifier": IDENTIFIERS, "title": texts(),
    }
)  # fmt: skip
PUBLICATIONS = st.fixed_dictionaries(
    {
        "title": texts(10), "description": texts(5).map(lambda text: "What it is. " * 6 + text),
        "messenger": st.sampled_from([messenger.value for messenger in Messenger]),
        "note": texts(), "publisher": texts(2), "owner": texts(2), "facility": texts(),
        "instrument": texts(), "licence": texts(2),
        "contact": st.fixed_dictionaries({"name": texts(2), "email": st.just("a+b@example.org")}),
        "creators": st.lists(CREATORS, min_size=1, max_size=3),
        "contributors": st.lists(CONTRIBUTORS, max_size=2),
        "subjects": st.lists(texts(1), min_size=1, max_size=3),
        "created": st.dates().map(str), "related": st.lists(RELATED, max_size=3),
        "doi": st.sampled_from([None, "10.5072/FK2/JW72C9"]),
        "reference_url": st.sampled_from([None, "https://example.org/x?a=1&b=2"]),
        "source": st.just("") | IDENTIFIERS,
    }
)  # fmt: skip
REMOTE = st.fixed_dictionaries(
    {
        "name": st.just("hits.root"), "media_type": st.just("application/x-root"),
        "url": st.sampled_from(["https://example.org/x?a=1&b=2", f"{BASE}.net/files/x"]),
        "size": st.none() | st.integers(0, 10**15), "sha256": st.sampled_from([None, "ab" * 32]),
        "role": st.just("data"), "description": texts(),
    }
)  # fmt: skip
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
SERVICES = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([kind.value for kind in ServiceKind]),
        "url": st.sampled_from(["https://example.org/q?a=1&b=2", f"{BASE}/files/x/a.csv"]),
        "table": st.sampled_from(["", "evts21_01.events"]), "ivoid": st.sampled_from(["", IVOID]),
        "proved": TIMES,
    }
)  # fmt: skip
ENERGIES = st.tuples(st.floats(0, 1e15), st.floats(0, 1e15))
PARAMETERS = st.fixed_dictionaries(
    {
        "name": st.from_regex(NAME_PATTERN, fullmatch=True).filter(
            lambda name: name not in RESERVED_WORDS
        ),
        "dtype": st.sampled_from([Dtype.FLOAT32.value, Dtype.FLOAT64.value]),
        "unit": st.sampled_from(["", "deg", "GeV.m**2"]),
        "ucd": st.sampled_from(["phys.energy", "pos.eq.ra;meta.main"]),
        "description": texts(10), "symbol": texts(),
        "range": st.none() | st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=2).map(sorted),
        "null": texts(), "principal": st.booleans(), "truth": st.booleans(),
    }
) | st.fixed_dictionaries(
    {
        "name": st.sampled_from(["n_hits", "event_id", "run_id"]),
        "dtype": st.sampled_from([dtype.value for dtype in Dtype if not dtype.is_float]),
        "ucd": st.just("meta.id"), "description": texts(10),
    }
)  # fmt: skip


def _name(parameter: dict[str, Any]) -> str:
    return str(parameter["name"])


SPANS = st.fixed_dictionaries({"start": TIMES, "stop": TIMES})
RECORDS = st.fixed_dictionaries(
    {
        "publication": PUBLICATIONS, "simulated": st.booleans(),
        "rows": st.none() | st.integers(0, 10**12),
        "collection": st.sampled_from(["", "samples26_01"]),
        "stream": st.sampled_from(["", "acoustic20_01_psd"]),
        "replaces": st.sampled_from([None, OTHER]),
        "elsewhere": st.lists(REMOTE, max_size=1), "services": st.lists(SERVICES, max_size=3),
        "coverage": st.fixed_dictionaries(
            {"spatial": texts(), "temporal": st.none() | SPANS, "energy": st.none() | ENERGIES}
        ),
        "parameters": st.lists(PARAMETERS, min_size=1, max_size=4, unique_by=_name),
    }
)  # fmt: skip

FULL = make_record(
    elsewhere=[REMOTE_FILE],
    simulated=True, stream="acoustic20_01_psd", replaces=OTHER,
    publication={
        "doi": "10.5072/FK2/JW72C9", "source": "2018ApJ...863L..30A",
        "contributors": [{"name": "Doe, Jane", "role": "DataCurator"}],
        "related": [{"relation": "Cites", "identifier": IVOID, "title": "Another"}],
    },
)  # fmt: skip
"""A record that says something in every field."""
