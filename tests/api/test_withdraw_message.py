"""withdrawMessage: what has not left is cancelled, what may have arrived is taken back, in order."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from domain.delivery import DeliveryState
from domain.status import Status
from domain.viewer import Viewer
from store.tables import DeliveryRow, EventRow, MessageRow
from tests.api.hub import Hub, document, fault_of


async def _withdraw(hub: Hub, viewer: Viewer, reference: str) -> dict[str, Any]:
    payload: dict[str, Any] = (await hub.ask("withdraw_message", {"reference": reference}, viewer=viewer))[
        "withdrawMessage"
    ]
    return payload


async def _set(
    hub: Hub, *, delivery: DeliveryState | None = None, attempts: int = 1, status: Status | None = None
) -> None:
    async with hub.database.unit() as unit:
        if delivery is not None:
            await unit.execute(update(DeliveryRow).values(state=delivery, attempts=attempts))
        if status is not None:
            await unit.execute(update(MessageRow).values(status=status))


async def test_a_message_that_was_not_sent_yet_is_cancelled(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole")
    payload = await _withdraw(hub, anna, sent["reference"])
    assert payload["errors"] == []
    assert payload["message"]["status"] == "WITHDRAWN"
    assert payload["message"]["deliveries"] == [{"purpose": "SUBMIT", "state": "CANCELLED"}]
    assert payload["message"]["history"][-1] == {"kind": "STATUS", "fromStatus": "ROUTED", "toStatus": "WITHDRAWN"}


async def test_a_message_on_a_desk_is_taken_off_it(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="ecology/land")
    payload = await _withdraw(hub, anna, sent["reference"])
    assert payload["message"]["deliveries"] == [{"purpose": "SUBMIT", "state": "CANCELLED"}]


@pytest.mark.parametrize(
    ("state", "expected"),
    [(DeliveryState.DELIVERED, "READY"), (DeliveryState.IN_FLIGHT, "QUEUED"), (DeliveryState.READY, "QUEUED"),
     (DeliveryState.LOOKING_UP, "QUEUED"), (DeliveryState.WAITS_FOR_PERSON, "QUEUED")],
)  # fmt: skip
async def test_what_may_have_arrived_is_taken_back_after_it(
    hub: Hub, anna: Viewer, state: DeliveryState, expected: str
) -> None:
    sent = await hub.submit(anna, category="roads/pothole")
    await _set(hub, delivery=state)
    payload = await _withdraw(hub, anna, sent["reference"])
    assert payload["message"]["deliveries"] == [
        {"purpose": "SUBMIT", "state": state.value},
        {"purpose": "WITHDRAW", "state": expected},
    ]


async def test_what_the_agency_refused_needs_no_taking_back(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole")
    await _set(hub, delivery=DeliveryState.REFUSED)
    payload = await _withdraw(hub, anna, sent["reference"])
    assert payload["message"]["deliveries"] == [{"purpose": "SUBMIT", "state": "REFUSED"}]


async def test_withdrawing_twice_is_the_same_as_once(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole")
    await _set(hub, delivery=DeliveryState.DELIVERED)
    first = await _withdraw(hub, anna, sent["reference"])
    assert await _withdraw(hub, anna, sent["reference"]) == first


async def test_an_answered_message_cannot_be_withdrawn(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole")
    await _set(hub, status=Status.ANSWERED)
    payload = await _withdraw(hub, anna, sent["reference"])
    assert payload["message"] is None
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [("TOO_LATE_TO_WITHDRAW", ["reference"])]
    async with hub.database.reader() as connection:
        events = (await connection.execute(select(EventRow.to_status))).scalars().all()
    assert Status.WITHDRAWN not in events


async def test_a_message_of_somebody_else_cannot_be_told_from_none(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    sent = await hub.submit(anna)
    theirs = await _withdraw(hub, boris, sent["reference"])
    for reference in ("26-0001-2345-8", "nonsense", "\ud800"):
        assert await _withdraw(hub, boris, reference) == theirs
    assert theirs["errors"][0]["__typename"] == "NotFound"
    message = (await hub.ask("message", {"reference": sent["reference"]}, viewer=anna))["message"]
    assert message["status"] == sent["status"]


async def test_nobody_withdraws_without_sign_in(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna)
    result = await hub.run(document("withdraw_message"), {"reference": sent["reference"]})
    assert fault_of(result) == {"code": "UNAUTHENTICATED"}
