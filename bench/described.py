"""What benchmarks say of the data that they make."""

from __future__ import annotations

from datetime import date

from vopub.model.publication import Contact, Creator, Publication


def described(
    title: str,
    description: str,
    *,
    subject: str = "neutrino-astronomy",
    reference_url: str | None = None,
) -> Publication:
    """Return the metadata of something that no detector saw."""
    return Publication(
        title=title,
        description=description,
        version="1.0",
        created=date(2026, 1, 1),
        creators=(Creator(name="vopub"),),
        publisher="vopub",
        owner="vopub",
        contact=Contact(name="vopub", email="nobody@example.org"),
        licence="CC0-1.0",
        licence_url="https://creativecommons.org/publicdomain/zero/1.0/",
        subjects=(subject,),
        reference_url=reference_url,
    )
