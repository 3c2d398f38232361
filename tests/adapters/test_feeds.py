"""Change feeds and webhooks: nothing is lost, nothing is guessed, and reading goes on."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.adapter import Adapter, BadSignature, FeedRefused
from connectors.base import Fault, Reply, Tree
from domain.foreign_change import ForeignAnswer, Meaning
from domain.status import Status
from tests.adapters.words import NOW, reply

SECRET = "webhook-secret"


def change(number: int, at: str = "2026-03-02T11:00:00", state: str = "2", **more: str) -> Tree:
    return {"CaseNumber": f"CR-{number}", "State": state, "ChangedAt": at, **more}


def page(*items: Tree) -> Reply:
    return reply({"GetChangesResult": {"Change": list(items)}})


def event(number: int, state: str = "in_work", **more: Tree) -> dict[str, Tree]:
    return {
        "event_id": str(number),
        "request_id": "HI-1",
        "external_id": "x",
        "state": state,
        "changed_at": "2026-03-02T08:00:00.123Z",
        "comment": None,
        "answer": None,
        **more,
    }


def test_an_item_is_read_in_our_words(roads: Adapter) -> None:
    read = roads.read_poll(page(change(1, state="4", Answer="Заделано", Remark="внутреннее")), None, NOW)
    (one,) = read.changes
    assert (one.case_id, one.code, one.means) == ("CR-1", "4", Status.ANSWERED)
    assert one.occurred_at == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    assert one.answer == ForeignAnswer("Заделано")
    assert (one.note, one.note_is_public) == ("внутреннее", False)


def test_a_question_to_the_citizen_is_public(roads: Adapter) -> None:
    (one,) = roads.read_poll(page(change(1, state="3", Remark="Где именно?")), None, NOW).changes
    assert (one.means, one.note, one.note_is_public) == (Status.WAITING_FOR_CITIZEN, "Где именно?", True)


def test_an_answer_of_rest_carries_decision_and_responsible(housing: Adapter) -> None:
    answer: Tree = {"text": "Сделано", "decision": "resolved", "responsible": "Отдел", "files": []}
    body: Tree = {"items": [event(1, "done", answer=answer)], "next_cursor": "c1", "has_more": False}
    (one,) = housing.read_poll(reply(body), None, NOW).changes
    assert one.answer == ForeignAnswer("Сделано", "resolved", "Отдел")
    assert (one.event_key, one.means) == ("1", Status.ANSWERED)


@pytest.mark.parametrize("state", ["8", "04", "АНУЛИРОВАНО"])
def test_an_unknown_state_is_never_guessed(roads: Adapter, state: str) -> None:
    (one,) = roads.read_poll(page(change(1, state=state)), None, NOW).changes
    assert (one.code, one.means) == (state, Meaning.UNKNOWN)


def test_the_echo_of_our_own_withdrawal_is_ignored(roads: Adapter) -> None:
    (one,) = roads.read_poll(page(change(1, state="7")), None, NOW).changes
    assert one.means is Meaning.IGNORE


def test_one_bad_item_is_kept_and_stops_nobody(roads: Adapter) -> None:
    read = roads.read_poll(
        page(
            change(1),
            ["garbage"],
            {"State": "2"},
            {"CaseNumber": "CR-2"},
            change(3, at="yesterday"),
            change(4, at="0001-01-01T00:00:00"),
            {**_dict(change(5)), "Remark": {"a": "b"}},
            change(6),
        ),
        None,
        NOW,
    )
    assert [one.case_id for one in read.changes] == ["CR-1", "CR-6"]
    assert [one.fault for one in read.unreadable] == [
        "the item is not a structure",
        "`case_id` is missing",
        "`state` is missing",
        "`at` is not a time like 2026-01-31T12:00:00",
        "`at` is not a time like 2026-01-31T12:00:00",
        "a text of the item is a structure",
    ]
    assert len(read.items) == 8


def _dict(tree: Tree) -> dict[str, Tree]:
    assert isinstance(tree, dict)
    return tree


def test_a_kept_item_can_be_read_again(roads: Adapter, housing: Adapter) -> None:
    (kept,) = roads.read_poll(page(change(1, state="8")), None, NOW).items
    assert roads.read_kept_item(kept.item) == kept
    (posted,) = housing.read_webhook(json.dumps(event(1)).encode())
    assert housing.read_kept_item(posted.item) == posted


def test_repeats_of_one_item_have_one_key_and_others_have_another(roads: Adapter) -> None:
    keys = [
        one.event_key for one in roads.read_poll(page(change(1), change(1), change(1, state="3")), None, NOW).changes
    ]
    assert keys[0] == keys[1] != keys[2]


def test_a_webhook_and_the_feed_give_one_key_for_one_event(housing: Adapter) -> None:
    body: Tree = {"items": [event(7)], "next_cursor": "c", "has_more": False}
    (polled,) = housing.read_poll(reply(body), None, NOW).changes
    (posted,) = housing.read_webhook(json.dumps(event(7)).encode())
    assert posted.change == polled


# Where to go on


def test_a_dated_feed_remembers_the_newest_and_looks_back_by_the_overlap(roads: Adapter) -> None:
    first = roads.read_poll(page(change(1, "2026-03-02T11:30:00"), change(2, "2026-03-02T11:00:00")), None, NOW)
    assert (first.has_more, first.gap) == (False, None)
    assert roads.poll_call(first.next_cursor, NOW).body == {"Since": "2026-03-02T11:28:00"}
    empty = roads.read_poll(page(), first.next_cursor, NOW + timedelta(hours=1))
    assert empty.next_cursor == first.next_cursor


def test_a_place_never_moves_back(roads: Adapter) -> None:
    known = {"last_seen": NOW.isoformat()}
    assert roads.read_poll(page(change(1, "2026-03-02T11:59:00")), known, NOW).next_cursor == known


def test_an_agency_whose_clock_runs_ahead_does_not_hide_what_is_to_come(roads: Adapter) -> None:
    read = roads.read_poll(page(change(1, "2031-01-01T00:00:00")), None, NOW)
    assert read.next_cursor == {"last_seen": NOW.isoformat()}
    assert len(read.changes) == 1


def test_a_full_page_goes_on_from_its_end_without_overlap(roads: Adapter) -> None:
    items = [change(number, f"2026-03-02T11:{number // 60:02}:{number % 60:02}") for number in range(500)]
    read = roads.read_poll(page(*items), {"last_seen": "2026-03-02T07:00:00+00:00"}, NOW)
    assert read.has_more
    assert roads.poll_call(read.next_cursor, NOW).body == {"Since": "2026-03-02T11:08:19"}
    last = roads.read_poll(page(change(499, "2026-03-02T11:08:19")), read.next_cursor, NOW)
    assert not last.has_more
    assert roads.poll_call(last.next_cursor, NOW).body == {"Since": "2026-03-02T11:06:19"}


def test_a_moment_too_full_for_a_page_is_passed_and_said_aloud(roads: Adapter) -> None:
    items = [change(number, "2026-03-02T11:00:00") for number in range(500)]
    cursor = {"last_seen": "2026-03-02T08:00:00+00:00", "resume_at": "2026-03-02T08:00:00+00:00"}
    read = roads.read_poll(page(*items), cursor, NOW)
    assert read.gap is not None
    assert "500 changes share one moment" in read.gap
    assert read.has_more
    assert roads.poll_call(read.next_cursor, NOW).body == {"Since": "2026-03-02T11:00:01"}


def test_a_cursor_feed_goes_on_until_there_is_no_more(housing: Adapter) -> None:
    first = housing.read_poll(reply({"items": [event(1)], "next_cursor": "c1", "has_more": True}), None, NOW)
    assert (first.next_cursor["cursor"], first.has_more) == ("c1", True)
    last = housing.read_poll(reply({"items": [], "next_cursor": "c1", "has_more": False}), first.next_cursor, NOW)
    assert (last.next_cursor, last.has_more, last.gap) == ({"cursor": "c1"}, False, None)


def test_a_feed_that_repeats_its_cursor_ends_the_turn(housing: Adapter) -> None:
    read = housing.read_poll(reply({"items": [event(1)], "next_cursor": "c1", "has_more": True}), {"cursor": "c1"}, NOW)
    assert not read.has_more
    assert read.gap is not None


def test_a_page_without_a_cursor_keeps_the_old_one(housing: Adapter) -> None:
    read = housing.read_poll(reply({"items": []}), {"cursor": "c1"}, NOW)
    assert read.next_cursor == {"cursor": "c1"}
    assert housing.read_poll(reply({"items": []}), None, NOW).next_cursor == {}


@pytest.mark.parametrize(
    "answer",
    [
        reply({"items": []}, 503),
        reply({"items": []}, fault=Fault("Server", "x")),
        reply({"error": {}}),
        reply(None),
        reply({"items": "x"}),
    ],
)
def test_what_is_no_page_is_refused_and_the_cursor_stays(housing: Adapter, answer: Reply) -> None:
    with pytest.raises(FeedRefused):
        housing.read_poll(answer, {"cursor": "c1"}, NOW)


def test_an_empty_element_is_an_empty_list(roads: Adapter) -> None:
    assert roads.read_poll(reply({"GetChangesResult": None}), None, NOW).items == ()
    with pytest.raises(FeedRefused):
        roads.read_poll(reply({}), None, NOW)


def test_the_hour_that_comes_twice_is_read_as_its_first(roads: Adapter) -> None:
    # Moscow's clock went back from 02:00 to 01:00 on 26 October 2014.
    (one,) = roads.read_poll(page(change(1, "2014-10-26T01:30:00")), None, NOW).changes
    assert one.occurred_at == datetime(2014, 10, 25, 21, 30, tzinfo=UTC)


# Webhooks


def signed(raw: bytes, at: datetime, secret: str = SECRET) -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + raw, hashlib.sha256).hexdigest()
    return {"X-Okno-Timestamp": timestamp, "x-okno-signature": f"sha256={digest}"}


def test_a_signed_webhook_is_accepted_whatever_the_case_of_its_headers(housing: Adapter) -> None:
    housing.verify_webhook(signed(b"{}", NOW), b"{}", NOW)
    housing.verify_webhook({name.upper(): value for name, value in signed(b"{}", NOW).items()}, b"{}", NOW)


@pytest.mark.parametrize(
    ("headers", "raw"),
    [
        ({}, b"{}"),
        (signed(b"{}", NOW), b"{} "),
        (signed(b"{}", NOW, "other"), b"{}"),
        (signed(b"{}", NOW - timedelta(seconds=301)), b"{}"),
        (signed(b"{}", NOW + timedelta(seconds=301)), b"{}"),
        ({**signed(b"{}", NOW), "X-Okno-Timestamp": str(int(NOW.timestamp()) + 1)}, b"{}"),
        ({**signed(b"{}", NOW), "X-Okno-Timestamp": "1e9"}, b"{}"),
        ({**signed(b"{}", NOW), "X-Okno-Timestamp": "٣"}, b"{}"),
        ({**signed(b"{}", NOW), "x-okno-signature": "sha256="}, b"{}"),
        ({**signed(b"{}", NOW), "x-okno-signature": signed(b"{}", NOW)["x-okno-signature"][7:]}, b"{}"),
        ({**signed(b"{}", NOW), "x-okno-signature": "sha256=\udc80"}, b"{}"),
    ],
)
def test_an_unproved_webhook_is_refused_without_a_word_about_the_secret(
    housing: Adapter, headers: dict[str, str], raw: bytes
) -> None:
    with pytest.raises(BadSignature) as caught:
        housing.verify_webhook(headers, raw, NOW)
    assert SECRET not in str(caught.value)


def test_a_webhook_beyond_the_size_limit_is_refused(housing: Adapter) -> None:
    raw = b" " * (2 * 1024 * 1024 + 1)
    with pytest.raises(BadSignature, match="bytes"):
        housing.verify_webhook(signed(raw, NOW), raw, NOW)


@pytest.mark.parametrize("raw", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b"[]", b'"x"', b"null"])
def test_a_body_that_cannot_be_read_is_kept_as_one_faulty_item(housing: Adapter, raw: bytes) -> None:
    (one,) = housing.read_webhook(raw)
    assert one.change is None
    assert one.fault
