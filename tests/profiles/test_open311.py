"""`uses: open311@1` against a fake GeoReport server, in both directions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from lxml import etree

from adapters.adapter import AskRefused, Found, NotFound
from domain.outcome import OutcomeKind
from domain.status import Status
from tests.fakes.open311 import Open311
from tests.profiles.story import NOW, Connected

ANSWERS: dict[str, object] = {
    "address": "${NORTH_ADDRESS}",
    "api_key": "${NORTH_KEY}",
    "services": {"roads/pothole": "POTHOLE", "*": "OTHER"},
}


@pytest_asyncio.fixture
async def product() -> AsyncIterator[Open311]:
    product = await Open311().start()
    yield product
    await product.stop()


def connected(product: Open311, folder: Path, session: aiohttp.ClientSession, key: str = "city-key") -> Connected:
    return Connected.by("open311@1", ANSWERS, {"NORTH_ADDRESS": product.origin, "NORTH_KEY": key}, folder, session)


@pytest.fixture
def agency(product: Open311, tmp_path: Path, session: aiohttp.ClientSession) -> Connected:
    return connected(product, tmp_path, session)


async def test_a_message_becomes_a_request_with_our_number_at_its_end(agency: Connected, product: Open311) -> None:
    assert await agency.submitted(agency.message()) == {"case_id": "293941"}
    request = product.requests[0]
    assert (request.code, request.description) == ("POTHOLE", "Глубокая яма. [26-0001-2345-8]")
    assert request.at == ("54.507041", "36.252277")


@pytest.mark.parametrize("kind", ["lost_reply", "half", "created_with_error", "html", "error_500"])
async def test_a_broken_answer_is_unknown_and_the_look_up_tells_whether_there_is_a_request(
    agency: Connected, product: Open311, kind: str
) -> None:
    """Q43, Q44."""
    await agency.submitted(agency.message("26-0001-2345-80"))
    product.spoil(kind, "POST /requests.json")
    assert (await agency.submit(agency.message())).kind is OutcomeKind.UNKNOWN
    made = kind in ("lost_reply", "half", "created_with_error")
    assert await agency.look_up(agency.message()) == (Found({"case_id": "293942"}) if made else NotFound())


async def test_a_number_that_comes_later_is_found_later(agency: Connected, product: Open311) -> None:
    """Q10: a token is an acceptance without a number."""
    product.later = True
    outcome = await agency.submit(agency.message())
    assert (outcome.kind, outcome.case_id) == (OutcomeKind.ACCEPTED, None)
    assert await agency.look_up(agency.message()) == NotFound()
    product.numbers()
    assert await agency.look_up(agency.message()) == Found({"case_id": "293941"})


async def test_updates_come_home(agency: Connected, product: Open311) -> None:
    case_ids = await agency.submitted(agency.message())
    product.works_on("293941", "open", "Бригада выехала.")
    product.works_on("293941", "closed", "Яма заделана.")
    changes, cursor = await agency.reading(None, NOW + timedelta(hours=1))
    assert [(one.case_id, one.means) for one in changes] == [
        ("293941", Status.IN_PROGRESS),
        ("293941", Status.ANSWERED),
    ]
    assert changes[1].answer is not None
    assert changes[1].answer.text == "Яма заделана."
    assert (await agency.reading(cursor, NOW + timedelta(hours=3)))[0] == []
    assert (await agency.ask(case_ids)).means is Status.ANSWERED


async def test_a_wrong_key_and_a_server_that_is_down_are_tried_later(
    agency: Connected, product: Open311, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    await product.stop()
    assert (await agency.submit(agency.message())).kind is OutcomeKind.TRY_LATER
    await product.start()
    stranger = connected(product, tmp_path / "stranger", session, "another")
    assert (await stranger.submit(stranger.message())).kind is OutcomeKind.TRY_LATER
    assert product.requests == []


async def test_what_the_server_does_not_take_is_refused(agency: Connected, product: Open311) -> None:
    nowhere = agency.message(latitude=None, longitude=None, address=None)
    assert (await agency.submit(nowhere)).kind is OutcomeKind.REFUSED
    del product.services["POTHOLE"]
    assert (await agency.submit(agency.message())).kind is OutcomeKind.REFUSED
    with pytest.raises(AskRefused):
        await agency.ask({"case_id": "77"})


async def test_the_fake_says_the_same_in_xml(product: Open311) -> None:
    form = {"api_key": "city-key", "service_code": "OTHER", "lat": "54.5", "long": "36.2", "description": "Яма <&>"}
    async with aiohttp.ClientSession() as plain:
        async with plain.post(f"{product.origin}/requests.xml", data=form) as reply:
            assert etree.fromstring(await reply.read()).findtext("request/service_request_id") == "293941"
        async with plain.get(f"{product.origin}/requests/293941.xml") as reply:
            assert etree.fromstring(await reply.read()).findtext("request/description") == "Яма <&>"
        async with plain.get(f"{product.origin}/tokens/t1.xml") as reply:
            assert etree.fromstring(await reply.read()).findtext("request/service_request_id") == "293941"
