"""Where the servers are that a publication goes to, embedded or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Database:
    """A PostgreSQL that DaCHS keeps its tables in."""

    host: str
    """Directory of the socket, or a host name."""
    port: int
    name: str
    user: str
    """Role that owns the published tables; the embedded one is reached by peer authentication."""
    passwords: Path | None = None
    """File with the role's password, as PostgreSQL's own programs read it (``.pgpass``)."""

    @property
    def environment(self) -> dict[str, str]:
        """Variables that PostgreSQL's programs need."""
        return {} if self.passwords is None else {"PGPASSFILE": str(self.passwords)}


@dataclass(frozen=True, slots=True)
class DachsServer:
    """A DaCHS: its address, and what its command needs."""

    url: str
    root: Path
    """DaCHS's ``rootDir``; resource directories lie in ``inputs`` below it."""
    settings_file: Path
    """File that ``GAVOSETTINGS`` names."""
    database: Database

    @property
    def inputs(self) -> Path:
        """Directory that holds the resource directories."""
        return self.root / "inputs"


@dataclass(frozen=True, slots=True)
class OdcServer:
    """An Open Data Center."""

    url: str
    token_file: Path
    """File, readable by the publisher only, that holds the token for writing."""
