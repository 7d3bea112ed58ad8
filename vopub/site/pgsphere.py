"""Making the pgSphere extension where the packaged one is refused by PostgreSQL.

PostgreSQL 15.20 (and every 17) refuses an operator that names as its commutator one which has
another commutator already. The script of Debian 12's pgSphere 1.2.0 ends with two such operators,
``bigint @ smoc`` and ``spoint @ smoc``, so that ``CREATE EXTENSION pg_sphere`` fails. They are
spellings of ``<@`` that DaCHS needed long ago and that pgSphere itself has dropped since. Here the
packaged script is run without them, and what it makes is recorded as the extension. That touches
only the database it is done in, and needs neither root nor a change of installed files.
"""

from __future__ import annotations

import re
from pathlib import Path

from vopub.errors import ServiceError

EXTENSION = "pg_sphere"
REFUSED = "is already the commutator of operator"
"""What PostgreSQL says when it refuses the packaged script."""
OBSOLETE_OPERATOR = re.compile(
    r"^CREATE OPERATOR @ \(\s*LEFTARG\s*=\s*(?:bigint|spoint),\s*RIGHTARG\s*=\s*smoc,[^)]*\);$",
    re.MULTILINE,
)
RECORD = """
DO $record$
DECLARE
    made record;
BEGIN
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (pg_nextoid('pg_extension', 'oid', 'pg_extension_oid_index'), '{name}',
            current_user::regrole, 'public'::regnamespace, true, '{version}');
    FOR made IN
        SELECT object.type, object.identity
        FROM (SELECT 'pg_type'::regclass, oid FROM pg_type
              WHERE xmin = pg_current_xact_id()::xid AND typcategory <> 'A'
              UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc
              WHERE xmin = pg_current_xact_id()::xid
              UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator
              WHERE xmin = pg_current_xact_id()::xid
              UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily
              WHERE xmin = pg_current_xact_id()::xid
              UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass
              WHERE xmin = pg_current_xact_id()::xid
              UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast
              WHERE xmin = pg_current_xact_id()::xid) AS row (catalogue, number),
             pg_identify_object(row.catalogue, row.number, 0) AS object
    LOOP
        EXECUTE format('ALTER EXTENSION {name} ADD %s %s', made.type, made.identity);
    END LOOP;
END
$record$;
"""
"""Records every object that this transaction made as a member, as CREATE EXTENSION would have."""


def replacement(extensions: Path) -> str:
    """Return SQL, for one transaction, that makes what ``CREATE EXTENSION pg_sphere`` should.

    Parameters
    ----------
    extensions
        PostgreSQL's directory of extension scripts.

    Raises
    ------
    ServiceError
        If the packaged script is not the one that this is known to be right for.
    """
    control = (extensions / f"{EXTENSION}.control").read_text()
    version = re.search(r"^default_version\s*=\s*'([\w.]+)'", control, re.MULTILINE)
    if version is None:
        raise ServiceError(f"{EXTENSION}.control names no version", where=extensions)
    script = extensions / f"{EXTENSION}--{version[1]}.sql"
    text, dropped = OBSOLETE_OPERATOR.subn("", script.read_text())
    if dropped == 0:
        raise ServiceError(
            "PostgreSQL refuses pgSphere for a reason that vopub knows no way around",
            where=script,
            hint="install a pgSphere made for this PostgreSQL",
        )
    # As CREATE EXTENSION does: lines for psql are not part of it, the library's name is filled in.
    statements = re.sub(r"^\\.*$", "", text, flags=re.MULTILINE)
    statements = statements.replace("MODULE_PATHNAME", f"$libdir/{EXTENSION}")
    quiet = "SET client_min_messages = warning;\nSET search_path = public;\n"
    return quiet + statements + RECORD.format(name=EXTENSION, version=version[1])
