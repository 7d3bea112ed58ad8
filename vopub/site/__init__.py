"""One directory that holds a running PostgreSQL, DaCHS and Open Data Center."""

from __future__ import annotations

from vopub.site.doctor import Finding
from vopub.site.service import ServiceStatus, State
from vopub.site.site import Site

__all__ = ["Finding", "ServiceStatus", "Site", "State"]
