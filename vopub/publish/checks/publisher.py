"""Settings with which nothing should be released."""

from __future__ import annotations

from collections.abc import Iterator

from vopub.public_web import is_loopback
from vopub.publish.checks.finding import Spot
from vopub.publish.checks.registry import ERROR, of_settings
from vopub.publish.checks.texts import PLACEHOLDER
from vopub.settings import Settings

RESERVED = (".invalid", ".example", ".test", ".localhost", ".local")
EXAMPLES = ("example.com", "example.net", "example.org")
"""Names that do not exist, or are nobody's. Source: RFC 2606, RFC 6761, RFC 6762."""


def is_reserved(name: str) -> bool:
    """Tell whether a domain name is one that nobody can have."""
    name = f".{name.lower().rstrip('.')}"
    return name.endswith((*RESERVED, *(f".{example}" for example in EXAMPLES)))


@of_settings("VP701", ERROR, "the authority does not exist", release=True)
def authority(settings: Settings) -> Iterator[Spot]:
    """Yield an authority under which nothing can be registered."""
    name = settings.publisher.authority
    if is_reserved(name):
        what = "is a name that is reserved for what does not exist"
        hint = "put the authority that you registered with the VO there"
        yield Spot("publisher.authority", what, name, hint)


@of_settings("VP702", ERROR, "the contact cannot be reached", release=True)
def contact(settings: Settings) -> Iterator[Spot]:
    """Yield a contact to whom no mail can be sent."""
    email = settings.publisher.contact.email
    if is_reserved(email.rpartition("@")[2]):
        what = "is in a domain that does not exist"
        yield Spot("publisher.contact.email", what, email, "put an address that is read there")


@of_settings("VP703", ERROR, "published addresses are seen from this machine only", release=True)
def host(settings: Settings) -> Iterator[Spot]:
    """Yield that the registry would hold addresses that nobody else can follow."""
    name = settings.site.public_host or settings.site.host
    if is_loopback(name):
        key = "public_host" if settings.site.public_host else "host"
        hint = "set site.public_host to the name under which others reach the site"
        yield Spot(f"site.{key}", "only this machine can follow published addresses", name, hint)


@of_settings("VP704", ERROR, "a text about the publisher is a placeholder")
def placeholders(settings: Settings) -> Iterator[Spot]:
    """Yield texts that were meant to be written later."""
    for key in ("site_name", "description", "publisher", "owner", "address"):
        text = getattr(settings.publisher, key)
        if found := PLACEHOLDER.search(text):
            what = f"{found.group()!r} stands for a text"
            yield Spot(f"publisher.{key}", what, text, "write the text")
