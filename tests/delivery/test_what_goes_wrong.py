"""What agencies do to each other's messages in real life: whatever happens, one case, nothing lost, the worker lives on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, update

from store import deliveries, turns
from store.tables import DeliveryRow, MessageRow, TerritoryRow, TurnRow
from store.turns import Claim, LeaseLost
from tests.delivery.conftest import Agencies
from tests.delivery.installation import Installation, until
from tests.delivery.test_way_of_a_message import POTHOLE, ROOF, agency, both, has_status, is_delivered, the_case


async def first_attempt_is_over(installation: Installation, reference: str) -> bool:
    delivery = await installation.delivery(reference)
    return bool(delivery["outcomes"]) and delivery["outcomes"][0] != "-"


async def hurry(installation: Installation) -> None:
    """Make every waiting delivery due now."""
    async with installation.database.unit() as unit:
        waiting = DeliveryRow.state.in_(("READY", "LOOKING_UP"))
        await unit.execute(update(DeliveryRow).where(waiting).values(next_attempt_at=func.now()))
    async with installation.database.unit() as unit:
        await turns.sweep(unit)


@both
@pytest.mark.parametrize("fault", ["lost_reply", "created_with_error", "half"])
async def test_a_case_that_was_made_although_the_answer_was_lost_is_found_and_not_made_again(
    installation: Installation, agencies: Agencies, system: str, category: str, fault: str
) -> None:
    operation = "CreateCase" if system == "roads" else "createRequest"
    await agency(agencies, system).operator.faults(fault, operation=operation)
    reference = await installation.send(POTHOLE, category)
    async with installation.worker():
        await until(lambda: is_delivered(installation, reference))
    await the_case(agency(agencies, system), reference)
    delivery = await installation.delivery(reference)
    assert delivery["outcomes"] == ["unknown", "accepted"]
    assert delivery["steps"][0] == "submit"


@both
@pytest.mark.parametrize("fault", ["garbage", "html", "error_500", "ok_with_error", "silence", "huge", "gzip_bomb"])
async def test_an_answer_that_is_none_is_unknown_and_the_message_arrives_once(
    installation: Installation, agencies: Agencies, system: str, category: str, fault: str
) -> None:
    operation = "CreateCase" if system == "roads" else "createRequest"
    await agency(agencies, system).operator.faults(fault, operation=operation)
    reference = await installation.send(ROOF, category)
    async with installation.worker():
        await until(lambda: first_attempt_is_over(installation, reference))
        assert (await installation.delivery(reference))["outcomes"][0] in ("unknown", "refused")
        if (await installation.delivery(reference))["state"] != "REFUSED":
            await until(lambda: is_delivered(installation, reference))
            await the_case(agency(agencies, system), reference)


@both
async def test_an_agency_that_is_busy_is_asked_again_later(
    installation: Installation, agencies: Agencies, system: str, category: str
) -> None:
    operation = "CreateCase" if system == "roads" else "createRequest"
    await agency(agencies, system).operator.faults("busy", operation=operation)
    reference = await installation.send(POTHOLE, category)
    async with installation.worker():
        await until(lambda: first_attempt_is_over(installation, reference))
        delivery = await installation.delivery(reference)
        assert delivery["outcomes"] == ["try_later"]
        assert delivery["state"] == "READY"
        assert delivery["next_attempt_at"] > delivery["first_attempt_at"]
        await hurry(installation)
        await until(lambda: is_delivered(installation, reference))
    await the_case(agency(agencies, system), reference)


async def test_a_photo_whose_answer_was_lost_is_not_added_twice(installation: Installation, agencies: Agencies) -> None:
    await agencies.roads.operator.faults("lost_reply", operation="AddPhoto")
    files = [await installation.attach(b"\xff\xd8\xff one"), await installation.attach(b"\xff\xd8\xff two")]
    reference = await installation.send(POTHOLE, "roads/pothole", attachments=files)
    async with installation.worker():
        await until(lambda: first_attempt_is_over(installation, reference))
        await asyncio.sleep(1)
        await hurry(installation)
        await until(lambda: is_delivered(installation, reference))
    case = await the_case(agencies.roads, reference)
    assert len(case["files"]) == 2
    delivery = await installation.delivery(reference)
    assert delivery["steps"].count("submit") == 1


async def test_a_sick_agency_does_not_delay_the_other(installation: Installation, agencies: Agencies) -> None:
    # Sixty silent calls of 3 s, four at a time, take 45 s; the other agency must not wait for them.
    await agencies.roads.operator.faults("silence", times=60, operation="CreateCase")
    for _ in range(60):
        await installation.send(POTHOLE, "roads/pothole")
    reference = await installation.send(ROOF, "housing/roof")
    async with installation.worker():
        await until(lambda: is_delivered(installation, reference), within_s=20)


async def test_two_workers_make_no_second_case(installation: Installation, agencies: Agencies) -> None:
    references = [await installation.send(POTHOLE, "roads/pothole") for _ in range(20)]
    async with installation.worker(), installation.worker():
        for reference in references:
            await until(lambda one=reference: is_delivered(installation, one))  # type: ignore[misc]  # bound at once
    for reference in references:
        await the_case(agencies.roads, reference)
        assert (await installation.delivery(reference))["outcomes"] == ["accepted"]


async def claim_of_roads(installation: Installation) -> Claim:
    """The turn of the roads. A wake-up may be touching its row, and a claim passes by what somebody holds."""
    claims: list[Claim] = []

    async def claimed() -> bool:
        async with installation.database.unit() as unit:
            claims.extend(one for one in await turns.claim_due(unit, 10) if one.organisation_code == "city-roads")
        return bool(claims)

    await until(claimed)
    return claims[0]


async def test_a_call_whose_worker_died_is_looked_up_by_the_next_holder(
    installation: Installation, agencies: Agencies
) -> None:
    reference = await installation.send(POTHOLE, "roads/pothole")
    dead = await claim_of_roads(installation)
    async with installation.database.unit() as unit:
        due = await deliveries.pick_due(unit, dead, 1)
        await deliveries.begin(unit, dead, [(due[0], "submit")], datetime.now(UTC))
    async with installation.database.unit() as unit:
        await unit.execute(update(TurnRow).values(lease_until=func.now() - timedelta(seconds=1)))
    async with installation.worker():
        await until(lambda: is_delivered(installation, reference))
    delivery = await installation.delivery(reference)
    assert delivery["outcomes"] == ["unknown", "accepted", "accepted"]
    assert delivery["steps"] == ["submit", "look_up", "submit"]
    await the_case(agencies.roads, reference)


async def test_a_holder_whose_lease_ran_out_cannot_write(installation: Installation) -> None:
    async with installation.database.unit() as unit:
        old = next(claim for claim in await turns.claim_due(unit, 10) if claim.organisation_code == "city-roads")
    async with installation.database.unit() as unit:
        await unit.execute(update(TurnRow).values(lease_until=func.now() - timedelta(seconds=1)))
    async with installation.database.unit() as unit:
        new = next(claim for claim in await turns.claim_due(unit, 10) if claim.organisation_code == "city-roads")
    assert new.epoch == old.epoch + 1
    for write in (turns.hold, turns.renew):
        with pytest.raises(LeaseLost):
            async with installation.database.unit() as unit:
                await write(unit, old)
    async with installation.database.unit() as unit:
        await turns.hold(unit, new)


async def test_a_turn_is_claimed_by_one_of_many_claimants(installation: Installation) -> None:
    async def claim() -> list[Claim]:
        async with installation.database.unit() as unit:
            return list(await turns.claim_due(unit, 10))

    claims = [one for claimed in await asyncio.gather(*(claim() for _ in range(8))) for one in claimed]
    assert sorted(one.organisation_code for one in claims) == ["city-roads", "housing-inspection"]


async def test_an_agency_that_refuses_gives_the_message_back_to_a_person(
    installation: Installation, agencies: Agencies
) -> None:
    reference = await installation.send("Не убирают снег у школы", "roads/snow")
    async with installation.database.unit() as unit:
        # A place outside the agency's own service area, which its system refuses with code 11.
        moscow = {"code": "45000000", "name_ru": "Москва", "name_en": "Moscow", "kind": "region"}
        await unit.execute(insert(TerritoryRow).values(moscow))
        await unit.execute(update(MessageRow).values(territory_code="45000000"))
    async with installation.worker():
        await until(lambda: first_attempt_is_over(installation, reference))
    delivery = await installation.delivery(reference)
    assert delivery["state"] == "REFUSED"
    assert "11" in delivery["reason"]
    assert await has_status(installation, reference, "ON_MODERATION")
    assert await agencies.roads.operator.cases(external_id=reference) == []


async def test_nothing_a_citizen_wrote_is_in_the_journal_or_the_log(
    installation: Installation, agencies: Agencies, caplog: pytest.LogCaptureFixture
) -> None:
    secret_words = "Тайный адрес: улица Совсекретная, квартира 17"
    await agencies.roads.operator.faults("ok_with_error", operation="CreateCase")
    reference = await installation.send(secret_words, "roads/pothole")
    async with installation.worker():
        await until(lambda: is_delivered(installation, reference))
    rows = await installation.rows("SELECT text, request_extract, reply_extract FROM attempt")
    assert rows
    assert any(row["request_extract"] for row in rows)
    for row in rows:
        assert "Совсекретная" not in str(row)
        assert "roads-secret" not in str(row)
    assert "Совсекретная" not in caplog.text


async def test_a_call_that_hangs_does_not_keep_a_free_place_from_the_next_message(
    installation: Installation, agencies: Agencies
) -> None:
    await agencies.roads.operator.faults("silence", operation="CreateCase", seconds=3)
    hanging = await installation.send(POTHOLE, "roads/pothole")
    async with installation.worker():
        await until(lambda: is_in_flight(installation, hanging))
        reference = await installation.send(POTHOLE, "roads/pothole")
        await until(lambda: is_delivered(installation, reference))
        assert await is_in_flight(installation, hanging), "the second message waited for the first"


async def is_in_flight(installation: Installation, reference: str) -> bool:
    return str((await installation.delivery(reference))["state"]) == "IN_FLIGHT"
