"""rateAnswer: one verdict for each answer, by its addressee only, and never a status (P10)."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select
from uuid6 import uuid7

from domain.event import EventKind
from domain.viewer import Viewer
from schema.plan.global_id import read_uuid_id, write_global_id
from store.tables import AnswerRow, EventRow, VerdictRow
from tests.api.hub import Hub, document, fault_of

GOOD = {"answerRating": 4, "solutionRating": 2, "resolution": "PARTLY", "comment": "Не всё"}


async def _answered(hub: Hub, viewer: Viewer) -> tuple[str, str]:
    """The reference of an answered message and the id of its answer."""
    sent = await hub.submit(viewer, category="roads/pothole")
    answer_id: UUID = uuid7()
    row = {
        "message_id": read_uuid_id(sent["id"], "Message"),
        "version": 1,
        "organisation_code": "city-roads",
        "text": "Готово",
    }
    async with hub.database.unit() as unit:
        await unit.execute(insert(AnswerRow), {"id": answer_id, **row})
    return sent["reference"], write_global_id("Answer", answer_id)


async def _rate(hub: Hub, viewer: Viewer, answer: str, **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await hub.ask("rate_answer", {"answer": answer, **GOOD, **given}, viewer=viewer))[
        "rateAnswer"
    ]
    return payload


async def _verdicts(hub: Hub) -> tuple[int, int]:
    async with hub.database.reader() as connection:
        rows = await connection.scalar(select(func.count()).select_from(VerdictRow))
        events = await connection.scalar(select(func.count()).where(EventRow.kind == EventKind.VERDICT))
    return rows or 0, events or 0


async def test_a_verdict_is_stored_and_moves_nothing(hub: Hub, anna: Viewer) -> None:
    reference, answer = await _answered(hub, anna)
    before = (await hub.ask("message", {"reference": reference}, viewer=anna))["message"]
    payload = await _rate(hub, anna, answer)
    assert payload["errors"] == []
    assert payload["answer"]["verdict"] == GOOD
    after = (await hub.ask("message", {"reference": reference}, viewer=anna))["message"]
    assert (after["status"], after["statusSince"]) == (before["status"], before["statusSince"])
    assert after["history"][-1]["kind"] == "VERDICT"
    assert after["answers"][0]["verdict"]["comment"] == "Не всё"


async def test_the_same_verdict_again_changes_nothing_also_at_once(hub: Hub, anna: Viewer) -> None:
    _, answer = await _answered(hub, anna)
    payloads = await asyncio.gather(*(_rate(hub, anna, answer) for _ in range(8)))
    assert all(payload["errors"] == [] for payload in payloads)
    assert await _verdicts(hub) == (1, 1)


async def test_another_verdict_on_the_same_answer_is_refused(hub: Hub, anna: Viewer) -> None:
    _, answer = await _answered(hub, anna)
    await _rate(hub, anna, answer)
    payload = await _rate(hub, anna, answer, answerRating=1)
    assert payload["answer"] is None
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [("ALREADY_RATED", ["answer"])]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"answerRating": 0}, "RATING_NOT_POSSIBLE", "answerRating"),
        ({"solutionRating": 6}, "RATING_NOT_POSSIBLE", "solutionRating"),
        ({"solutionRating": -(2**31)}, "RATING_NOT_POSSIBLE", "solutionRating"),
        ({"comment": "х" * 2001}, "TOO_LONG", "comment"),
        ({"comment": "\ud800"}, "CHARACTERS_NOT_ALLOWED", "comment"),
    ],
)
async def test_an_impossible_verdict_names_its_field(
    hub: Hub, anna: Viewer, given: dict[str, Any], code: str, field: str
) -> None:
    _, answer = await _answered(hub, anna)
    payload = await _rate(hub, anna, answer, **given)
    assert [(one["code"], one["path"]) for one in payload["errors"]] == [(code, [field])]
    assert await _verdicts(hub) == (0, 0)


async def test_an_answer_of_somebody_else_cannot_be_told_from_none(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    _, answer = await _answered(hub, anna)
    theirs = await _rate(hub, boris, answer)
    for other in (write_global_id("Answer", uuid4()), write_global_id("Message", uuid4()), "x", "\ud800"):
        assert await _rate(hub, boris, other) == theirs
    # Not even by a verdict that nobody could give.
    assert await _rate(hub, boris, answer, answerRating=9) == await _rate(hub, boris, "x", answerRating=9)
    assert theirs["errors"][0]["__typename"] == "NotFound"
    assert await _verdicts(hub) == (0, 0)


async def test_a_number_too_large_for_graphql_is_a_bad_request(hub: Hub, anna: Viewer) -> None:
    result = await hub.run(document("rate_answer"), {"answer": "x", **GOOD, "answerRating": 2**31}, viewer=anna)
    assert fault_of(result) == {"code": "BAD_REQUEST"}


async def test_nobody_rates_without_sign_in(hub: Hub, anna: Viewer) -> None:
    _, answer = await _answered(hub, anna)
    result = await hub.run(document("rate_answer"), {"answer": answer, **GOOD})
    assert fault_of(result) == {"code": "UNAUTHENTICATED"}
