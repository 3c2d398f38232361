"""The road agency's operator's side, its memory across kill -9, and the faults it can be told to show."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.fakes.city_roads.case_rules import MOVES, WANT_A_REMARK, refusal_of_move
from tests.fakes.city_roads_client import MODULE, Client
from tests.fakes.serving import AgencyProcess, OperatorRefused


@pytest_asyncio.fixture(scope="module")
async def agency(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AgencyProcess]:
    process = await AgencyProcess(MODULE).start(tmp_path_factory.mktemp("roads"))
    yield process
    await process.stop()


@pytest.fixture(scope="module")
def client(agency: AgencyProcess) -> Client:
    return Client(agency.origin)


async def refused_status(agency: AgencyProcess, path: str, wish: object) -> int:
    with pytest.raises(OperatorRefused) as refusal:
        await agency.operator.call("POST", path, wish)
    return refusal.value.status


# --- the operator's side ---------------------------------------------------------------------------------------------


async def test_the_operator_moves_and_answers_a_case(agency: AgencyProcess, client: Client) -> None:
    number = (await client.create("MOVE-1")).text("CaseNumber")
    await agency.operator.move(number, "2")
    await agency.operator.move(number, "3", "Какой дом?")
    await agency.operator.move(number, "2")
    await agency.operator.answer(number, "Готово")
    assert (await client.find("MOVE-1")).text("State") == "4"


async def test_a_move_the_table_does_not_allow_is_refused_with_a_sentence(
    agency: AgencyProcess, client: Client
) -> None:
    number = (await client.create("MOVE-2")).text("CaseNumber")
    before = await agency.operator.counts()
    for state in ("1", "3", "4", "7", "8"):
        with pytest.raises(OperatorRefused, match=r"\.") as refusal:
            await agency.operator.move(number, state, "почему")
        assert refusal.value.status == 409
    assert await agency.operator.counts() == before
    await agency.operator.move(number, "9", "Не наша дорога")
    with pytest.raises(OperatorRefused, match="closed"):
        await agency.operator.answer(number, "Готово")


def test_the_table_of_moves_and_the_refusals_agree() -> None:
    allowed = {(state, to) for state in MOVES for to in MOVES if refusal_of_move(state, to) is None}
    assert allowed == {(state, to) for state, onward in MOVES.items() for to in onward}
    assert {to for _, to in allowed} == {"2", "3", "9"}
    assert frozenset({"3", "9"}) == WANT_A_REMARK


async def test_a_wrong_wish_of_the_operator_names_the_field(agency: AgencyProcess, client: Client) -> None:
    number = (await client.create("WISH-1")).text("CaseNumber")
    assert await refused_status(agency, f"cases/{number}/move", {"state": "9"}) == 422
    assert await refused_status(agency, f"cases/{number}/move", {"state": 2}) == 422
    assert await refused_status(agency, f"cases/{number}/move", []) == 422
    assert await refused_status(agency, f"cases/{number}/answer", {"text": "Готово 🎉"}) == 422
    assert await refused_status(agency, f"cases/{number}/answer", {"text": "\x01"}) == 422
    assert await refused_status(agency, f"cases/{number}/answer", {"text": "а", "tone": "б"}) == 422
    assert await refused_status(agency, "cases/CR-999999/answer", {"text": "Готово"}) == 404
    assert (await client.find("WISH-1")).text("State") == "1"


async def test_the_operator_reads_cases_page_by_page(agency: AgencyProcess, client: Client) -> None:
    for n in range(3):
        await client.create(f"PAGE-{n}")
    everything = await agency.operator.cases()
    first = await agency.operator.call("GET", "cases", params={"limit": "2"})
    assert [case["id"] for case in first["items"]] == [case["id"] for case in everything[:2]]
    rest = await agency.operator.call("GET", "cases", params={"limit": "500", "after": first["next_after"]})
    assert rest["items"] == everything[2:]
    assert rest["next_after"] is None
    assert (await agency.operator.counts())["cases"] == len(everything)


async def test_the_operators_side_wants_its_password_and_serves_a_page_without_foreign_parts(
    agency: AgencyProcess,
) -> None:
    page = f"{agency.origin}/operator/"
    async with aiohttp.ClientSession() as session:
        assert (await session.get(page)).status == 401
        reply = await session.get(page, headers={"Authorization": aiohttp.encode_basic_auth("operator", "operator")})
        text = await reply.text()
    assert reply.status == 200
    assert "viewport" in text
    assert "Ответить" in text
    assert "Answer" in text
    assert not re.search(r"""(src|href)\s*=|url\(|@import""", text)


# --- memory ----------------------------------------------------------------------------------------------------------


async def test_kill_9_in_the_middle_of_work_loses_nothing_acknowledged(tmp_path: Path) -> None:
    agency = await AgencyProcess(MODULE).start(tmp_path)
    client = Client(agency.origin)
    acknowledged: dict[str, str] = {}
    enough = asyncio.Event()

    async def create_many(worker: int) -> None:
        for n in range(1000):
            try:
                answer = await client.create(f"KILL-{worker}-{n}")
            except aiohttp.ClientError:
                return
            acknowledged[f"KILL-{worker}-{n}"] = answer.text("CaseNumber")
            if len(acknowledged) >= 30:
                enough.set()

    work = asyncio.gather(*(create_many(worker) for worker in range(3)))
    await enough.wait()
    address = agency.address
    await agency.kill()
    await work
    await agency.restart()
    assert agency.address == address
    held = {case["external_id"]: case["id"] for case in await agency.operator.cases()}
    assert acknowledged.items() <= held.items()
    assert len(held) - len(acknowledged) <= 3
    assert (await client.create("KILL-0-0")).code == "17"
    assert (await agency.operator.counts())["changes"] == len(held)
    assert await agency.stop() == 0


async def test_photos_states_and_spent_nonces_outlive_a_kill(tmp_path: Path) -> None:
    agency = await AgencyProcess(MODULE).start(tmp_path)
    client = Client(agency.origin)
    number = (await client.create("OUTLIVE-1")).text("CaseNumber")
    await client.add_photo(number, "a.jpg", b"content")
    await agency.operator.move(number, "2")
    wanted, token = "<c:ExternalId>OUTLIVE-1</c:ExternalId>", client.digest_token()
    assert (await client.call("FindCases", wanted, token)).status == 200
    before = await agency.operator.cases()
    await agency.kill()
    await agency.restart()
    assert await agency.operator.cases() == before
    assert (await client.call("FindCases", wanted, token)).status == 500
    assert (await client.add_photo(number, "a.jpg", b"content")).code == "17"
    await agency.stop()


async def test_credentials_come_from_the_environment(tmp_path: Path) -> None:
    environment = {"CITY_ROADS_USER": "hub", "CITY_ROADS_PASSWORD": "пароль"}
    agency = await AgencyProcess(MODULE).start(tmp_path, environment=environment)
    assert (await Client(agency.origin, "hub", "пароль").find("x")).status == 200
    assert (await Client(agency.origin).find("x")).fault[1] == "wsse:FailedAuthentication"
    assert "пароль" not in agency.log.read_text()
    await agency.stop()


# --- faults ----------------------------------------------------------------------------------------------------------


async def test_a_lost_reply_leaves_exactly_one_case(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("lost_reply", operation="CreateCase")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.create("LOST-1")
    (case,) = await agency.operator.cases("LOST-1")
    again = await client.create("LOST-1")
    assert (again.code, again.text("CaseNumber")) == ("17", case["id"])
    assert len(await agency.operator.cases("LOST-1")) == 1


async def test_created_with_error_says_500_although_the_case_exists(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("created_with_error", operation="CreateCase")
    status, reply = await client.raw(client.create_request("CREATED-1"), "CreateCase")
    assert status == 500
    assert b"html" in reply
    assert len(await agency.operator.cases("CREATED-1")) == 1


async def test_half_a_reply_breaks_off_although_the_case_exists(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("half", operation="CreateCase")
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.create("HALF-1")
    assert len(await agency.operator.cases("HALF-1")) == 1


async def test_a_busy_agency_says_90_and_takes_nothing(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("busy", times=3)
    assert (await client.create("BUSY-1")).code == "90"
    assert (await client.withdraw("CR-000001")).code == "90"
    assert (await client.changes()).fault[:2] == (500, "soap:Server")
    assert await agency.operator.cases("BUSY-1") == []
    assert (await client.create("BUSY-1")).code == "0"


async def test_an_error_inside_200_is_a_soap_fault(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("ok_with_error")
    assert (await client.create("INSIDE-1")).fault[:2] == (200, "soap:Server")
    assert await agency.operator.cases("INSIDE-1") == []


async def test_a_refused_login_is_the_agencys_own_fault(agency: AgencyProcess, client: Client) -> None:
    await agency.operator.faults("refuse_login", operation="CreateCase")
    assert (await client.find("x")).status == 200
    assert (await client.create("LOGIN-1")).fault[:2] == (500, "wsse:FailedAuthentication")
    assert (await client.create("LOGIN-1")).code == "0"
