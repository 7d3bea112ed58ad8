from __future__ import annotations

from .conftest import Centre
from .generated import failures


def test_no_generated_request_breaks_the_service(centre: Centre) -> None:
    sent, found = failures(centre.app, 4)
    assert sent > 50
    assert found == []
