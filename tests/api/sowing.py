"""Messages put straight into the tables, for tests of lists: any status, day, place or author, without the way that leads there."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from uuid6 import uuid7

from domain.event import EventKind
from domain.message import Channel, Regime, Resolution
from domain.reference import make_reference
from domain.status import Mover, Status
from domain.viewer import Viewer
from store.tables import AnswerRow, EventRow, MessageRow, VerdictRow
from tests.api.hub import Hub

BEGINNING = datetime(2026, 3, 1, 9, tzinfo=UTC)
_serials = itertools.count(1)


async def sow(hub: Hub, author: Viewer, **given: Any) -> str:
    """One message; `given` are columns of its row, with `answers` (texts) and `rating` (of the last answer's solution). Returns its number."""
    serial = next(_serials)
    answers, rating = given.pop("answers", []), given.pop("rating", None)
    received_at = given.get("received_at", BEGINNING + timedelta(hours=serial))
    message = {
        "id": uuid7(),
        "reference": make_reference(2026, serial),
        "person_id": author.person_id,
        "text": "Яма на дороге",
        "regime": Regime.MESSAGE,
        "channel": Channel.PORTAL,
        "rubricator_version": "1",
        "organisation_code": "city-roads",
        "status": Status.ROUTED,
        "status_since": received_at,
        "received_at": received_at,
        "deadline_on": date(2026, 4, 1),
        "deadline_rule": "test",
        **given,
    }
    event = {"message_id": message["id"], "kind": EventKind.STATUS, "to_status": Status.ROUTED, "actor": Mover.HUB}
    async with hub.database.unit() as unit:
        await unit.execute(insert(MessageRow), message)
        await unit.execute(insert(EventRow), [event, {**event, "to_status": message["status"]}])
        for version, text in enumerate(answers, 1):
            answer_id = await _answer(unit, message, version, text)
        if rating is not None:
            await unit.execute(insert(VerdictRow), _verdict(author, answer_id, rating))
    return str(message["reference"])


async def _answer(unit: Any, message: dict[str, Any], version: int, text: str) -> UUID:
    answer_id = uuid7()
    row = {
        "id": answer_id,
        "message_id": message["id"],
        "version": version,
        "organisation_code": message["organisation_code"],
        "text": text,
        "observed_at": message["received_at"] + timedelta(days=version),
    }
    await unit.execute(insert(AnswerRow), row)
    return answer_id


def _verdict(author: Viewer, answer_id: UUID, rating: int) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "answer_id": answer_id,
        "person_id": author.person_id,
        "answer_rating": 3,
        "solution_rating": rating,
        "resolution": Resolution.PARTLY,
    }


async def listed(hub: Hub, viewer: Viewer | None, **variables: Any) -> list[str]:
    """The numbers that `Query.messages` gives, which must give no error. `filter` and `orderBy` are among the variables."""
    page = await page_of(hub, viewer, **variables)
    return [node["reference"] for node in page["nodes"]]


LIST = """
query($filter: MessageFilter, $orderBy: [MessageOrder!], $first: Int, $last: Int, $after: String, $before: String) {
  messages(filter: $filter, orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before) {
    nodes { reference }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


async def page_of(hub: Hub, viewer: Viewer | None, **variables: Any) -> dict[str, Any]:
    result = await hub.run(LIST, variables, viewer=viewer)
    assert result.errors is None, result.errors
    assert result.data is not None
    page: dict[str, Any] = result.data["messages"]
    return page
