"""The last state an organisation told of a case: of this case and no other, and for nobody who may not see the message."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import insert, select

from domain.event import EventKind
from domain.status import Mover, Status
from domain.viewer import Viewer
from store.known_states import KnownState, last_known
from store.tables import CaseRow, EventRow, MessageRow
from tests.api.hub import Hub

ROADS, HOUSING = "city-roads", "housing-inspection"


def at(hour: int) -> datetime:
    return datetime(2026, 3, 5, hour, tzinfo=UTC)


async def _message(hub: Hub, viewer: Viewer) -> UUID:
    reference = (await hub.submit(viewer))["reference"]
    async with hub.database.reader() as connection:
        return (await connection.execute(select(MessageRow.id).where(MessageRow.reference == reference))).scalar_one()


async def _case(hub: Hub, message: UUID, organisation: str, number: int, made: datetime) -> UUID:
    key = uuid4()
    row = {"id": key, "message_id": message, "organisation_code": organisation, "round": number, "created_at": made}
    async with hub.database.unit() as unit:
        await unit.execute(insert(CaseRow).values(**row, case_id=f"C-{key}", ids={}))
    return key


async def _told(hub: Hub, message: UUID, organisation: str, code: str | None, seen: datetime, **more: object) -> None:
    row = {"message_id": message, "organisation_code": organisation, "foreign_code": code, "observed_at": seen}
    said = {"kind": EventKind.STATUS, "actor": Mover.AGENCY, "to_status": Status.IN_PROGRESS, **more}
    async with hub.database.unit() as unit:
        await unit.execute(insert(EventRow).values(**row, **said))


async def test_the_last_word_of_the_organisation_counts_and_a_private_remark_stays_private(
    hub: Hub, anna: Viewer
) -> None:
    message = await _message(hub, anna)
    case = await _case(hub, message, ROADS, 1, at(9))
    await _told(hub, message, ROADS, "1", at(10), to_status=Status.REGISTERED, note="видно всем", note_is_public=True)
    first = await last_known(hub.database, anna, [case])
    await _told(hub, message, ROADS, "2", at(11), note="для своих", occurred_at=at(8))
    # Words of another organisation, of the hub, and without a state are not it.
    await _told(hub, message, HOUSING, "new", at(12))
    await _told(hub, message, ROADS, "timeout", at(12), actor=Mover.HUB)
    await _told(hub, message, ROADS, None, at(12), kind=EventKind.ANSWER, to_status=None)
    assert first == {case: KnownState("1", Status.REGISTERED, None, "видно всем", at(10))}
    assert await last_known(hub.database, anna, [case]) == {
        case: KnownState("2", Status.IN_PROGRESS, at(8), None, at(11))
    }


async def test_an_organisation_that_told_nothing_has_the_case_since_it_took_it(hub: Hub, anna: Viewer) -> None:
    case = await _case(hub, await _message(hub, anna), ROADS, 1, at(9))
    assert await last_known(hub.database, anna, [case]) == {case: KnownState(None, Status.DELIVERED, None, None, at(9))}


async def test_what_was_told_in_one_round_is_not_said_of_another(hub: Hub, anna: Viewer) -> None:
    message = await _message(hub, anna)
    first = await _case(hub, message, ROADS, 1, at(9))
    second = await _case(hub, message, ROADS, 2, at(12))
    # A report may be written down in the very moment in which its case is.
    await _told(hub, message, ROADS, "4", at(8), to_status=Status.ANSWERED)
    known = await last_known(hub.database, anna, [first, second])
    assert (known[first].code, known[second].code) == ("4", None)
    await _told(hub, message, ROADS, "1", at(13), to_status=Status.REGISTERED)
    known = await last_known(hub.database, anna, [first, second])
    assert (known[first].code, known[second].code) == ("4", "1")


async def test_nobody_is_told_of_a_message_they_may_not_see(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    message = await _message(hub, anna)
    case = await _case(hub, message, ROADS, 1, at(9))
    assert await last_known(hub.database, boris, [case]) == {}
    assert await last_known(hub.database, None, [case]) == {}


async def test_a_hub_without_connected_systems_shows_what_is_stored(hub: Hub, anna: Viewer) -> None:
    message = await _message(hub, anna)
    await _case(hub, message, ROADS, 1, at(9))
    await _told(hub, message, ROADS, "2", at(10))
    query = "{ viewer { messages { nodes { cases { id live { state status isStale askedAt asOf } live2: live { why } } } } } }"
    with hub.statements() as statements:
        result = await hub.run(query, viewer=anna)
    assert result.errors is None
    assert result.data is not None
    (node,) = result.data["viewer"]["messages"]["nodes"]
    (case,) = node["cases"]
    assert case["live"] == {
        "state": "2",
        "status": "IN_PROGRESS",
        "isStale": True,
        "askedAt": None,
        "asOf": "2026-03-05T10:00:00+00:00",
    }
    assert case["live2"]["why"].startswith("Систему этой организации нельзя спросить")
    # However many are silent, the event log is read once.
    assert len([one for one in statements if "LATERAL" in one and "infinity" in one]) == 1
