"""Strangers who mean harm: what they send, and what they may read."""

from __future__ import annotations

import configparser
import socket
from pathlib import Path

import httpx
import psycopg
import pytest

from vopub.site import Site, processes
from vopub.vo.database import row_count

from .strangers import ENDLESS, PATIENCE, TABLE, Onlooker, cone, rows, status, tap

pytestmark = pytest.mark.live

HUGE = "a" * 10_000_000
INSIDE = f"SELECT event_id FROM {TABLE} WHERE 1 = CONTAINS(POINT(ra, dec), %s)"
REFUSED = {
    "two statements": f"SELECT * FROM {TABLE}; DROP TABLE {TABLE}",
    "end of text and comment": f"SELECT * FROM {TABLE} WHERE event_id = ''; DROP TABLE x; --'",
    "change": f"UPDATE {TABLE} SET energy = 1",
    "program": f"COPY {TABLE} TO PROGRAM 'id'",
    "function of PostgreSQL": f"SELECT pg_sleep(99) FROM {TABLE}",
    "file": f"SELECT pg_read_file('/etc/passwd') AS x FROM {TABLE}",
    "catalogue": "SELECT * FROM pg_catalog.pg_authid",
    "tables of DaCHS": "SELECT * FROM dc.users",
    "union with roles": f"SELECT event_id FROM {TABLE} UNION SELECT rolname FROM pg_roles",
    "broken name": f'SELECT "event_id\\"" FROM {TABLE}',
    "zero byte": f"SELECT 'a\0b' AS x FROM {TABLE}",
    "division by zero": f"SELECT 1/0 AS x FROM {TABLE}",
    "root of less than nothing": f"SELECT SQRT(-1) AS x FROM {TABLE}",
    "polygon of two corners": INSIDE % "POLYGON(1, 2, 3, 4)",
    "polygon of the whole sky": INSIDE % "POLYGON(0, 0, 90, 45, 0, 45, 90, 0)",
    "circle of circles": INSIDE % "CIRCLE(CIRCLE(0, 0, 1), 1)",
    "strange region": INSIDE % "REGION('((((')",
    "radius of 99999": INSIDE % "REGION('Circle ICRS 0 0 99999')",
    "order 99": INSIDE % "MOC('99/1-99999999')",
    "shape against number": f"SELECT ra FROM {TABLE} WHERE 1 = INTERSECTS(5, 'abc')",
    "deep": f"SELECT ra FROM {TABLE} WHERE {'(' * 4000}1=1{')' * 4000}",
    "nothing": "",
    "ten megabytes": f"SELECT ra FROM {TABLE} WHERE event_id = '{HUGE}'",
    "takes years": ENDLESS,
}
EMPTY = {
    "quote in a text": f"SELECT ra FROM {TABLE} WHERE event_id = 'x'' OR 1=1 --'",
    "negative radius": INSIDE % "CIRCLE(10, 20, -5)",
    "corners all the same": INSIDE % "POLYGON(1, 1, 1, 1, 1, 1)",
}
OUTRAGEOUS = {
    "RA": ["x", "nan", "inf", "-1", "361", "1e400", "1); DROP TABLE x; --", ""],
    "DEC": ["95", "-90.1", "nan", "1' OR '1'='1"],
    "SR": ["-1", "180.1", "inf", "x"],
    "MAXREC": ["-5", "x", "1; DROP TABLE x"],
    "VERB": ["9", "x"],
    "RESPONSEFORMAT": ["../../../etc/passwd", "x"],
    "mjd": ["1' OR '1'='1", "1 2 3", "59000/60000"],
    "energy": ["1; DROP TABLE x", "1 2 3"],
    "_DBOPTIONS_ORDER": ["(SELECT 1)", "pg_sleep(9)"],
}
ROGUE_PATHS = [
    "/%2e%2e/%2e%2e/etc/passwd", "/static/%2e%2e/%2e%2e/gavo.rc", "/static/..%2f..%2fgavo.rc",
    "/evts21_01/q.rd", "/evts21_01/q/cone/static/q.rd", "/evts21_01/data/evts21_01.csv",
    "/getproduct/%2fetc%2fpasswd", "/getproduct/evts21_01/q.rd", "/..%5c..%5cetc%5cpasswd",
    "/evts21_01%00/q/cone/scs.xml", "/evts21_01/q/cone/admin", "/seffe/evts21_01/q",
    "/__system__/services/cacheclear", "/login", "/tap/async/%2e%2e%2f%2e%2e%2fetc",
    "/tableinfo/dc.users", "/evts21_01__next/q/cone/scs.xml", f"/{'a' * 8000}",
]  # fmt: skip
FORBIDDEN = [
    f"INSERT INTO {TABLE} (event_id) VALUES ('x')",
    f"UPDATE {TABLE} SET energy = 1",
    f"DELETE FROM {TABLE}",
    f"TRUNCATE {TABLE}",
    f"DROP TABLE {TABLE}",
    f"ALTER TABLE {TABLE} ADD COLUMN x int",
    f"COPY {TABLE} TO PROGRAM 'id'",
    f"COPY {TABLE} TO '/tmp/stolen'",
    "CREATE TABLE public.x (a int)", "CREATE SCHEMA x", "CREATE EXTENSION dblink",
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE x SUPERUSER", "ALTER ROLE untrusted SUPERUSER", "SET ROLE gavoadmin",
    "SET SESSION AUTHORIZATION gavoadmin", "SET temp_file_limit = -1",
    "SELECT * FROM dc.resources", "SELECT * FROM dc.users", "SELECT rolpassword FROM pg_authid",
    "SELECT pg_read_file('/etc/passwd')", "SELECT pg_ls_dir('/')", "SELECT pg_reload_conf()",
    "SELECT lo_from_bytea(0, 'kept')", "SELECT lo_create(0)",
]  # fmt: skip
VOTABLE = (
    '<?xml version="1.0"?>{0}<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
    '<RESOURCE><TABLE><FIELD name="a" datatype="char" arraysize="*"/><DATA><TABLEDATA>'
    "<TR><TD>{1}</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
)
LAUGHS = (
    '<!DOCTYPE V [<!ENTITY a0 "lol">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)


def login(site: Site, database: str = "gavo") -> psycopg.Connection[tuple[object, ...]]:
    """Connect as the role that runs the queries of strangers, with its own password."""
    profile = (site.directory / "dachs/etc/untrustedquery").read_text()
    password = profile.rpartition("password = ")[2].strip()
    place = site.dachs.database
    return psycopg.connect(
        host=place.host, port=place.port, dbname=database, user="untrusted", password=password,
        autocommit=True,
    )  # fmt: skip


def secrets_of(site: Site) -> dict[str, str]:
    """Return everything that only the service account may know, by the file that it is in."""
    places = [*(site.directory / "secrets").iterdir()]
    found = {str(path): path.read_text().strip() for path in places}
    for name in ("feed", "trustedquery", "untrustedquery"):
        path = site.directory / "dachs/etc" / name
        found[str(path)] = path.read_text().rpartition("password = ")[2].strip()
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(site.dachs.settings_file)
    found[str(site.dachs.settings_file)] = settings["web"]["adminpasswd"]
    assert all(len(secret) > 20 for secret in found.values())
    return found


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_query_is_refused_with_a_votable(fortress: Site, name: str) -> None:
    answer = tap(fortress, REFUSED[name])
    assert status(answer) == "ERROR"
    assert "Traceback" not in answer.text
    assert row_count(fortress.dachs.database, "evts21_01", "events") == 230


@pytest.mark.parametrize("name", EMPTY)
def test_query_that_cannot_match_matches_nothing(fortress: Site, name: str) -> None:
    assert rows(tap(fortress, EMPTY[name], RESPONSEFORMAT="csv")) == 0


@pytest.mark.parametrize("name", OUTRAGEOUS)
def test_parameter_without_sense_is_refused_by_name(fortress: Site, name: str) -> None:
    for value in OUTRAGEOUS[name]:
        answer = cone(fortress, **{name: value})
        assert status(answer) == "ERROR", value
        assert name.lower() in answer.text.lower() or name == "_DBOPTIONS_ORDER"
        assert "Traceback" not in answer.text


def test_paths_lead_to_no_file(fortress: Site) -> None:
    for path in ROGUE_PATHS:
        answer = httpx.get(fortress.dachs.url + path, timeout=PATIENCE)
        assert answer.status_code >= 400, path
        for content in ("root:x:0", "rootDir", "copy_expert", "km3.50.9505.", "Traceback"):
            assert content not in answer.text, path


def test_upload_reads_no_file_of_the_server(fortress: Site) -> None:
    def upload(content: str, source: str = "t,param:f", name: str = "f") -> httpx.Response:
        form = {"LANG": "ADQL", "QUERY": "SELECT * FROM tap_upload.t", "UPLOAD": source}
        return httpx.post(
            f"{fortress.dachs.url}/tap/sync", data={**form, "RESPONSEFORMAT": "csv"},
            files={name: ("x.vot", content)}, timeout=PATIENCE,
        )  # fmt: skip

    assert upload(VOTABLE.format("", "told")).text.split() == ["a", "told"]
    entity = '<!DOCTYPE V [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    assert upload(VOTABLE.format(entity, "&x;")).text.strip() in ("a", 'a\r\n""')
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.5)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x.dtd"
        upload(VOTABLE.format(f'<!DOCTYPE V SYSTEM "{address}">', "told"))
        with pytest.raises(TimeoutError):
            listener.accept()
    assert "amplification" in upload(VOTABLE.format(LAUGHS, "&a9;")).text
    for source in (
        "t,file:///etc/passwd", f"t,file://{fortress.dachs.settings_file}",
        "t,file://../../../gavo.rc", "t,gopher://127.0.0.1/x", "../t,param:f",
        "t; DROP TABLE x,param:f", "t,param:g",
    ):  # fmt: skip
        answer = upload(VOTABLE.format("", "told"), source)
        assert status(answer) == "ERROR", source
        assert "rootDir" not in answer.text
        assert "root:x" not in answer.text
    stray = fortress.directory.parent / "hacked"
    upload(VOTABLE.format("", "told"), f"t,param:{stray}", str(stray))
    assert not stray.exists()
    assert status(upload("<no votable")) == "ERROR"
    assert status(upload(VOTABLE.format("", HUGE))) == "ERROR"


