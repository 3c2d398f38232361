"""The main job: a message becomes one case in the agency's own system, with its photos, and what happens there comes home."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.actions.submit_message import Place
from store.messages import lock_own
from store.withdrawals import record_withdrawal
from tests.delivery.conftest import Agencies
from tests.delivery.installation import Installation, until
from tests.fakes.serving import AgencyProcess

POTHOLE = "На улице Ленина яма глубиной 20 см, машины объезжают её по тротуару — уже неделю…"
ROOF = "Протекает крыша над третьим подъездом, вода идёт по стене на лестницу."
KALUGA = Place(latitude=54.5136, longitude=36.2614, address="Калуга, улица Ленина, 1")

both = pytest.mark.parametrize(("system", "category"), [("roads", "roads/pothole"), ("housing", "housing/roof")])


def agency(agencies: Agencies, system: str) -> AgencyProcess:
    return agencies.roads if system == "roads" else agencies.housing


async def the_case(process: AgencyProcess, reference: str) -> dict[str, Any]:
    cases = await process.operator.cases(external_id=reference)
    assert len(cases) == 1, f"{len(cases)} cases for one message"
    return cases[0]


@both
async def test_a_message_becomes_one_case_with_everything_the_citizen_gave(
    installation: Installation, agencies: Agencies, system: str, category: str
) -> None:
    photos = [b"\xff\xd8\xff first photo", b"\xff\xd8\xff second photo"]
    files = [await installation.attach(photo, name) for photo, name in zip(photos, ("яма.jpg", "яма.jpg"), strict=True)]
    reference = await installation.send(POTHOLE, category, KALUGA, files)
    async with installation.worker():
        await until(lambda: is_delivered(installation, reference))
    case = await the_case(agency(agencies, system), reference)
    assert case["text"] == POTHOLE
    assert case["place"]["lat"] == pytest.approx(54.5136)
    assert case["place"]["lon"] == pytest.approx(36.2614)
    assert sorted(one["sha256"] for one in case["files"]) == sorted(
        hashlib.sha256(photo).hexdigest() for photo in photos
    )
    delivery = await installation.delivery(reference)
    assert delivery["outcomes"] == ["accepted"] * 3
    kept = await installation.rows("SELECT case_id FROM agency_case")
    assert [row["case_id"] for row in kept] == [case["id"]]


@both
async def test_each_status_and_the_answer_come_home(
    installation: Installation, agencies: Agencies, system: str, category: str
) -> None:
    reference = await installation.send(ROOF, category)
    operator = agency(agencies, system).operator
    async with installation.worker():
        await until(lambda: is_delivered(installation, reference))
        case = await the_case(agency(agencies, system), reference)
        for state in ["2"] if system == "roads" else ["accepted", "in_work"]:
            await operator.move(case["id"], state, "бригада выехала")
        await until(lambda: has_status(installation, reference, "IN_PROGRESS"))
        await operator.answer(case["id"], "Отремонтировано 22 ноября.")
        await until(lambda: has_status(installation, reference, "ANSWERED"))
    answers = await installation.rows("SELECT text, version FROM answer")
    assert answers == [{"text": "Отремонтировано 22 ноября.", "version": 1}]
    applied = await installation.rows("SELECT to_status FROM event WHERE kind = 'STATUS' AND applied ORDER BY id")
    assert [row["to_status"] for row in applied] == [
        "RECEIVED",
        "ROUTED",
        "DELIVERED",
        "REGISTERED",
        "IN_PROGRESS",
        "ANSWERED",
    ]


async def test_what_the_feed_repeats_changes_nothing(installation: Installation, agencies: Agencies) -> None:
    reference = await installation.send(POTHOLE, "roads/pothole")
    async with installation.worker():
        await until(lambda: has_status(installation, reference, "REGISTERED"))
        before = await installation.rows("SELECT count(*) AS events FROM event")
        await until(lambda: polled_again(installation, 3))
        assert await installation.rows("SELECT count(*) AS events FROM event") == before


async def test_a_message_for_a_body_without_a_system_waits_on_its_desk_with_an_owner(
    installation: Installation,
) -> None:
    reference = await installation.send("Во дворе живёт стая бездомных собак", "animals/stray")
    delivery = await installation.delivery(reference)
    assert delivery["state"] == "ON_DESK"
    assert delivery["owner"] == delivery["organisation_code"]
    assert delivery["waits_since"] is not None


@both
async def test_a_character_the_agency_cannot_hold_does_not_stop_a_message(
    installation: Installation, agencies: Agencies, system: str, category: str
) -> None:
    reference = await installation.send("Лужа 🌊 у дома <b>№ 5</b> & гаража \u2028 ]]>", category)
    async with installation.worker():
        await until(lambda: is_delivered(installation, reference))
    case = await the_case(agency(agencies, system), reference)
    assert case["text"].startswith("Лужа ")
    assert "<b>№ 5</b> & гаража" in case["text"]


async def is_delivered(installation: Installation, reference: str) -> bool:
    return str((await installation.delivery(reference))["state"]) == "DELIVERED"


async def has_status(installation: Installation, reference: str, status: str) -> bool:
    return await installation.status(reference) == status


async def polled_again(installation: Installation, bodies: int) -> bool:
    rows = await installation.rows(
        "SELECT count(*) AS bodies FROM inbox WHERE organisation_code = 'city-roads' AND state = 'done'"
    )
    return int(rows[0]["bodies"]) >= bodies


@both
async def test_a_message_taken_back_is_taken_back_at_the_agency_and_whoever_follows_it_is_told(
    installation: Installation, agencies: Agencies, system: str, category: str
) -> None:
    reference = await installation.send(POTHOLE, category)
    async with installation.worker():
        await until(lambda: is_delivered(installation, reference))
        now = datetime.now(UTC)
        async with installation.database.unit() as unit:
            message = await lock_own(unit, installation.citizen, reference)
            assert message is not None
            await record_withdrawal(unit, message, now)
        await until(lambda: is_taken_back(installation, reference))
    case = await the_case(agency(agencies, system), reference)
    assert case["state"] == ("7" if system == "roads" else "withdrawn")
    told = await installation.rows("SELECT kind FROM event WHERE kind = 'DELIVERY' AND applied ORDER BY id")
    assert told == [{"kind": "DELIVERY"}]
    assert await installation.status(reference) == "WITHDRAWN"


async def is_taken_back(installation: Installation, reference: str) -> bool:
    return str((await installation.delivery(reference, "WITHDRAW"))["state"]) == "DELIVERED"
