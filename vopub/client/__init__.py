"""What a physicist imports: ``KM3Store``, and the objects that it gives."""

from vopub.client.store import KM3Store

__all__ = ["KM3Store"]