def test_role_of_strangers_reads_published_tables_only(fortress: Site) -> None:
    with login(fortress) as session:
        told = session.execute(
            "SELECT table_name FROM tap_schema.tables WHERE table_name NOT LIKE 'tap_schema.%'"
        )
        published = {str(name) for (name,) in told} | {"ivoa.emptyobscore"}  # no rows, a template
        readable = session.execute("""
            SELECT nspname || '.' || relname FROM pg_class
            JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE relkind IN ('r', 'v', 'm', 'f', 'p', 'S')
            AND nspname NOT IN ('pg_catalog', 'information_schema', 'tap_schema')
            AND nspname NOT LIKE 'pg\\_%' AND has_schema_privilege(pg_namespace.oid, 'USAGE')
            AND has_table_privilege(pg_class.oid, 'SELECT')
        """)
        assert {str(name) for (name,) in readable} == published
        writable = session.execute("""
            SELECT pg_class.oid::regclass FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'f', 'p')
            AND relpersistence <> 't' AND relname <> 'pg_settings'
            AND has_table_privilege(pg_class.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
        """)
        assert writable.fetchall() == [], "nobody may change this"
        schemas = session.execute(
            "SELECT nspname FROM pg_namespace WHERE has_schema_privilege(oid, 'CREATE')"
        )
        assert schemas.fetchall() == []
        for statement in FORBIDDEN:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement)
        mine = session.execute("SELECT session_user::text, current_setting('temp_file_limit')")
        assert mine.fetchone() == ("untrusted", "2GB")
    for other in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            login(fortress, other)
    assert row_count(fortress.dachs.database, "evts21_01", "events") == 230


