"""The probe asks real servers and says what to mend; it makes and changes nothing."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from agencies.dry_run import invented_message
from agencies.probe import Finding, Verdict, probe
from agencies.registry import Registry
from agencies.rule_pages import EXAMPLES
from connectors.http import open_session
from tests.connectors.raw_server import Caller, raw_server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES, tmp_path / "config")) / "agencies" / "yards.yaml"


def edit(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new))


async def findings(file: Path, address: str, **variables: str) -> dict[str, Finding]:
    edit(file, "https://yards.example/api", address)
    registry = Registry.of_files([file], variables={"YARDS_TOKEN": "yards-word", **variables})
    assert registry.faults == ()
    async with open_session() as session:
        found = [
            one async for one in probe(registry, "yards", session, invented_message(registry.agency("yards").file))
        ]
    return {one.question: one for one in found}


def verdicts(found: dict[str, Finding]) -> dict[str, Verdict]:
    return {name: one.verdict for name, one in found.items()}


async def test_a_healthy_system_is_asked_by_reads_only(file: Path) -> None:
    async def answer(caller: Caller) -> None:
        body = (
            b'{"items": [{"id": "1", "state": "done"}], "next": "2"}' if "changes" in caller.path else b'{"items": []}'
        )
        await caller.reply(body, headers="Content-Type: application/json\r\n")

    async with raw_server(answer) as server:
        found = await findings(file, server.address)
        assert [request.split(b" ")[0] for request in server.requests] == [b"GET", b"GET"]
    assert verdicts(found) == {
        "settings": Verdict.GOOD,
        "name": Verdict.GOOD,
        "connection": Verdict.GOOD,
        "TLS": Verdict.LOOK,
        "login": Verdict.GOOD,
        "clock": Verdict.SKIPPED,
        "look_up": Verdict.GOOD,
        "poll": Verdict.GOOD,
    }


async def test_an_empty_feed_proves_nothing(file: Path) -> None:
    """Q46: a cursor in a wrong format or zone gives an empty list, for ever."""

    async def answer(caller: Caller) -> None:
        await caller.reply(b'{"items": []}', headers="Content-Type: application/json\r\n")

    async with raw_server(answer) as server:
        found = await findings(file, server.address)
    assert (found["poll"].verdict, "change a case" in found["poll"].remedy) == (Verdict.LOOK, True)


async def test_a_clock_that_is_wrong_is_told_with_the_key_that_helps(file: Path) -> None:
    """Q12: the server's clock is "currently a bit out"."""

    async def answer(caller: Caller) -> None:
        date = format_datetime(datetime.now(UTC) - timedelta(minutes=2), usegmt=True)
        await caller.reply(b'{"items": []}', headers=f"Content-Type: application/json\r\nDate: {date}\r\n")

    async with raw_server(answer) as server:
        found = await findings(file, server.address)
    assert "behind ours" in found["clock"].said
    assert "clock_skew" in found["clock"].remedy


async def test_a_refused_login_is_told_as_such(file: Path) -> None:
    async def answer(caller: Caller) -> None:
        await caller.reply(b"{}", "401 Unauthorized", "Content-Type: application/json\r\n")

    async with raw_server(answer) as server:
        found = await findings(file, server.address)
    assert (found["login"].verdict, "connection.security" in found["login"].remedy) == (Verdict.BAD, True)
    assert "yards-word" not in repr(found)


async def test_where_nobody_listens_no_call_is_tried(file: Path) -> None:
    async def answer(caller: Caller) -> None:
        await caller.reply(b"{}")

    async with raw_server(answer) as server:
        address = server.address
    found = await findings(file, address)
    assert found["connection"].verdict is Verdict.BAD
    assert "login" not in found


async def test_a_name_that_is_not_known_and_a_variable_that_is_not_set_end_the_probe(file: Path) -> None:
    assert list(verdicts(await findings(file, "https://nobody.invalid/api")).items())[-1] == ("name", Verdict.BAD)
    assert verdicts(await findings(file, "", YARDS_TOKEN="")) == {"settings": Verdict.BAD}


async def test_a_feed_that_hands_out_once_is_not_read(file: Path) -> None:
    """Q15: /event/status is cleared once called."""
    edit(file, "    cursor: {next: next}\n", '    hands_out_once: "true"\n')
    edit(file, "    query:\n      cursor: poll.cursor\n", "")

    async def answer(caller: Caller) -> None:
        await caller.reply(b'{"items": []}', headers="Content-Type: application/json\r\n")

    async with raw_server(answer) as server:
        found = await findings(file, server.address)
        assert not any(b"changes" in request for request in server.requests)
    assert found["poll"].verdict is Verdict.SKIPPED
