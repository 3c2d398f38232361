"""addComment: a citizen's words are in the history and queued for the organisation, once for each key."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select, update

from domain.actions.add_comment import MAX_COMMENT_CHARS, MAX_COMMENTS
from domain.delivery import DeliveryState, Purpose
from domain.event import EventKind
from domain.rights import Role
from domain.status import FINAL, Mover, Status
from domain.viewer import Viewer
from store.messages import NewEvent, record_events
from store.tables import DeliveryRow, EventRow, MessageRow
from tests.api.hub import Hub, document, fault_of
from tests.api.wishes import codes, stand, wish

HISTORY = "query ($reference: String!) { message(reference: $reference) { history { kind note } } }"


async def _comments(hub: Hub) -> int:
    async with hub.database.reader() as connection:
        counted = select(func.count()).where(EventRow.kind == EventKind.COMMENT)
        return int((await connection.execute(counted)).scalar_one())


async def test_a_comment_is_read_by_its_author_and_by_those_who_work_on_the_message(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole", organisation="city-roads")
    words = "Стало глубже.\n<b>Осторожно</b> 🕳 '; DROP TABLE message;--"
    payload = await wish(hub, anna, "add_comment", reference=sent["reference"], text=words)
    assert payload["errors"] == []
    assert payload["message"]["history"][-1] == {
        "kind": "COMMENT",
        "fromStatus": None,
        "toStatus": None,
        "note": words,
    }
    assert payload["message"]["status"] == sent["status"]
    official = await hub.official("executor", Role.EXECUTOR, "city-roads")
    result = await hub.run(HISTORY, {"reference": sent["reference"]}, viewer=official)
    assert result.data is not None
    assert result.data["message"]["history"][-1] == {"kind": "COMMENT", "note": words}
    stranger = await hub.run(HISTORY, {"reference": sent["reference"]}, viewer=await hub.person("vera"))
    assert stranger.data == {"message": None}


@pytest.mark.parametrize(("language", "said"), [("ru", "не принимает дополнений"), ("en", "takes no additions")])
async def test_a_system_that_takes_no_comments_is_said_so_at_once(
    hub: Hub, anna: Viewer, language: str, said: str
) -> None:
    sent = await hub.submit(anna, category="roads/pothole", organisation="city-roads")
    payload = await wish(hub, anna, "add_comment", language, reference=sent["reference"], text="ещё")  # type: ignore[arg-type]  # both are languages
    assert payload["isPassedOn"] is False
    assert said in payload["notice"]
    # Queued all the same: the file may be mended meanwhile, and otherwise the history says it.
    assert payload["message"]["deliveries"][-1] == {"purpose": "ADD_COMMENT", "state": "QUEUED"}


async def test_a_body_without_a_system_finds_the_comment_on_its_desk(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="ecology/land")
    payload = await wish(hub, anna, "add_comment", reference=sent["reference"], text="ещё")
    assert (payload["isPassedOn"], payload["notice"]) == (True, None)
    assert payload["message"]["deliveries"][-1] == {"purpose": "ADD_COMMENT", "state": "ON_DESK"}
    async with hub.database.reader() as connection:
        row = (
            await connection.execute(
                select(DeliveryRow.owner, DeliveryRow.waits_since).where(DeliveryRow.purpose == Purpose.ADD_COMMENT)
            )
        ).one()
    assert None not in row


@pytest.mark.parametrize("submission", [DeliveryState.REFUSED, DeliveryState.CANCELLED])
async def test_where_nobody_has_the_message_the_words_are_kept_and_the_citizen_is_told(
    hub: Hub, anna: Viewer, submission: DeliveryState
) -> None:
    sent = await hub.submit(anna, category="roads/pothole", organisation="city-roads")
    await stand(hub, sent["reference"], Status.ON_MODERATION, submission)
    payload = await wish(hub, anna, "add_comment", reference=sent["reference"], text="ещё")
    assert payload["isPassedOn"] is False
    assert "No organisation has the message yet" in payload["notice"]
    assert [one["purpose"] for one in payload["message"]["deliveries"]] == ["SUBMIT"]
    assert payload["message"]["history"][-1]["note"] == "ещё"


async def test_the_same_comment_sent_twice_is_kept_once_and_answered_alike(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole", organisation="city-roads")
    form = {"reference": sent["reference"], "text": "ещё", "idempotencyKey": "k1"}
    first = await wish(hub, anna, "add_comment", **form)
    assert await wish(hub, anna, "add_comment", **form) == first
    assert await _comments(hub) == 1


async def test_eight_at_once_with_one_key_add_one_comment(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole", organisation="city-roads")
    form = {"reference": sent["reference"], "text": "ещё", "idempotencyKey": "k1"}
    payloads = await asyncio.gather(*(wish(hub, anna, "add_comment", **form) for _ in range(8)))
    assert all(one["errors"] == [] for one in payloads)
    assert await _comments(hub) == 1


async def test_a_key_with_other_words_or_another_message_is_a_conflict(hub: Hub, anna: Viewer) -> None:
    sent, other = await hub.submit(anna, idempotencyKey="submit"), await hub.submit(anna)
    await wish(hub, anna, "add_comment", reference=sent["reference"], text="ещё", idempotencyKey="k1")
    for reference, text, key in (
        (sent["reference"], "другое", "k1"),
        (other["reference"], "ещё", "k1"),
        (sent["reference"], "ещё", "submit"),
    ):
        payload = await wish(hub, anna, "add_comment", reference=reference, text=text, idempotencyKey=key)
        assert payload["errors"][0]["__typename"] == "IdempotencyKeyReused"
        assert codes(payload) == [("IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])]
    assert await _comments(hub) == 1


async def test_a_refused_comment_does_not_use_the_key_up(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna)
    refused = await wish(hub, anna, "add_comment", reference=sent["reference"], text=" ", idempotencyKey="k1")
    assert codes(refused) == [("EMPTY", ["text"])]
    taken = await wish(hub, anna, "add_comment", reference=sent["reference"], text="ещё", idempotencyKey="k1")
    assert taken["errors"] == []


async def test_a_bad_comment_names_field_and_remedy_and_stores_nothing(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna)
    bad: list[tuple[dict[str, str], str, str]] = [
        ({"text": ""}, "EMPTY", "text"),
        ({"text": "а\x00б"}, "CHARACTERS_NOT_ALLOWED", "text"),
        ({"text": "\ud83d"}, "CHARACTERS_NOT_ALLOWED", "text"),
        ({"text": "а" * (MAX_COMMENT_CHARS + 1)}, "TOO_LONG", "text"),
        ({"idempotencyKey": ""}, "KEY_NOT_USABLE", "idempotencyKey"),
        ({"idempotencyKey": "ключ"}, "KEY_NOT_USABLE", "idempotencyKey"),
        ({"idempotencyKey": "k" * 201}, "KEY_NOT_USABLE", "idempotencyKey"),
    ]
    for given, code, path in bad:
        payload = await wish(hub, anna, "add_comment", **{"reference": sent["reference"], "text": "ещё", **given})
        assert codes(payload) == [(code, [path])]
    assert await _comments(hub) == 0


async def test_nothing_is_added_to_a_message_that_is_over(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna)
    for status in FINAL:
        await stand(hub, sent["reference"], status)
        payload = await wish(hub, anna, "add_comment", reference=sent["reference"], text="ещё")
        assert codes(payload) == [("MESSAGE_CLOSED", ["reference"])]


async def test_a_message_takes_so_many_comments_and_repeats_of_them_still_count_as_said(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna)
    form = {"reference": sent["reference"], "text": "первое", "idempotencyKey": "k1"}
    await wish(hub, anna, "add_comment", **form)
    async with hub.database.unit() as unit:
        message_id = (await unit.execute(select(MessageRow.id))).scalar_one()
        more = [NewEvent(message_id, EventKind.COMMENT, Mover.CITIZEN, note="и") for _ in range(MAX_COMMENTS - 1)]
        await record_events(unit, more)
    assert codes(await wish(hub, anna, "add_comment", reference=sent["reference"], text="последнее")) == [
        ("TOO_MANY_COMMENTS", ["reference"])
    ]
    assert (await wish(hub, anna, "add_comment", **form))["errors"] == []


async def test_a_message_of_somebody_else_cannot_be_told_from_none(hub: Hub, anna: Viewer, boris: Viewer) -> None:
    sent = await hub.submit(anna)
    theirs = await wish(hub, boris, "add_comment", reference=sent["reference"], text="ещё", idempotencyKey="")
    for reference in ("26-0001-2345-8", "nonsense", "\ud800"):
        assert await wish(hub, boris, "add_comment", reference=reference, text="\x00", idempotencyKey="k") == theirs
    assert codes(theirs) == [("NOT_FOUND", ["reference"])]
    assert await _comments(hub) == 0


async def test_an_official_who_is_not_the_author_adds_no_words_in_their_name(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole", organisation="city-roads")
    official = await hub.official("executor", Role.EXECUTOR, "city-roads")
    payload = await wish(hub, official, "add_comment", reference=sent["reference"], text="ещё")
    assert codes(payload) == [("NOT_FOUND", ["reference"])]


async def test_nobody_adds_words_without_sign_in(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna)
    form = {"reference": sent["reference"], "text": "ещё", "idempotencyKey": "k"}
    assert fault_of(await hub.run(document("add_comment"), {"input": form})) == {"code": "UNAUTHENTICATED"}


async def test_what_waits_behind_a_message_goes_with_it_when_it_is_withdrawn(hub: Hub, anna: Viewer) -> None:
    """P3: nothing rests for ever behind a submission that will never be made."""
    sent = await hub.submit(anna, category="roads/pothole", organisation="city-roads")
    await wish(hub, anna, "add_comment", reference=sent["reference"], text="ещё")
    await hub.ask("withdraw_message", {"reference": sent["reference"]}, viewer=anna)
    async with hub.database.reader() as connection:
        rows = (await connection.execute(select(DeliveryRow.state, DeliveryRow.finished_at))).all()
    assert [row.state for row in rows] == [DeliveryState.CANCELLED] * 2
    assert all(row.finished_at is not None for row in rows)


async def test_a_comment_follows_a_delivered_case_at_once(hub: Hub, anna: Viewer) -> None:
    sent = await hub.submit(anna, category="roads/pothole", organisation="city-roads")
    await stand(hub, sent["reference"], Status.DELIVERED, DeliveryState.DELIVERED)
    async with hub.database.unit() as unit:
        await unit.execute(update(DeliveryRow).values(finished_at=func.now()))
    payload = await wish(hub, anna, "add_comment", reference=sent["reference"], text="ещё")
    assert payload["message"]["deliveries"][-1] == {"purpose": "ADD_COMMENT", "state": "READY"}
