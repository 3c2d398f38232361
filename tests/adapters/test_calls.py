"""What is sent: the agency's shapes, in their order, with what is missing left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.adapter import Adapter, AttachmentContext, CannotBuild, MessageContext, NotSupported, Step
from adapters.building import build_call
from adapters.expressions import parse
from adapters.plan import AgencyPlan, Field, FileFields, Sending
from domain.delivery import Purpose
from domain.outcome import WhenAnswerIsLost
from tests.adapters.words import MESSAGE, MOSCOW, NOW

PHOTO = AttachmentContext("a1", "Фото двора.JPG", "image/jpeg", 3, "ab" * 32, b"abc")


def sending(**rows: str) -> Sending:
    return Sending("Do", tuple(Field(tuple(name.split("__")), parse(text)) for name, text in rows.items()))


def test_a_soap_submit_keeps_the_order_of_the_file(roads: Adapter) -> None:
    call = roads.submit_call(MESSAGE)
    assert call.operation == "CreateCase"
    assert not call.safe
    assert isinstance(call.body, dict)
    case = call.body["case"]
    assert isinstance(case, dict)
    assert list(case.items()) == [
        ("ExternalId", "24-000017-K"),
        ("Subject", "Яма у остановки"),
        ("Text", "Глубокая яма."),
        ("Kind", "0412"),
        ("CreatedAt", "2026-03-02T09:15:07"),
        ("Latitude", "54.507041"),
        ("Longitude", "36.252277"),
        ("Address", "Калуга, улица Суворова, 121"),
        ("District", "29701000"),
        ("PhotoCount", 2),
    ]


def test_a_rest_submit_leaves_out_a_missing_place_and_its_empty_structure(housing: Adapter) -> None:
    homeless = replace(MESSAGE, latitude=None, longitude=None, address="", territory=None, category="housing/roof")
    body = housing.submit_call(homeless).body
    assert isinstance(body, dict)
    assert set(body) == {"external_id", "kind", "title", "description", "received_at"}
    assert body["received_at"] == "2026-03-02T06:15:07.250Z"


def test_zero_is_a_value(housing: Adapter) -> None:
    body = housing.submit_call(replace(MESSAGE, latitude=0.0, longitude=0.0)).body
    assert isinstance(body, dict)
    assert body["location"] == {"lat": 0.0, "lon": 0.0}


def test_an_attachment_is_one_call_with_its_case(roads: Adapter, housing: Adapter) -> None:
    soap = roads.attachment_call(MESSAGE, {"case_id": "CR-000001"}, PHOTO)
    assert soap.body == {"CaseNumber": "CR-000001", "FileName": "abababababab-Foto_dvora.jpg", "Content": b"abc"}
    rest = housing.attachment_call(MESSAGE, {"case_id": "HI-1"}, PHOTO)
    assert (rest.operation, list(rest.path.values())) == ("POST /requests/{v0}/files", ["HI-1"])
    assert rest.form == {"sha256": "ab" * 32}
    assert (rest.files[0].file_name, rest.files[0].media_type, rest.files[0].content) == (
        "Фото двора.JPG",
        "image/jpeg",
        b"abc",
    )


def test_a_withdrawal_and_a_look_up_name_the_case_and_the_message(roads: Adapter, housing: Adapter) -> None:
    withdrawal = roads.withdraw_call(MESSAGE, {"case_id": "CR-000001"})
    assert withdrawal is not None
    assert withdrawal.body == {"CaseNumber": "CR-000001", "Reason": "Отозвано заявителем"}
    look_up = housing.look_up_call(MESSAGE)
    assert look_up is not None
    assert look_up.safe
    assert look_up.query == {"external_id": "24-000017-K"}


def test_a_step_the_file_lacks_is_said_to_be_lacking(roads: Adapter) -> None:
    bare = Adapter(AgencyPlan("bare", MOSCOW, roads.plan.submit, {}))
    assert bare.withdraw_call(MESSAGE, {"case_id": "1"}) is None
    assert bare.look_up_call(MESSAGE) is None
    assert bare.supports(Step.SUBMIT)
    assert not bare.supports(Purpose.WITHDRAW)
    assert (bare.poll_interval_s, bare.settles_within_s) == (None, 0.0)
    assert bare.why_not_attach("image/jpeg", 1, 0) == "the agency takes no attachments"
    with pytest.raises(NotSupported, match="no `poll`"):
        bare.poll_call(None, NOW)
    with pytest.raises(NotSupported, match="no `attachment`"):
        bare.attachment_call(MESSAGE, {}, PHOTO)


def test_what_the_file_promises_is_there_to_be_asked(roads: Adapter, housing: Adapter) -> None:
    assert roads.when_answer_is_lost is WhenAnswerIsLost.LOOK_UP
    assert roads.when_lost(Step.ATTACHMENT) is WhenAnswerIsLost.RESEND
    assert housing.when_answer_is_lost is WhenAnswerIsLost.RESEND
    assert (roads.poll_interval_s, roads.settles_within_s) == (5.0, 10.0)
    assert roads.supports(Purpose.SUBMIT)
    assert not roads.supports(Step.WEBHOOK)
    assert {"Code", "CaseNumber", "State", "ExternalId"} <= roads.safe_names
    assert not {"Text", "Subject", "Address", "Remark", "Answer"} & roads.safe_names


@pytest.mark.parametrize(
    ("media_type", "size_bytes", "position", "reason"),
    [
        ("image/jpeg", 8 * 1024 * 1024, 0, None),
        ("image/jpeg", 8 * 1024 * 1024 + 1, 0, "at most 8388608 bytes"),
        ("video/mp4", 1, 0, "this type"),
    ],
)
def test_an_attachment_beyond_the_limits_is_named(
    roads: Adapter, media_type: str, size_bytes: int, position: int, reason: str | None
) -> None:
    said = roads.why_not_attach(media_type, size_bytes, position)
    assert said is None if reason is None else said is not None and reason in said


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"Kind": "message.category | translate('kinds')"}, "`Kind`: `translate`: the table `kinds` has no row"),
        ({"At": "message.received_at"}, "`At` cannot be sent; a time needs a form"),
        ({"A": "message.id", "A__B": "message.id"}, "`A` is a value and a structure at once"),
    ],
)
def test_what_cannot_be_said_names_the_row_and_never_the_value(rows: dict[str, str], words: str) -> None:
    private = replace(MESSAGE, category="roads/secret-category")
    scope = {"message": {"category": private.category, "received_at": private.received_at, "id": "private-id"}}
    with pytest.raises(CannotBuild) as caught:
        build_call(sending(**rows), scope, MOSCOW)
    assert words in caught.value.text
    assert "secret-category" not in caught.value.text
    assert "private-id" not in caught.value.text


def test_a_file_must_be_bytes_and_a_query_plain() -> None:
    row = FileFields("file", parse("'x'"), parse("'y'"), parse("7"))
    with pytest.raises(CannotBuild, match="must be bytes"):
        build_call(Sending("POST /x", files=(row,)), {}, MOSCOW)
    query = Sending("GET /x", query=(Field(("since",), parse("poll.since")),))
    with pytest.raises(CannotBuild, match="`since` must be a text"):
        build_call(query, {"poll": {"since": NOW}}, MOSCOW)


def test_a_poll_asks_from_the_cursor_or_from_the_date_with_overlap(roads: Adapter, housing: Adapter) -> None:
    assert roads.poll_call(None, NOW).body == {"Since": "2026-03-01T12:00:00"}
    assert roads.poll_call({"last_seen": NOW.isoformat()}, NOW).body == {"Since": "2026-03-02T11:58:00"}
    assert roads.poll_call({"last_seen": NOW.isoformat(), "resume_at": NOW.isoformat()}, NOW).body == {
        "Since": "2026-03-02T12:00:00"
    }
    assert housing.poll_call(None, NOW).query == {"limit": "200"}
    assert housing.poll_call({"cursor": "abc"}, NOW + timedelta(days=9)).query == {"cursor": "abc", "limit": "200"}
    assert housing.poll_call(None, NOW).safe


def test_a_message_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        MessageContext("r", "i", "s", "t", "c", "n", NOW.replace(tzinfo=None))


def test_a_filter_that_leaves_nothing_leaves_the_field_out() -> None:
    call = build_call(
        sending(A__B="message.id | trim", C="message.name | default('x')"), {"message": {"id": "  "}}, MOSCOW
    )
    assert call.body == {"C": "x"}
