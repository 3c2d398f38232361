"""Each fault the housing inspection can be told to show is what its name says: the real process over real HTTP."""

import json
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.fakes.faults import KINDS as FAULT_KINDS
from tests.fakes.housing_client import MODULE, Client, a_request
from tests.fakes.serving import AgencyProcess, OperatorRefused


@pytest_asyncio.fixture(scope="module")
async def agency(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AgencyProcess]:
    process = await AgencyProcess(MODULE).start(tmp_path_factory.mktemp("housing"))
    yield process
    await process.stop()


@pytest_asyncio.fixture(scope="module")
async def client(agency: AgencyProcess) -> Client:
    return await Client(agency.origin).sign_in()


async def raw_create(agency: AgencyProcess, client: Client, external_id: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and undecoded bytes of one create."""
    headers = {"Authorization": f"Bearer {client.token}"}
    async with (
        aiohttp.ClientSession(auto_decompress=False, headers=headers) as session,
        session.post(f"{agency.address}/requests", json=a_request(external_id=external_id)) as reply,
    ):
        return reply.status, {k.lower(): v for k, v in reply.headers.items()}, await reply.read()


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "says"),
    [
        ("garbage", 200, "application/json", b""),
        ("html", 200, "text/html", b"<html>"),
        ("error_500", 500, "text/html", b"<html>"),
        ("ok_with_error", 200, "application/json", b'{"error":'),
        ("busy", 503, "application/json", b'"busy"'),
    ],
)
async def test_a_fault_instead_of_a_reply_makes_no_case(
    agency: AgencyProcess, client: Client, kind: str, status: int, content_type: str, says: bytes
) -> None:
    await agency.operator.faults(kind)
    shown, headers, body = await raw_create(agency, client, kind)
    assert (shown, headers["content-type"].partition(";")[0]) == (status, content_type)
    assert says in body
    assert headers.get("retry-after") == ("1" if kind == "busy" else None)
    assert await agency.operator.cases(kind) == []
    assert (await raw_create(agency, client, kind))[0] == 201, "the fault was to be shown once"


@pytest.mark.parametrize(
    ("kind", "ends_with"), [("lost_reply", aiohttp.ServerDisconnectedError), ("half", aiohttp.ClientPayloadError)]
)
async def test_a_spoilt_reply_hides_a_case_that_was_made(
    agency: AgencyProcess, client: Client, kind: str, ends_with: type[Exception]
) -> None:
    await agency.operator.faults(kind, operation="createRequest")
    with pytest.raises(ends_with):
        await raw_create(agency, client, kind)
    assert len(await agency.operator.cases(kind)) == 1


async def test_created_with_error_makes_the_case_and_says_500(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("created_with_error")
    assert (await raw_create(agency, client, "created_with_error"))[0] == 500
    assert len(await agency.operator.cases("created_with_error")) == 1


async def test_silence_holds_the_call_and_then_hangs_up(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("silence", seconds=0.5)
    began = time.monotonic()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await raw_create(agency, client, "silence")
    assert 0.4 < time.monotonic() - began < 10
    assert await agency.operator.cases("silence") == []


async def test_slow_gives_the_true_reply_byte_by_byte(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("slow", seconds=0.01)
    began = time.monotonic()
    status, _, body = await raw_create(agency, client, "slow")
    assert (status, json.loads(body)["external_id"]) == (201, "slow")
    assert time.monotonic() - began > 0.3


async def test_a_small_gzip_body_inflates_without_end(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("gzip_bomb")
    _, headers, body = await raw_create(agency, client, "gzip_bomb")
    assert headers["content-encoding"] == "gzip"
    assert body[:2] == b"\x1f\x8b"
    assert len(body) < 1_000_000


async def test_a_huge_reply_goes_on_for_200_megabytes(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("huge")
    headers = {"Authorization": f"Bearer {client.token}"}
    taken = 0
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{agency.address}/changes") as reply,
    ):
        async for part in reply.content.iter_any():
            taken += len(part)
    assert taken == 200 * 1024 * 1024


async def test_a_refused_login_refuses_right_credentials(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("refuse_login", times=2)
    assert (await client.call("GET", "/api/v1/changes"))[0] == 401
    form = {"grant_type": "client_credentials", "client_id": "okno", "client_secret": "housing-secret"}
    assert (await client.call("POST", "/oauth/token", data=form))[1] == {"error": "invalid_client"}
    assert (await client.call("GET", "/api/v1/changes"))[0] == 200


async def test_a_fault_waits_for_its_operation_and_can_be_cleared(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("error_500", times=5, operation="addFile")
    case_id = await client.made()
    form = aiohttp.FormData({"sha256": "0" * 64})
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {client.token}"}) as session,
        session.post(f"{agency.address}/requests/{case_id}/files", data=form) as reply,
    ):
        assert reply.status == 500
    (waiting,) = (await agency.operator.call("GET", "faults"))["faults"]
    assert (waiting["kind"], waiting["times"]) == ("error_500", 4)
    await agency.operator.clear_faults()
    assert (await client.attach(case_id, b"photo"))[0] == 201


async def test_an_unknown_fault_is_refused(agency: AgencyProcess) -> None:
    with pytest.raises(OperatorRefused, match="choose one of"):
        await agency.operator.faults("earthquake")
    assert len(FAULT_KINDS) == 13
