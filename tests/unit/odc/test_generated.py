from __future__ import annotations

from .conftest import Centre
from .generated import Sender


def test_no_generated_request_breaks_the_service(centre: Centre) -> None:
    sent = Sender(centre.app).send(2)
    assert sent.requests.total() > 500
    assert sent.failures == []
    assert sent.never == []
