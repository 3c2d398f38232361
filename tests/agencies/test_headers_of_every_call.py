"""Headers that a system wants with every call stand once, under `connection`."""

from __future__ import annotations

from pathlib import Path

import pytest

from agencies.checking import read_checked
from agencies.dry_run import DryRun
from agencies.registry import Registry
from agencies.source import FileFaults
from connectors.http import open_session
from tests.agencies.desk import MESSAGE, connected, headers_of, written
from tests.connectors.raw_server import raw_server, replying

HEADERS = 'headers: {X-Requested-With: okno, Origin: "${ADDRESS}"}'
REST = "Content-Type: application/json\r\n"


async def test_every_call_has_them_and_a_value_may_come_from_the_environment(tmp_path: Path) -> None:
    async with raw_server(replying(b'{"number": "D-7"}', "201 Created", REST)) as server, open_session() as session:
        desk = connected(tmp_path, session, "rest", HEADERS, variables={"ADDRESS": server.address})
        assert (await desk.submit()).case_id == "D-7"
    sent = headers_of(server.requests[0])
    assert (sent["x-requested-with"], sent["origin"]) == ("okno", server.address)


async def test_a_row_of_the_call_itself_counts_before_them(tmp_path: Path) -> None:
    async with raw_server(replying(b'{"number": "D-7"}', "201 Created", REST)) as server, open_session() as session:
        written(tmp_path, "rest", HEADERS)
        path = tmp_path / "agencies" / "desk.yaml"
        own = "  request: POST /cases\n  headers: {x-requested-with: message.reference}\n"
        path.write_text(path.read_text().replace("  request: POST /cases\n", own))
        registry = Registry.load(tmp_path, variables={"ADDRESS": server.address})
        assert registry.faults == ()
        await registry.connector("desk", session).send(registry.adapter("desk").submit_call(MESSAGE))
    head = server.requests[0].lower()
    assert head.count(b"x-requested-with") == 1
    assert headers_of(server.requests[0])["x-requested-with"] == MESSAGE.reference


def test_a_dry_run_shows_them(tmp_path: Path) -> None:
    path = written(tmp_path, "rest", HEADERS)
    run = DryRun(path, raw=False, environment="sandbox")
    assert run.request("submit", run.sample()).headers["X-Requested-With"] == "okno"


@pytest.mark.parametrize(
    ("protocol", "connection", "said"),
    [
        ("soap", "headers: {X-A: b}", "wrong-protocol"),
        ("rest", "headers: {Authorization: Bearer x}", "`security`"),
        ("rest", "headers: {Content-Type: text/plain}", "Content-Type"),
        ("rest", 'headers: {"X A": b}', "X A"),
    ],
)
def test_a_header_that_is_not_for_here_is_refused(tmp_path: Path, protocol: str, connection: str, said: str) -> None:
    path = written(tmp_path, protocol, connection)  # type: ignore[arg-type]  # one of the two
    with pytest.raises(FileFaults, match=said):
        read_checked(path)
