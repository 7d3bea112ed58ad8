"""Requests that are generated from what the OpenAPI document says, and many that break it."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from .conftest import TOKEN

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def failures(app: FastAPI, examples: int, turn: int = 0) -> tuple[int, list[str]]:
    """Send so many requests to each operation; return how many it were and which got a 500.

    Other requests are sent in each ``turn``, the same ones in the same turn.
    """
    found: list[str] = []
    sent = 0
    app.state.writes._most = 10**9  # all come from one token
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it generates, not of what it tests
        schema = schemathesis.openapi.from_asgi("/api/openapi.json", app)
        for result in schema.get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                sent += _send_all(operation, mode, max(1, examples // 2), turn, found)
    return sent, found


def _send_all(
    operation: Any, mode: GenerationMode, examples: int, turn: int, found: list[str]
) -> int:
    sent = [0]

    @settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=QUIET,
        phases=[Phase.generate],
    )  # fmt: skip
    @seed(turn)
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {TOKEN}"})
        sent[0] += 1
        if answer.status_code >= 500:
            found.append(f"{answer.status_code} {operation.label} {case.path_parameters} "
                         f"{case.query} {str(case.body)[:300]}")  # fmt: skip

    with suppress(Unsatisfiable):  # nothing about this operation can be wrong
        send()
    return sent[0]
