"""The access log: a line for every request, gathered for a moment, none lost and none with what somebody typed."""

from __future__ import annotations

import asyncio
import io
import logging
import re

import pytest

from gateway.access_log import AccessLog
from gateway.request_ids import request_id


@pytest.fixture(autouse=True)
def _told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.access")


async def test_lines_come_together_and_in_their_order() -> None:
    stream = io.StringIO()
    log = AccessLog(stream)
    for number in range(3):
        log.note("POST", "/graphql", 200, number, 0.0015, f"id-{number}")
    assert stream.getvalue() == ""
    for _ in range(500):
        if stream.getvalue():
            break
        await asyncio.sleep(0.01)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines):
        assert re.fullmatch(
            rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO gateway.access: POST /graphql 200 {number} bytes 1.5 ms id-{number}",
            line,
        )


async def test_a_thousand_lines_are_not_waited_for_and_the_last_ones_are_not_lost() -> None:
    stream = io.StringIO()
    log = AccessLog(stream)
    for _ in range(1_500):
        log.note("GET", "/health", 200, 1, 0.001, "an-id")
    assert len(stream.getvalue().splitlines()) == 1_000
    log.flush()
    assert len(stream.getvalue().splitlines()) == 1_500


async def test_a_path_that_somebody_made_up_is_not_written_down() -> None:
    stream = io.StringIO()
    log = AccessLog(stream)
    log.note("GET", "/Ivanov/1980", 404, 1, 0.001, "an-id")
    log.note("POST", "/agencies/city-roads/events", 202, 1, 0.001, "an-id")
    log.flush()
    assert "Ivanov" not in stream.getvalue()
    assert [line.split(" ")[4] for line in stream.getvalue().splitlines()] == ["(other)", "/agencies/city-roads/events"]


def test_request_ids_are_the_callers_or_new_every_time() -> None:
    assert request_id("abcdef-123456") == "abcdef-123456"
    made = {request_id(given) for given in ("", "short", "no spaces here", "a" * 65) for _ in range(300)}
    assert len(made) == 1_200
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in made)