def test_no_secret_is_told(fortress: Site, onlooker: Onlooker) -> None:
    secrets = secrets_of(fortress)
    url = fortress.dachs.url
    told = {"command lines": "\n".join(onlooker.seen)}
    assert "dachs" in told["command lines"]
    folders = [fortress.directory / "log", fortress.dachs.inputs, fortress.state]
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        told[str(path)] = path.read_text(errors="replace")
    for page in (
        "/", "/tap/capabilities", "/tap/tables", "/tap/examples", "/evts21_01/q/cone/info",
        "/evts21_01/q/cone/form", "/tableinfo/evts21_01.events", "/__system__/dc_tables/list/form",
        "/oai.xml?verb=ListRecords&metadataPrefix=ivo_vor", "/%2e%2e/x", "/seffe/x", "/login",
        "/__system__/adql/query/form", "/tap/sync?QUERY=x", "/evts21_01/q/cone/scs.xml?RA=x",
    ):  # fmt: skip
        told[page] = httpx.get(url + page, timeout=PATIENCE).text
    for place, secret in secrets.items():
        assert [name for name, text in told.items() if secret in text] == [], place
        ways = [Path(place), *Path(place).parents]
        assert any(way.stat().st_mode & 0o077 == 0 for way in ways), place


def test_only_loopback_is_listened_on(fortress: Site) -> None:
    servers = [status.pid for status in fortress.status() if status.pid is not None]
    family = {pid for server in servers for pid in (server, *processes.descendants(server))}
    own = set()
    for pid in family:
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            own.add(str(handle.readlink()).removeprefix("socket:[").removesuffix("]"))
    listening = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            words = line.split()
            if words[9] in own and words[3] in ("0A", "07"):
                listening.append((words[1].split(":")[0], int(words[1].split(":")[1], 16)))
    ports = {fortress.settings.site.dachs_port, fortress.settings.site.odc_port}
    assert {port for _, port in listening} == ports
    assert {address for address, _ in listening} == {"0100007F"}
