"""What PostgreSQL itself refuses to the roles that work for strangers.

DaCHS runs ADQL as the role ``untrusted`` and cone searches as ``gavo``. It grants them reading of
the tables that they are for. PostgreSQL adds what every role may do, and part of that is of no use
to a query and of use to an attacker: connecting to other databases, storing large objects, filling
the disk with temporary files, occupying all cores.
"""

from __future__ import annotations

QUERYING = ("untrusted", "gavo")
"""Roles of DaCHS that run what strangers ask for."""
TEMPORARY_SPACE = "2GB"
"""Most space on disk that one query may take, e.g. to sort."""
OTHER_DATABASES = ("postgres", "template1")

_LARGE_OBJECTS = """
DO $guard$
DECLARE
    writer regprocedure;
BEGIN
    FOR writer IN
        SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
        AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_open', 'lo_put', 'lowrite')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', writer);
    END LOOP;
END
$guard$;
"""


def restrictions() -> str:
    """Return the SQL that takes from everybody what no query needs; may be run again and again."""
    return "\n".join(
        [
            f"REVOKE CONNECT ON DATABASE {', '.join(OTHER_DATABASES)} FROM PUBLIC;",
            _LARGE_OBJECTS,
            *(_limits(role) for role in QUERYING),
        ]
    )


def _limits(role: str) -> str:
    """Return the SQL that keeps queries of a role from taking the whole machine."""
    return (
        f"ALTER ROLE {role} SET temp_file_limit = '{TEMPORARY_SPACE}';\n"
        f"ALTER ROLE {role} SET max_parallel_workers_per_gather = 0;"
    )
