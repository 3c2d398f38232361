"""Every operation of the portal, run by those it is for: a citizen from the preview to the verdict, and an official of the organisation."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert
from starlette.datastructures import UploadFile
from uuid6 import uuid7

from domain.rights import Role
from domain.viewer import Viewer
from schema.export import OPERATIONS
from schema.plan.global_id import read_uuid_id, write_global_id
from store.tables import AnswerRow
from tests.api.hub import Hub

PLACE = {"point": {"latitude": 54.5138, "longitude": 36.2612}, "address": "ул. Ленина, 5"}


def _text(name: str) -> str:
    return (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")


@dataclass
class Portal:
    """Runs the operations of the portal and remembers which."""

    hub: Hub
    used: set[str] = field(default_factory=set)

    async def ask(self, name: str, viewer: Viewer | None, **variables: Any) -> Any:
        """The only root field of the answer, which must have no errors and be JSON."""
        self.used.add(name)
        result = await self.hub.run(_text(name), variables, viewer=viewer)
        assert result.errors is None, [(error.message, error.path) for error in result.errors]
        data: dict[str, Any] = json.loads(json.dumps(result.data))
        assert data
        return data if len(data) > 1 else next(iter(data.values()))

    async def follow(self, viewer: Viewer, reference: str) -> Any:
        """The first event of the subscription."""
        self.used.add("follow-a-message")
        context = self.hub.context(viewer)
        text = _text("follow-a-message")
        stream = await self.hub.schema.subscribe(text, {"reference": reference}, context_value=context)
        first: Any = await asyncio.wait_for(anext(stream), 10)
        await stream.aclose()
        assert first.errors is None
        return first.data["messageChanged"]


async def _answer(hub: Hub, message: str) -> str:
    answer: UUID = uuid7()
    row = {"message_id": read_uuid_id(message, "Message"), "version": 1, "organisation_code": "city-roads"}
    async with hub.database.unit() as unit:
        await unit.execute(insert(AnswerRow), {"id": answer, "text": "Заделано", **row})
    return write_global_id("Answer", answer)


async def _sends(portal: Portal, anna: Viewer) -> dict[str, Any]:
    preview = await portal.ask("route-preview", anna, category="roads/pothole", place=PLACE)
    assert preview["organisation"]["code"] == "city-roads"
    upload = UploadFile(io.BytesIO(b"12345"), filename="двор.jpg")
    uploaded = await portal.ask("upload-a-file", anna, file=upload)
    form: dict[str, Any] = {
        "idempotencyKey": str(uuid4()),
        "text": "Глубокая яма на дороге",
        "category": "roads/pothole",
    }
    form |= {"place": PLACE, "attachments": [uploaded["attachment"]["id"]]}
    sent = await portal.ask("submit-a-message", anna, input=form)
    assert sent["errors"] == []
    message: dict[str, Any] = sent["message"]
    return message


async def _follows_and_rates(portal: Portal, anna: Viewer, message: dict[str, Any]) -> None:
    reference = message["reference"]
    mine = await portal.ask("my-messages", anna, first=10)
    assert [one["reference"] for one in mine["messages"]["nodes"]] == [reference]
    assert (await portal.follow(anna, reference))["status"] == "ROUTED"
    answer = await _answer(portal.hub, message["id"])
    rated = await portal.ask(
        "rate-an-answer", anna, answer=answer, answerRating=5, solutionRating=4, resolution="SOLVED"
    )
    assert rated["errors"] == []
    whole = await portal.ask("one-message", anna, reference=reference)
    assert whole["answers"][0]["verdict"]["solutionRating"] == 4
    assert [one["fileName"] for one in whole["attachments"]] == ["двор.jpg"]
    assert (await portal.ask("state-of-a-case", anna, reference=reference))["cases"] == []


async def _works(portal: Portal, official: Viewer, reference: str) -> None:
    listed = await portal.ask(
        "messages-of-an-organisation",
        official,
        code="city-roads",
        filter={"hasAnswer": True, "status": ["ROUTED"]},
        orderBy=[{"field": "DEADLINE_ON", "direction": "ASC"}],
    )
    assert [one["reference"] for one in listed["messages"]["nodes"]] == [reference]
    found = await portal.ask("search-messages", official, text="ямы")
    assert (found["totalCount"], found["nodes"][0]["reference"]) == (1, reference)
    page = await portal.ask("organisation-page", official, code="city-roads")
    assert [one["text"] for one in page["answers"]["nodes"]] == ["Заделано"]
    assert page["statistics"]["total"] == 1
    dashboard = await portal.ask("dashboard", official, filter={"organisation": "city-roads"})
    assert {one["status"]: one["count"] for one in dashboard["byStatus"] if one["count"]} == {"ROUTED": 1}
    assert dashboard["ratings"]["solution"]["count"] == 1


async def test_every_operation_of_the_portal_does_what_it_is_for(hub: Hub, anna: Viewer) -> None:
    portal = Portal(hub)
    message = await _sends(portal, anna)
    await _follows_and_rates(portal, anna, message)
    await _works(portal, await hub.official("boris", Role.EXECUTOR, "city-roads"), message["reference"])
    withdrawn = await portal.ask("withdraw-a-message", anna, reference=message["reference"])
    assert withdrawn["message"]["status"] == "WITHDRAWN"
    public = await portal.ask("organisations-and-categories", None)
    assert public["organisations"]["nodes"]
    assert public["categories"]
    assert portal.used == {path.stem for path in OPERATIONS.glob("*.graphql")}


async def test_what_the_portal_shows_of_an_organisation_to_a_stranger_has_no_messages(hub: Hub, anna: Viewer) -> None:
    portal = Portal(hub)
    message = await _sends(portal, anna)
    await _answer(hub, message["id"])
    stranger = await hub.person("stranger")
    assert (await portal.ask("messages-of-an-organisation", stranger, code="city-roads"))["messages"]["nodes"] == []
    assert (await portal.ask("organisation-page", stranger, code="city-roads"))["answers"]["nodes"] == []
    assert (await portal.ask("search-messages", stranger, text="ямы"))["totalCount"] == 0
