"""A site comes up, heals and goes away without a trace."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from lxml import etree

from vopub.errors import BusyError, FileError
from vopub.process import run, spawn
from vopub.settings import Settings, load_settings
from vopub.site import Site, State, processes
from vopub.site import service as service_module

pytestmark = pytest.mark.live

CHECKOUT = Path(__file__).resolve().parents[3]
NOBODY = 65534
"""User of Debian that owns nothing."""
NAMES = ["PostgreSQL", "DaCHS", "ODC"]
PLACEHOLDERS = [
    "fill out", "fill this", "unconfigured", "unnamed", "x-unreg", "localhost:8080",
    "invalid@example", "organisation's name", "ordinary street", "relatively terse", "13 chrs",
]  # fmt: skip
DRIVER = """
import json, sys
from pathlib import Path
from vopub.settings import Settings
from vopub.site import Site
site = Site(Settings.model_validate_json(Path(sys.argv[2]).read_text()))
say = lambda line: print(line, flush=True)
if sys.argv[1] == "lock":
    with site.lock():
        say("locked")
        sys.stdin.read()
else:
    getattr(site, sys.argv[1])(*([say] if sys.argv[1] == "up" else []))
    say("done")
"""


@pytest.fixture(scope="module")
def made(make_settings: Callable[..., Settings]) -> Iterator[Site]:
    """Give a site that the tests of this file may break."""
    running = Site(make_settings("own"))
    try:
        yield running
    finally:
        running.down()


@pytest.fixture
def own(made: Site) -> Site:
    """Give that site, running whatever the test before did to it."""
    made.up(print)
    return made


@pytest.fixture
def drive(reachable_directory: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Give what does something with a site in another process."""
    started: list[subprocess.Popen[str]] = []

    def start(what: str, settings: Settings, prefix: Sequence[str] = ()) -> subprocess.Popen[str]:
        path = reachable_directory / "settings.json"
        path.write_text(settings.model_dump_json())
        path.chmod(0o644)
        process = subprocess.Popen(
            [*prefix, sys.executable, "-c", DRIVER, what, str(path)], text=True, cwd="/",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def pids(site: Site) -> dict[str, int | None]:
    return {status.name: status.pid for status in site.status()}


def states(site: Site) -> list[State]:
    return [status.state for status in site.status()]


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def psql(site: Site, sql: str) -> str:
    database = site.dachs.database
    done = run(["psql", "-qAt", "-h", database.host, "-p", str(database.port), "-U", database.user,
                "-d", database.name, "-c", sql])  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def tap(site: Site, query: str) -> list[str]:
    answer = httpx.get(
        f"{site.dachs.url}/tap/sync",
        params={"LANG": "ADQL", "QUERY": query, "FORMAT": "csv"},
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    return answer.text.splitlines()


def assert_serves(site: Site) -> None:
    assert states(site) == [State.UP] * 3
    assert psql(site, "SELECT 40 + 2") == "42"
    assert tap(
        site, "SELECT table_name FROM tap_schema.tables WHERE table_name='ivoa.obscore'"
    ) == [
        "table_name",
        "ivoa.obscore",
    ]
    assert httpx.get(f"{site.odc.url}/api/health").status_code == 200


def traces(site: Site) -> list[str]:
    """Return processes and sockets that have anything to do with a site, whoever they are."""
    tag = f"vopub-{site.layout.tag}"
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                told = [(entry / name).read_bytes().decode() for name in ("cmdline", "environ")]
                told.append(str((entry / "cwd").readlink()))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # it ended meanwhile, or is nobody's of ours
            if any(str(site.directory) in text or tag in text for text in told):
                found.append(" ".join(told[0].split("\0")))
    sockets = Path("/proc/net/unix").read_text().splitlines()
    return found + [line for line in sockets if str(site.dachs.database.host) in line]


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


@pytest.mark.parametrize("victims", [["PostgreSQL"], ["DaCHS"], ["ODC"], NAMES])
def test_up_heals_what_was_killed(own: Site, victims: list[str]) -> None:
    before = pids(own)
    for name in victims:
        kill(before[name])
    time.sleep(0.2)
    assert [s.name for s in own.status() if s.state is State.STALE] == victims
    own.up(print)
    assert_serves(own)
    after = pids(own)
    assert all(after[name] != before[name] for name in victims)
    assert victims != ["ODC"] or after["DaCHS"] == before["DaCHS"]


def test_up_heals_a_database_whose_children_linger(own: Site) -> None:
    psql(own, "CREATE TABLE kept AS SELECT 7 AS seven")
    database = own.dachs.database
    busy = spawn(
        ["psql", "-h", database.host, "-d", database.name, "-c",
         "SELECT count(*) FROM generate_series(1, 100000000000)"],
        log=own.directory / "log" / "busy.log",
    )  # fmt: skip
    wait_for(
        lambda: psql(own, "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'series'") >= "2"
    )
    postmaster = pids(own)["PostgreSQL"] or 0
    children = processes.descendants(postmaster)
    kill(postmaster)
    wait_for(lambda: len([pid for pid in children if processes.find(pid)]) == 1)
    own.up(print)
    assert_serves(own)
    assert not [pid for pid in children if processes.find(pid)]
    assert psql(own, "SELECT seven FROM kept") == "7"
    psql(own, "DROP TABLE kept")
    busy.wait()


def test_records_of_other_processes_are_not_believed(own: Site) -> None:
    bystander = spawn(["sleep", "600"], log=own.directory / "log" / "bystander.log")
    try:
        for name in NAMES:
            kill(pids(own)[name])
        for path in (own.directory / "run").glob("*.json"):
            words = path.read_text().split('"pid": ')
            rest = words[1].partition(",")[2]
            path.write_text(f'{words[0]}"pid": {bystander.pid},{rest}')
        lock = own.directory / "pg/postmaster.pid"
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
        own.up(print)
        assert_serves(own)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_records_that_are_lost_or_damaged_are_made_again(own: Site) -> None:
    before = pids(own)
    for path, text in zip((own.directory / "run").glob("*.json"), ["", "{", "[]"], strict=True):
        path.write_text(text)
    own.up(print)
    assert_serves(own)
    assert not [pid for pid in before.values() if pid and processes.find(pid)]


def test_up_replaces_a_server_that_hangs(own: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "ANSWER_PATIENCE", 0.5)
    hung = pids(own)["DaCHS"] or 0
    os.kill(hung, signal.SIGSTOP)
    assert states(own)[1] is State.FAILING
    assert next(f for f in own.doctor() if not f.ok).hint == "run 'vopub up'"
    own.up(print)
    assert_serves(own)
    assert processes.find(hung) is None


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


def test_down_leaves_no_trace(own: Site) -> None:
    segments, shared = Path("/proc/sysvipc/shm"), Path("/dev") / "shm"
    tag = (own.directory / "pg/postmaster.pid").read_text().splitlines()[6].split()[1]
    assert f" {tag} " in segments.read_text()
    before = set(shared.iterdir())
    assert traces(own) != []
    own.down()
    assert traces(own) == []
    assert states(own) == [State.DOWN] * 3
    assert f" {tag} " not in segments.read_text()
    assert set(shared.iterdir()) <= before
    assert [path.name for path in (own.directory / "run").iterdir()] == ["switching"]
    own.down()
    own.up(print)
    assert_serves(own)


def test_down_after_a_crash_leaves_no_trace(own: Site) -> None:
    tag = (own.directory / "pg/postmaster.pid").read_text().splitlines()[6].split()[1]
    for name in NAMES:
        kill(pids(own)[name])
    own.down()
    assert traces(own) == []
    assert f" {tag} " not in Path("/proc/sysvipc/shm").read_text()
    own.up(print)


def test_down_ends_jobs_of_astronomers(own: Site) -> None:
    tables = ", ".join(f"tap_schema.columns AS t{n}" for n in range(6))
    form = {"LANG": "ADQL", "QUERY": f"SELECT COUNT(*) FROM {tables}"}  # takes years
    url = f"{own.dachs.url}/tap/async"
    job = httpx.post(url, data=form, follow_redirects=True, timeout=20).url
    httpx.post(f"{job}/phase", data={"PHASE": "RUN"}, timeout=20)
    wait_for(lambda: httpx.get(f"{job}/phase", timeout=20).text == "EXECUTING")
    assert any("taprun" in line for line in traces(own))
    own.down()
    assert traces(own) == []
    own.up(print)


def test_one_publication_at_a_time(own: Site, drive: Callable[..., subprocess.Popen[str]]) -> None:
    other = drive("lock", own.settings)
    assert other.stdout is not None
    assert other.stdout.readline() == "locked\n"
    with (
        pytest.raises(BusyError, match=rf"publishing to this site \(pid {other.pid} since 20"),
        own.lock(),
    ):
        pass
    with pytest.raises(BusyError, match="publishing"):
        own.down()
    own.up(print)
    other.kill()
    other.wait()
    with own.lock(), own.lock():
        assert_serves(own)


def test_what_a_killed_publication_left_running_is_ended(own: Site) -> None:
    code = (
        "import subprocess, sys\n"
        "command = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "print(subprocess.Popen(command, **quiet).pid)\n"
    )
    extra = {"GAVOSETTINGS": str(own.dachs.settings_file)}
    left = int(run([sys.executable, "-c", code], extra=extra).stdout)
    before = pids(own)
    assert processes.find(left) is not None
    with own.lock():
        assert processes.find(left) is None
    assert pids(own) == before


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


def test_site_whose_making_was_killed_is_made_anew(
    make_settings: Callable[..., Settings], drive: Callable[..., subprocess.Popen[str]]
) -> None:
    # The directory is one that its socket cannot lie in.
    settings = make_settings("killed" + " and long" * 12)
    for moment in ("creating the database", "creating DaCHS's tables", "publishing"):
        maker = drive("up", settings)
        assert maker.stdout is not None
        while not maker.stdout.readline().startswith(moment):
            assert maker.poll() is None
        time.sleep(1)
        maker.kill()
        maker.wait()
    healed = Site(settings)
    try:
        healed.up(print)
        assert_serves(healed)
    finally:
        healed.down()
    assert traces(healed) == []
    assert not Path(healed.dachs.database.host).exists()


def test_plain_user_has_a_site_of_their_own(
    make_settings: Callable[..., Settings], drive: Callable[..., subprocess.Popen[str]],
    reachable_directory: Path,
) -> None:  # fmt: skip
    is_root = os.geteuid() == 0
    owner = NOBODY if is_root else os.geteuid()
    home = reachable_directory / "home"
    home.mkdir()
    os.chown(home, owner, -1)
    settings = make_settings("home/site")
    as_nobody = ["setpriv", f"--reuid={NOBODY}", "--regid=nogroup", "--clear-groups"]
    for what in ("up", "down"):
        process = drive(what, settings, as_nobody if is_root else [])
        said = process.communicate()[0]
        assert (process.returncode, said.splitlines()[-1]) == (0, "done")
        owners = {path.lstat().st_uid for path in settings.site.directory.rglob("*")}
        assert owners == {owner}
        assert httpx_status(f"{settings.site.dachs_url}/tap/tables") == (200 if what == "up" else 0)
    if is_root:
        with pytest.raises(FileError, match="'vopub', as whom services run, cannot write"):
            Site(settings).up(print)


def httpx_status(url: str) -> int:
    try:
        return httpx.get(url, timeout=20).status_code
    except httpx.ConnectError:
        return 0


def wait_for(condition: Callable[[], bool], patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)
