"""setPriority: by those who work at the organisation that has the message, and by nobody else."""

from __future__ import annotations

from typing import Any

from domain.rights import RIGHTS, Right, Role
from domain.status import CLOSED_TO_AGENCIES
from domain.viewer import Viewer
from tests.api.hub import Hub, document, fault_of
from tests.api.wishes import codes, stand, wish

HIGH: dict[str, Any] = {"priority": "URGENT", "reason": "Рядом школа"}


async def _message_at(hub: Hub, viewer: Viewer, organisation: str = "city-roads") -> str:
    sent = await hub.submit(viewer, category="roads/pothole", organisation=organisation)
    return str(sent["reference"])


async def test_an_official_says_how_urgent_a_message_is_and_its_author_reads_it(hub: Hub, anna: Viewer) -> None:
    reference = await _message_at(hub, anna)
    official = await hub.official("head", Role.HEAD, "city-roads")
    payload = await wish(hub, official, "set_priority", reference=reference, **HIGH)
    assert payload["errors"] == []
    assert payload["message"]["priority"] == "URGENT"
    assert payload["message"]["deliveries"][-1] == {"purpose": "SET_PRIORITY", "state": "QUEUED"}
    assert payload["isPassedOn"] is False
    assert "knows no urgency" in payload["notice"]
    text = "query ($r: String!) { message(reference: $r) { priority history { kind note } } }"
    result = await hub.run(text, {"r": reference}, viewer=anna)
    assert result.data is not None
    assert result.data["message"]["priority"] == "URGENT"
    assert result.data["message"]["history"][-1] == {"kind": "PRIORITY", "note": "URGENT: Рядом школа"}


async def test_the_priority_that_stands_already_is_no_change(hub: Hub, anna: Viewer) -> None:
    reference = await _message_at(hub, anna)
    official = await hub.official("head", Role.HEAD, "city-roads")
    first = await wish(hub, official, "set_priority", reference=reference, **HIGH)
    again = await wish(hub, official, "set_priority", reference=reference, priority="URGENT", reason="ещё раз")
    assert again == first


async def test_each_role_sets_priorities_just_when_it_works_on_messages(hub: Hub, anna: Viewer) -> None:
    reference = await _message_at(hub, anna)
    for role in Role:
        somebody = await hub.official(role.value, role, "city-roads")
        result = await hub.run(document("set_priority"), {"input": {"reference": reference, **HIGH}}, viewer=somebody)
        if Right.MESSAGES in RIGHTS[role]:
            assert result.errors is None
        else:
            assert fault_of(result) == {"code": "FORBIDDEN"}


async def test_whoever_works_nowhere_is_forbidden_whatever_they_name(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    reference = await _message_at(hub, anna)
    for viewer in (anna, boris):
        for named in (reference, "26-0001-2345-8", "nonsense"):
            result = await hub.run(document("set_priority"), {"input": {"reference": named, **HIGH}}, viewer=viewer)
            assert fault_of(result) == {"code": "FORBIDDEN"}


async def test_an_official_of_another_organisation_cannot_tell_the_message_from_none(hub: Hub, anna: Viewer) -> None:
    reference = await _message_at(hub, anna)
    neighbour = await hub.official("neighbour", Role.HEAD, "housing-inspection")
    theirs = await wish(hub, neighbour, "set_priority", reference=reference, **HIGH)
    assert await wish(hub, neighbour, "set_priority", reference="26-0001-2345-8", **HIGH) == theirs
    assert codes(theirs) == [("NOT_FOUND", ["reference"])]


async def test_an_official_who_wrote_to_another_organisation_is_a_citizen_there(hub: Hub) -> None:
    official = await hub.official("both", Role.HEAD, "housing-inspection")
    reference = await _message_at(hub, official)
    result = await hub.run(document("set_priority"), {"input": {"reference": reference, **HIGH}}, viewer=official)
    assert fault_of(result) == {"code": "FORBIDDEN"}


async def test_what_is_answered_or_closed_is_no_longer_urgent(hub: Hub, anna: Viewer) -> None:
    reference = await _message_at(hub, anna)
    official = await hub.official("head", Role.HEAD, "city-roads")
    for status in CLOSED_TO_AGENCIES:
        await stand(hub, reference, status)
        payload = await wish(hub, official, "set_priority", reference=reference, **HIGH)
        assert codes(payload) == [("MESSAGE_CLOSED", ["reference"])]


async def test_a_priority_needs_a_reason(hub: Hub, anna: Viewer) -> None:
    reference = await _message_at(hub, anna)
    official = await hub.official("head", Role.HEAD, "city-roads")
    for reason, code in (("", "EMPTY"), ("а" * 501, "TOO_LONG"), ("\x00", "CHARACTERS_NOT_ALLOWED")):
        payload = await wish(hub, official, "set_priority", reference=reference, priority="LOW", reason=reason)
        assert codes(payload) == [(code, ["reason"])]


async def test_a_message_on_a_desk_gets_its_priority_there(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="ecology/land")
    official = await hub.official("head", Role.HEAD, sent["organisation"]["code"])
    payload = await wish(hub, official, "set_priority", reference=sent["reference"], **HIGH)
    assert (payload["isPassedOn"], payload["notice"]) == (True, None)
    assert payload["message"]["deliveries"][-1] == {"purpose": "SET_PRIORITY", "state": "ON_DESK"}
