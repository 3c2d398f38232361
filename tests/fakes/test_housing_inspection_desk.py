"""The housing inspection's clerks, its webhook, and how it goes on after kill -9: the real process over real HTTP."""

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.fakes.housing_client import MODULE, Client, Receiver, eventually
from tests.fakes.housing_inspection.case_rules import MOVES
from tests.fakes.serving import AgencyProcess, OperatorRefused


@pytest_asyncio.fixture(scope="module")
async def agency(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AgencyProcess]:
    process = await AgencyProcess(MODULE).start(tmp_path_factory.mktemp("housing"))
    yield process
    await process.stop()


@pytest_asyncio.fixture(scope="module")
async def client(agency: AgencyProcess) -> Client:
    return await Client(agency.origin).sign_in()


@pytest_asyncio.fixture
async def own_agency(tmp_path: Path) -> AsyncIterator[AgencyProcess]:
    """A process this test may kill."""
    process = await AgencyProcess(MODULE).start(tmp_path / "housing")
    yield process
    await process.stop()


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiving = await Receiver().start()
    yield receiving
    await receiving.stop()


# --- the webhook -----------------------------------------------------------------------------------------------------


async def test_every_change_is_sent_signed_and_equals_the_feeds(own_agency: AgencyProcess, receiver: Receiver) -> None:
    await own_agency.operator.call("PUT", "webhook", {"url": receiver.url, "secret": "s3cret"})
    signed_in = await Client(own_agency.origin).sign_in()
    case_id = await signed_in.made()
    await own_agency.operator.answer(case_id, "Готово")
    await eventually(lambda: len(receiver.came) == 2)
    for headers, body in receiver.came:
        stamp = headers["X-Okno-Timestamp"]
        mac = hmac.new(b"s3cret", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert headers["X-Okno-Signature"] == f"sha256={mac}"
        assert abs(int(stamp) - time.time()) < 60
    assert [json.loads(body) for _, body in receiver.came] == await signed_in.changes_of(case_id)


async def test_a_refused_webhook_is_tried_again_and_order_is_kept(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answers = [500, 404, 302]
    process = await AgencyProcess(MODULE).start(tmp_path, arguments=["--webhook-url", receiver.url])
    try:
        case_id = await (await Client(process.origin).sign_in()).made()
        await process.operator.move(case_id, "accepted")
        await process.operator.move(case_id, "in_work")
        await eventually(lambda: len(receiver.came) == 6)
        assert receiver.states_of(case_id) == ["new"] * 4 + ["accepted", "in_work"]
    finally:
        await process.stop()


async def test_the_webhooks_queue_survives_kill_9(own_agency: AgencyProcess, receiver: Receiver) -> None:
    await own_agency.operator.call("PUT", "webhook", {"url": receiver.url})
    await receiver.stop()
    case_id = await (await Client(own_agency.origin).sign_in()).made()
    await own_agency.operator.move(case_id, "accepted")
    await own_agency.kill()
    await receiver.start()
    await own_agency.restart()
    await own_agency.operator.answer(case_id, "Готово")
    await eventually(lambda: len(receiver.came) >= 3)
    assert receiver.states_of(case_id) == ["new", "accepted", "done"]


async def test_a_dropped_webhook_hears_nothing_more(own_agency: AgencyProcess, receiver: Receiver) -> None:
    await own_agency.operator.call("PUT", "webhook", {"url": receiver.url})
    signed_in = await Client(own_agency.origin).sign_in()
    await signed_in.made()
    await eventually(lambda: len(receiver.came) == 1)
    await own_agency.operator.call("DELETE", "webhook")
    await signed_in.made()
    await asyncio.sleep(0.3)
    assert len(receiver.came) == 1


# --- the operator's side ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "wanted"),
    [
        ([], "in_work"),
        ([], "done"),
        ([], "withdrawn"),
        ([], "new"),
        ([], "lost"),
        (["accepted"], "new"),
        (["accepted", "in_work"], "accepted"),
        (["rejected"], "accepted"),
    ],
)
async def test_a_move_outside_the_table_is_refused_with_a_sentence(
    agency: AgencyProcess, client: Client, way: list[str], wanted: str
) -> None:
    case_id = await client.made()
    for state in way:
        await agency.operator.move(case_id, state, "потому что")
    before = await client.changes_of(case_id)
    with pytest.raises(OperatorRefused, match=r"move_refused.*\.") as refused:
        await agency.operator.move(case_id, wanted, "потому что")
    assert refused.value.status == 409
    assert await client.changes_of(case_id) == before


async def test_a_rejection_without_a_reason_is_refused(agency: AgencyProcess, client: Client) -> None:
    case_id = await client.made()
    with pytest.raises(OperatorRefused, match="remark"):
        await agency.operator.move(case_id, "rejected", "  ")


async def test_a_closed_case_is_not_answered_again(agency: AgencyProcess, client: Client) -> None:
    case_id = await client.made()
    await agency.operator.answer(case_id, "Раз")
    with pytest.raises(OperatorRefused, match="closed"):
        await agency.operator.answer(case_id, "Два")


async def test_answer_all_answers_the_open_cases_only(own_agency: AgencyProcess) -> None:
    signed_in = await Client(own_agency.origin).sign_in()
    made = [await signed_in.made() for _ in range(3)]
    await own_agency.operator.move(made[0], "rejected", "Не к нам")
    assert await own_agency.operator.answer_all("Сделано") == 2
    assert await own_agency.operator.answer_all("Сделано") == 0
    assert [case["state"] for case in await own_agency.operator.cases()] == ["rejected", "done", "done"]
    counts = {"cases": 3, "distinct_external_ids": 3, "files": 0, "changes": 6}
    assert await own_agency.operator.counts() == counts


async def test_the_operators_side_wants_the_operator(agency: AgencyProcess) -> None:
    for path in ("cases", "counts", "", "faults"):
        asking = Client(agency.origin)
        wrong = {"Authorization": aiohttp.encode_basic_auth("operator", "guess")}
        assert (await asking.call("GET", f"/operator/{path}"))[0] == 401
        assert (await asking.call("GET", f"/operator/{path}", headers=wrong))[0] == 401


async def test_the_operators_page_stands_alone(agency: AgencyProcess) -> None:
    headers = {"Authorization": aiohttp.encode_basic_auth("operator", "operator")}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{agency.origin}/operator/") as reply,
    ):
        assert (reply.status, reply.content_type) == (200, "text/html")
        page = await reply.text()
    assert "viewport" in page
    assert not re.search(r"(src|href)\s*=|https?://|@import", page)
    assert set(re.findall(r"(\w+): \"", page.partition("states: {")[2].partition("}")[0])) == set(MOVES)


# --- going on after the end ------------------------------------------------------------------------------------------


async def test_kill_9_loses_no_acknowledged_case(own_agency: AgencyProcess) -> None:
    signed_in = await Client(own_agency.origin).sign_in()
    acknowledged: list[str] = []

    async def keep_sending() -> None:
        while True:
            acknowledged.append(await signed_in.made())

    senders = [asyncio.create_task(keep_sending()) for _ in range(3)]
    await eventually(lambda: len(acknowledged) >= 20)
    await own_agency.kill()
    ended = await asyncio.gather(*senders, return_exceptions=True)
    assert all(isinstance(end, aiohttp.ClientError) for end in ended)
    port = own_agency.port
    await own_agency.restart()
    assert own_agency.port == port
    held = {case["id"] for case in await own_agency.operator.cases()}
    assert set(acknowledged) <= held
    assert (await signed_in.create())[0] == 201, "a token given before the end still works"


async def test_sigterm_ends_it_with_exit_code_0(tmp_path: Path) -> None:
    process = await AgencyProcess(MODULE).start(tmp_path)
    assert process.address == f"http://127.0.0.1:{process.port}/api/v1"
    assert await process.stop() == 0
    assert not process.running
