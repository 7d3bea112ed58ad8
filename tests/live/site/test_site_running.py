"""A site comes up and serves what its settings say."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import httpx
import pytest
from lxml import etree

from vopub.errors import BusyError
from vopub.process import run
from vopub.settings import load_settings
from vopub.site import Site, processes

from .looking import assert_serves, pids, psql, tap

pytestmark = pytest.mark.live

CHECKOUT = Path(__file__).resolve().parents[3]
PLACEHOLDERS = [
    "fill out", "fill this", "unconfigured", "unnamed", "x-unreg", "localhost:8080",
    "invalid@example", "organisation's name", "ordinary street", "relatively terse", "13 chrs",
]  # fmt: skip


def test_everything_answers_and_what_is_private_is(own: Site) -> None:
    assert_serves(own)
    private = ["pg", "run", "secrets", "dachs", "odc", "log"]
    modes = {stat.S_IMODE((own.directory / name).stat().st_mode) for name in private}
    assert modes == {0o700}
    files = [own.odc.token_file, own.dachs.settings_file]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    assert {file.stat().st_uid for file in files} == {own.layout.account.uid}
    assert len(bytes.fromhex(own.odc.token_file.read_text())) == 32


def test_no_secret_is_in_a_log_or_a_process_list(own: Site) -> None:
    etc = own.dachs.root / "etc"
    texts = [(etc / name).read_text() for name in ("feed", "trustedquery", "untrustedquery")]
    passwords = [text.split("password = ")[1].strip() for text in texts]
    secrets = [*passwords, *(p.read_text().strip() for p in (own.directory / "secrets").iterdir())]
    assert len(secrets) == 5
    shown = "".join(p.read_text(errors="replace") for p in (own.directory / "log").glob("*"))
    shown += run(["ps", "-eo", "args"]).stdout
    assert "vopub.odc" in shown
    assert not [secret for secret in secrets if secret in shown]


@pytest.mark.parametrize(
    "page",
    ["/", "/oai.xml?verb=Identify", "/oai.xml?verb=ListRecords&metadataPrefix=ivo_vor",
     "/tap/capabilities", "/__system__/services/registry/info", "/__system__/tap/run/info"],
)  # fmt: skip
def test_pages_show_the_publisher_and_none_of_the_placeholders(own: Site, page: str) -> None:
    answer = httpx.get(own.dachs.url + page, timeout=20)
    assert answer.status_code == 200
    assert [word for word in PLACEHOLDERS if word in answer.text.lower()] == []
    assert "failed" not in answer.text


def test_registry_records_name_the_publisher(own: Site) -> None:
    publisher = own.settings.publisher
    url = f"{own.dachs.url}/oai.xml?verb=ListRecords&metadataPrefix=ivo_vor"
    root = etree.fromstring(httpx.get(url, timeout=20).content)
    records = {r.findtext("identifier"): r for r in root.iter("{*}Resource")}
    authority = records[f"ivo://{publisher.authority}"]
    assert authority.findtext("title") == publisher.site_name
    assert authority.findtext("managingOrg") == publisher.publisher
    assert authority.findtext("content/referenceURL") == publisher.reference_url
    assert " ".join((authority.findtext("content/description") or "").split()) == " ".join(
        publisher.description.split()
    )
    for record in records.values():
        assert record.findtext("curation/contact/email") == publisher.contact.email


def test_pages_from_anywhere_may_read(own: Site) -> None:
    origin = {"Origin": "http://localhost:1234"}
    answer = httpx.get(f"{own.dachs.url}/oai.xml?verb=Identify", headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == origin["Origin"]


def test_database_listens_on_no_tcp_port(own: Site) -> None:
    server = pids(own)
    database = [server["PostgreSQL"], *processes.descendants(server["PostgreSQL"] or 0)]
    assert len(database) > 3
    assert processes.listens_on([pid for pid in database if pid]) == set()
    assert processes.listens_on([server["DaCHS"] or 0]) == {own.settings.site.dachs_port}


def test_geometry_of_the_sky_works(own: Site) -> None:
    inside = "CONTAINS(POINT({ra}, 10), CIRCLE(10, 10, 1))"
    found = [
        tap(own, f"SELECT TOP 1 {inside.format(ra=ra)} AS c FROM tap_schema.tables")[1]
        for ra in (10.9, 11.5)
    ]
    assert found == ["1", "0"]
    assert psql(own, "SELECT smoc('3/1-5') <@ smoc('2/0-1'), smoc('3/1') <@ smoc('3/2')") == "t|f"
    # However the extension was made, what is in it belongs to it.
    loose = (
        "SELECT count(*) FROM pg_proc WHERE probin = '$libdir/pg_sphere' AND oid NOT IN"
        " (SELECT objid FROM pg_depend WHERE deptype = 'e')"
    )
    assert psql(own, loose) == "0"
    assert psql(own, "SELECT extname FROM pg_extension ORDER BY 1").split() == [
        "pg_sphere",
        "plpgsql",
        "q3c",
    ]


def test_up_again_changes_nothing(own: Site) -> None:
    before, said = pids(own), list[str]()
    Site(own.settings).up(said.append)
    assert pids(own) == before
    assert said == []


def test_port_that_is_taken_is_named(own: Site) -> None:
    own.down()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", own.settings.site.dachs_port))
        other.listen()
        with pytest.raises(BusyError) as caught:
            own.up(print)
        finding = next(f for f in own.doctor() if not f.ok)
    text = str(caught.value)
    for part in (
        str(own.settings.site.dachs_port), f"pid {os.getpid()}", "--dachs-port",
        "VOPUB_DACHS_PORT", "dachs_port in [site] of vopub.toml",
    ):  # fmt: skip
        assert part in text
    assert f"pid {os.getpid()}" in finding.what
    own.up(print)
    assert_serves(own)


def test_a_site_that_cannot_move_goes_on_where_it_is(own: Site) -> None:
    before = pids(own)
    with socket.create_server(("127.0.0.1", 0)) as other:
        site = own.settings.site.model_copy(update={"dachs_port": other.getsockname()[1]})
        with pytest.raises(BusyError, match="--dachs-port"):
            Site(own.settings.model_copy(update={"site": site})).up(print)
    assert pids(own) == before
    assert_serves(own)


def test_later_commands_find_the_ports_again(own: Site) -> None:
    found = load_settings({"site.directory": own.directory}, environ={}, directory=CHECKOUT)
    assert found.site == own.settings.site


def test_changed_settings_are_served(own: Site) -> None:
    hostile = "Größe 100 % <&\"' ]]> Δ \\getConfig{web}{adminpasswd} \\"
    publisher = own.settings.publisher.model_copy(
        update={
            "authority": "other.km3net.invalid",
            "site_name": f"Site {hostile}",
            "publisher": f"raw: {hostile}",
            "description": f"rst: of {hostile}\n  lines that go on for a while, as they must.",
        }
    )
    changed = Site(own.settings.model_copy(update={"publisher": publisher}))
    before, said = pids(own), list[str]()
    changed.up(said.append)
    assert_serves(changed)
    after = pids(changed)
    assert after["DaCHS"] != before["DaCHS"]
    assert after["PostgreSQL"] == before["PostgreSQL"]
    url = f"{own.dachs.url}/oai.xml?verb=ListRecords&metadataPrefix=ivo_vor"
    root = etree.fromstring(httpx.get(url, timeout=20).content)
    records = {r.findtext("identifier"): r for r in root.iter("{*}Resource")}
    assert all(str(name).startswith("ivo://other.km3net.invalid") for name in records)
    shown = hostile.replace("\\", "\N{FULLWIDTH REVERSE SOLIDUS}")
    authority = records["ivo://other.km3net.invalid"]
    assert authority.findtext("title") == f"Site {shown}"
    assert authority.findtext("managingOrg") == f"raw : {shown}"
    assert "Größe 100 %" in httpx.get(own.dachs.url, timeout=20).text
    own.up(said.append)
    assert_serves(own)


def test_two_sites_side_by_side(own: Site, site: Site) -> None:
    assert_serves(own)
    assert_serves(site)
    assert not set(pids(own).values()) & set(pids(site).values())
    before = pids(site)
    own.down()
    assert pids(site) == before
    assert_serves(site)
    own.up(print)
