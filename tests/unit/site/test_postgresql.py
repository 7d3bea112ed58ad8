"""The right PostgreSQL is found, and the way around its quarrel with pgSphere is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from vopub.errors import MissingProgramError, ServiceError
from vopub.process import service_account
from vopub.site.layout import Layout
from vopub.site.pgsphere import replacement
from vopub.site.postgresql import LONGEST_PATH, PostgreSQL, find_binaries

SCRIPT = """\\echo Use "CREATE EXTENSION pg_sphere" to load this file. \\quit
CREATE FUNCTION kept(spoint, smoc) RETURNS bool AS 'MODULE_PATHNAME' LANGUAGE C;
CREATE OPERATOR <@ (
   LEFTARG    = bigint,
   RIGHTARG   = smoc,
   COMMUTATOR = '@>'
);
CREATE OPERATOR @ (
   LEFTARG    = bigint,
   RIGHTARG   = smoc,
   COMMUTATOR = '@>'
);
CREATE OPERATOR @ (
   LEFTARG    = spoint,
   RIGHTARG   = smoc,
   COMMUTATOR = '@>'
);
CREATE OPERATOR @ (
   LEFTARG    = spoint,
   RIGHTARG   = scircle,
   COMMUTATOR = '~'
);
SELECT 'last';
"""


def install(directory: Path, version: str, *libraries: str) -> None:
    for path in [f"{version}/bin/initdb", *(f"{version}/lib/{name}.so" for name in libraries)]:
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).touch()


def test_newest_with_the_extensions_is_taken(tmp_path: Path) -> None:
    for version in ("9.6", "13", "15"):
        install(tmp_path, version, "q3c", "pg_sphere")
    install(tmp_path, "17", "q3c")
    assert find_binaries(installations=tmp_path) == tmp_path / "15/bin"
    assert find_binaries("13", tmp_path) == tmp_path / "13/bin"
    assert find_binaries("17", tmp_path) == tmp_path / "15/bin"


def test_missing_extension_is_named_with_its_package(tmp_path: Path) -> None:
    install(tmp_path, "15", "q3c")
    with pytest.raises(MissingProgramError) as caught:
        find_binaries(installations=tmp_path)
    assert "apt-get install postgresql-15-q3c postgresql-15-pgsphere'" in caught.value.hint


def test_missing_postgresql_is_named_with_its_packages(tmp_path: Path) -> None:
    with pytest.raises(MissingProgramError, match="it is not installed") as caught:
        find_binaries(installations=tmp_path)
    assert "postgresql-15 postgresql-15-q3c postgresql-15-pgsphere" in caught.value.hint


@pytest.mark.parametrize("name", ["long" * LONGEST_PATH, "with space", "ümlaut", "it's"])
def test_socket_of_an_unsuitable_directory_lies_elsewhere(name: str) -> None:
    layouts = [Layout(Path("/srv") / each, service_account()) for each in (name, "plain")]
    unsuitable, plain = (PostgreSQL(each).socket_directory for each in layouts)
    assert plain == Path("/srv/plain/run")
    assert unsuitable.parent == Path("/tmp")  # noqa: S108
    assert len(str(unsuitable)) < LONGEST_PATH
    assert unsuitable.name != PostgreSQL(layouts[1]).cluster_name


def test_only_the_refused_operators_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "pg_sphere.control").write_text("default_version = '1.2.0'\n")
    (tmp_path / "pg_sphere--1.2.0.sql").write_text(SCRIPT)
    text = replacement(tmp_path)
    assert "CREATE OPERATOR <@ (\n   LEFTARG    = bigint" in text
    assert "LEFTARG    = spoint,\n   RIGHTARG   = scircle" in text
    assert text.count("CREATE OPERATOR @ (") == 1
    assert "AS '$libdir/pg_sphere' LANGUAGE" in text
    assert "\\" not in text
    assert "true, '1.2.0')" in text


def test_script_that_is_not_known_is_not_tampered_with(tmp_path: Path) -> None:
    (tmp_path / "pg_sphere.control").write_text("default_version = '9'\n")
    (tmp_path / "pg_sphere--9.sql").write_text("SELECT 1;\n")
    with pytest.raises(ServiceError, match="knows no way around"):
        replacement(tmp_path)
