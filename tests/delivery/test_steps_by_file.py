"""The steps a file describes, made by the real sender against a real server: their order, what they keep, what their failures cost."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
from PIL import Image

from connectors.http import Wire, open_session
from connectors.rest.connector import RestConnection, RestConnector
from domain.delivery import DeliveryState, Purpose
from domain.outcome import OutcomeKind
from domain.status import Status
from store.deliveries import Attempt
from tests.adapters.small_agency import Asked, SmallAgency, adapter_of, small_agency, submit
from tests.delivery.ledger import NOW, Files, Ledger

ANSWERED = 'answer: {outcome: {from: http.status, accepted: ["200", "201"], refused: ["422"], try_later: ["503"]}}'
PLAIN = "send: {reference: message.reference, text: message.text}"


@pytest_asyncio.fixture(scope="module")
async def wire() -> AsyncIterator[Wire]:
    async with open_session() as session:
        yield Wire(session)


def ledger(text: str, agency: SmallAgency, wire: Wire, **more: object) -> Ledger:
    return Ledger(adapter_of(text), RestConnector(RestConnection(agency.address), wire), **more)  # type: ignore[arg-type]  # tests name real arguments


def by_path(**answers: object) -> Callable[[Asked], tuple[int, object]]:
    """Answers by the last name of the path; a list is handed out one after another."""

    def answer(asked: Asked) -> tuple[int, object]:
        found = answers[asked.path.rsplit("/", 1)[-1]]
        return found.pop(0) if isinstance(found, list) else found  # type: ignore[return-value]  # pairs

    return answer


# Before and then

PLACE = f"""
before:
  - name: place
    request: GET /places
    reads_only: true
    when: message.address is defined
    if_it_fails: go-on
    query: {{near: message.address}}
    {ANSWERED.replace("answer: {", "answer: {keep: {uprn: items.0.uprn}, ")}
"""
LINKED = f"""
then:
  - name: inspection
    request: POST /cases/{{case.id}}/inspections
    when_answer_is_lost: ask-a-person
    {ANSWERED.replace("answer: {", "answer: {keep: {id: id}, ")}
  - name: job
    request: POST /inspections/{{steps.inspection.id}}/jobs
    when_answer_is_lost: ask-a-person
    send: {{guid: steps.submit.guid, uprn: steps.place.uprn}}
    {ANSWERED}
"""
KEEPS = "answer: {case_id: id, keep: {guid: guid}, outcome: {from: http.status, accepted: ['201'], refused: ['422']}}"


async def test_links_are_followed_and_every_answer_is_remembered(wire: Wire) -> None:
    """Q36, Q40: an address is looked up, a case made, its inspection and then its job; no step is made twice."""
    text = submit("send: {uprn: steps.place.uprn}", PLACE + LINKED, KEEPS)
    answers = by_path(
        places=(200, {"items": [{"uprn": "U-7"}]}),
        cases=(201, {"id": "C-1", "guid": "G-1"}),
        inspections=(201, {"id": "I-1"}),
        jobs=[(503, {}), (201, {})],
    )
    async with small_agency(answers) as agency:
        ours = ledger(text, agency, wire)
        await ours.walk()
        assert ours.state() is DeliveryState.READY
        await ours.walk()
    assert ours.state() is DeliveryState.DELIVERED
    assert agency.paths() == [
        "GET /places",
        "POST /cases",
        "POST /cases/C-1/inspections",
        "POST /inspections/I-1/jobs",
        "POST /inspections/I-1/jobs",
    ]
    assert agency.asked[0].query == {"near": "Калуга, улица Суворова, 121"}
    assert agency.asked[1].json == {"uprn": "U-7"}
    assert agency.asked[-1].json == {"guid": "G-1", "uprn": "U-7"}
    assert [one.message_to for one in ours.history].count(Status.DELIVERED) == 1


@pytest.mark.parametrize("status", [422, 503, 500, 0])
async def test_a_failed_enrichment_is_noted_and_the_case_is_made_without_it(wire: Wire, status: int) -> None:
    """Q40."""
    answers = by_path(places=(status, {}), cases=(201, {"id": "C-1"}))
    async with small_agency(answers) as agency:
        ours = ledger(submit("send: {a: message.text, uprn: steps.place.uprn}", PLACE), agency, wire)
        assert (await ours.walk())[-1] == "submit"
    assert ours.state() is DeliveryState.DELIVERED
    assert "uprn" not in agency.asked[-1].json
    assert "before:place failed" in ours.notes[0]


async def test_a_case_waits_for_an_enrichment_it_cannot_do_without(wire: Wire) -> None:
    """Q40: the other policy."""
    answers = by_path(places=(503, {}), cases=(201, {"id": "C-1"}))
    async with small_agency(answers) as agency:
        ours = ledger(submit(PLAIN, PLACE.replace("go-on", "wait")), agency, wire)
        assert await ours.walk() == ["before"]
    assert ours.state() is DeliveryState.READY
    assert agency.paths() == ["GET /places"]


async def test_a_step_that_this_message_does_not_need_is_not_made(wire: Wire) -> None:
    """Q26: nothing to send is a success."""
    async with small_agency(by_path(cases=(201, {"id": "C-1"}))) as agency:
        ours = ledger(submit(PLAIN, PLACE.replace("message.address is", "message.territory is")), agency, wire)
        assert await ours.walk() == ["submit"]
    assert ours.state() is DeliveryState.DELIVERED


async def test_a_link_that_the_agency_refuses_does_not_undo_the_case(wire: Wire) -> None:
    """Q36, A-093."""
    answers = by_path(cases=(201, {"id": "C-1"}), inspections=(422, {}), jobs=(201, {}))
    text = submit(
        PLAIN,
        LINKED.replace("/inspections/{steps.inspection.id}/jobs", "/jobs").replace(
            "uprn: steps.place.uprn", "a: our.id"
        ),
    )
    async with small_agency(answers) as agency:
        ours = ledger(text, agency, wire)
        assert await ours.walk() == ["submit", "then", "then"]
    assert ours.state() is DeliveryState.DELIVERED
    assert "the agency did not take then:inspection" in ours.notes[0]


# Once more, changed


async def test_a_refused_call_is_made_once_more_changed_and_never_a_third_time(wire: Wire) -> None:
    """Q11: the second refusal stands; the rule is remembered on the delivery."""
    rows = """
    send: {kind: message.category, text: message.text}
    resend_once: [{when: error == "kind", with: {kind: '"other"'}}, {when: error == "text", without: [text]}]
    """
    answers = by_path(cases=[(422, {"error": "kind"}), (422, {"error": "text"})])
    async with small_agency(answers) as agency:
        ours = ledger(submit(rows), agency, wire)
        assert await ours.walk() == ["submit", "submit"]
    assert [one.json["kind"] for one in agency.asked] == ["roads/pothole", "other"]
    assert [one.outcome for one in ours.history] == [OutcomeKind.REFUSED, OutcomeKind.REFUSED]
    assert [one.state for one in ours.history] == [DeliveryState.READY, DeliveryState.REFUSED]
    assert ours.history[0].message_to is None


# Late numbers


LATE = """
look_up:
  request: GET /found
  settles_within: 30s
  query: {guid: steps.submit.guid}
  answer: {each: items, case_id: item.id, also_known_as: {number: item.number}, ours_when: item.guid == "G-1"}
then:
  - name: confirm
    request: POST /cases/{case.id}/confirm
    when_answer_is_lost: ask-a-person
    send: {number: case.number}
    answer: {outcome: {from: http.status, accepted: ["200"]}}
"""
LATER = (
    "answer: {case_id: id, case_id_comes: later, keep: {guid: guid}, outcome: {from: http.status, accepted: ['202']}}"
)


async def test_a_number_that_comes_late_is_found_and_only_then_used(wire: Wire) -> None:
    """Q10: asynchronous numbers are a normal state, not a failure; the case is never made again."""
    answers = by_path(
        cases=(202, {"guid": "G-1"}),
        found=[(200, {"items": []}), (200, {"items": [{"id": "C-9", "number": "17", "guid": "G-1"}]})],
        confirm=(200, {}),
    )
    async with small_agency(answers) as agency:
        ours = ledger(submit(PLAIN, LATE, LATER), agency, wire)
        await ours.walk()
        first = ours.history[0]
        assert (first.state, first.next_attempt_at, first.message_to) == (
            DeliveryState.LOOKING_UP,
            NOW + timedelta(seconds=30),
            Status.DELIVERED,
        )
        await ours.step()
        assert ours.state() is DeliveryState.LOOKING_UP
        await ours.walk()
    assert ours.state() is DeliveryState.DELIVERED
    assert ours.delivery.case_ids == {"case_id": "C-9", "number": "17"}
    assert agency.paths() == ["POST /cases", "GET /found", "GET /found", "POST /cases/C-9/confirm"]
    assert agency.asked[1].query == {"guid": "G-1"}
    assert agency.asked[-1].json == {"number": "17"}


async def test_a_number_that_the_feed_brought_needs_no_look_up(wire: Wire) -> None:
    """Q10."""
    async with small_agency(by_path(cases=(202, {"guid": "G-1"}), confirm=(200, {}))) as agency:
        ours = ledger(submit(PLAIN, LATE, LATER), agency, wire)
        await ours.step()
        ours.delivery = replace(ours.delivery, case_ids={"case_id": "C-9"})
        await ours.walk()
    assert ours.state() is DeliveryState.DELIVERED
    assert agency.paths() == ["POST /cases", "POST /cases/C-9/confirm"]


# Attachments


def picture(width: int, height: int, exif: Image.Exif | None = None) -> bytes:
    """A photo that does not compress well: noise, as grass and asphalt are."""
    out = io.BytesIO()
    noise = Image.effect_noise((width, height), 90).convert("RGB")
    noise.save(out, "JPEG", quality=95, **({} if exif is None else {"exif": exif}))
    return out.getvalue()


UPLOAD = """
upload:
  request: POST /uploads
  when_answer_is_lost: ask-a-person
  files: [{field: file, name: item.name | ascii_name}]
  answer: {keep: {token: token}, outcome: {from: http.status, accepted: ["201"], refused: ["422"], try_later: ["503"]}}
"""
NAMED = "send: {uploads: {each: message.attachments, send: {token: item.uploaded.token, name: item.name}}}"


async def test_files_are_uploaded_first_and_the_case_names_them(wire: Wire) -> None:
    """Q51: what was uploaded is not uploaded again, and a file that was refused does not stop the case."""
    files = Files()
    stored = [files.keep(f"photo {number}".encode(), f"{number}.jpg") for number in (1, 2, 3)]
    answers = by_path(
        uploads=[(201, {"token": "T-1"}), (422, {}), (503, {}), (201, {"token": "T-3"})], cases=(201, {"id": "C-1"})
    )
    async with small_agency(answers) as agency:
        ours = ledger(submit(NAMED, UPLOAD), agency, wire, files=files, attachments=stored)
        await ours.walk()
        await ours.walk()
    assert ours.state() is DeliveryState.DELIVERED
    assert ours.steps == ["upload", "upload", "upload", "upload", "submit"]
    assert agency.asked[-1].json == {"uploads": [{"token": "T-1", "name": "1.jpg"}, {"token": "T-3", "name": "3.jpg"}]}
    assert "2.jpg: the agency did not take its upload" in ours.notes[-1]


async def test_an_upload_without_a_token_is_unknown_and_waits_for_a_person(wire: Wire) -> None:
    files = Files()
    async with small_agency(by_path(uploads=(201, {}))) as agency:
        ours = ledger(submit(NAMED, UPLOAD), agency, wire, files=files, attachments=[files.keep(b"x", "1.jpg")])
        await ours.walk()
    assert ours.state() is DeliveryState.WAITS_FOR_PERSON
    assert "gave no `token`" in ours.history[-1].text


async def test_a_file_is_uploaded_and_then_added_to_its_case(wire: Wire) -> None:
    """Upload, then attach: two calls for each file, after the case."""
    more = (
        UPLOAD
        + f"""
attachment:
  request: POST /cases/{{case.id}}/files
  when_answer_is_lost: ask-a-person
  send: {{token: item.uploaded.token, number: item.number}}
  {ANSWERED}
"""
    )
    files = Files()
    stored = [files.keep(b"one", "1.jpg"), files.keep(b"two", "2.jpg")]
    answers = by_path(
        uploads=[(201, {"token": "T-1"}), (201, {"token": "T-2"})], cases=(201, {"id": "C-1"}), files=(201, {})
    )
    async with small_agency(answers) as agency:
        ours = ledger(submit(PLAIN, more), agency, wire, files=files, attachments=stored)
        assert await ours.walk() == ["submit", "upload", "attachment", "upload", "attachment"]
    assert [one.json for one in agency.asked if one.path.endswith("/files")] == [
        {"token": "T-1", "number": 1},
        {"token": "T-2", "number": 2},
    ]


async def test_photos_inside_the_case_are_made_to_fit_and_the_rest_is_said_aloud(wire: Wire) -> None:
    """§3 of the field notes: size limits by shrinking; what the agency does not take is left out with a reason."""
    rows = """
    send: {photos: {each: message.attachments, send: {name: item.name, body: item.content | base64, sha: item.sha256, size: item.size_bytes}}}
    limits: {max_bytes: 20 KB, media_types: [image/jpeg, image/png], at_most: 2, shrink_photos: true}
    """
    files = Files()
    large, small, video, third = (
        files.keep(picture(600, 400), "большое.png", "image/png"),
        files.keep(picture(40, 30), "малое.jpg"),
        files.keep(b"video", "видео.mp4", "video/mp4"),
        files.keep(picture(41, 30), "третье.jpg"),
    )
    async with small_agency(by_path(cases=(201, {"id": "C-1"}))) as agency:
        ours = ledger(submit(rows), agency, wire, files=files, attachments=[large, small, video, third])
        assert await ours.walk() == ["submit"]
    photos = agency.asked[0].json["photos"]
    assert isinstance(photos, list)
    assert [(one["name"], one["size"] <= 20 * 1024) for one in photos] == [("большое.jpg", True), ("малое.jpg", True)]
    assert photos[0]["size"] > 12 * 1024
    assert photos[1]["sha"] == small.sha256
    assert "видео.mp4: the agency does not take files of this type" in ours.notes[0]
    assert "третье.jpg: the agency takes at most 2 attachments" in ours.notes[0]


async def test_a_photo_that_cannot_fit_is_left_out_and_the_case_is_made(wire: Wire) -> None:
    rows = """
    send: {text: message.text, photos: {each: message.attachments, value: item.name}}
    limits: {max_bytes: 1 KB, shrink_photos: true}
    """
    files = Files()
    stored = [files.keep(b"\xff\xd8\xff" + bytes(5000), "битое.jpg"), files.keep(b"ok", "целое.jpg")]
    async with small_agency(by_path(cases=(201, {"id": "C-1"}))) as agency:
        ours = ledger(submit(rows), agency, wire, files=files, attachments=stored)
        await ours.walk()
    assert agency.asked[0].json["photos"] == ["целое.jpg"]
    assert "битое.jpg: the photo cannot be made small enough" in ours.notes[0]


async def test_all_files_of_one_case_keep_within_a_limit_together(wire: Wire) -> None:
    rows = """
    send: {photos: {each: message.attachments, value: item.name}}
    limits: {max_bytes_in_all: 5 B}
    """
    files = Files()
    stored = [files.keep(b"abc", "1.jpg"), files.keep(b"defg", "2.jpg"), files.keep(b"hi", "3.jpg")]
    async with small_agency(by_path(cases=(201, {"id": "C-1"}))) as agency:
        ours = ledger(submit(rows), agency, wire, files=files, attachments=stored)
        await ours.walk()
    assert agency.asked[0].json["photos"] == ["1.jpg", "3.jpg"]
    assert "2.jpg: the agency takes files of at most 5 bytes together" in ours.notes[0]


async def test_a_photo_sent_after_the_case_is_shrunk_to_the_same_bytes_every_time(wire: Wire) -> None:
    """An agency that knows a file by its digest must recognise the repeat."""
    more = f"""
attachment:
  request: POST /cases/{{case.id}}/files
  when_answer_is_lost: ask-a-person
  form: {{sha256: item.sha256}}
  files: [{{field: file, name: item.name}}]
  limits: {{max_bytes: 20 KB, shrink_photos: true}}
  {ANSWERED}
"""
    files = Files()
    stored = [files.keep(picture(600, 400), "фото.jpg")]
    answers = by_path(cases=(201, {"id": "C-1"}), files=[(503, {}), (201, {})])
    async with small_agency(answers) as agency:
        ours = ledger(submit(PLAIN, more), agency, wire, files=files, attachments=stored)
        await ours.walk()
        await ours.walk()
    first, again = [one for one in agency.asked if one.path.endswith("/files")]
    assert first.body == again.body
    content = first.body.split(b"\r\n\r\n")[2].rsplit(b"\r\n--", 1)[0]
    assert hashlib.sha256(content).hexdigest().encode() in first.body
    assert len(content) <= 20 * 1024


# Tables, clocks, operations

TABLE = """
fetched_tables:
  kinds: {request: GET /kinds, every: 1h, each: items, ours: item.name, theirs: item.id, may_lose: 50%}
"""


async def test_a_message_waits_for_a_table_that_was_never_had(wire: Wire) -> None:
    """Q22, Q23: an agency that is down has no table, and nothing is guessed."""
    async with small_agency(by_path(kinds=(500, {}), cases=(201, {"id": "C-1"}))) as agency:
        ours = ledger(submit('send: {kind: message.category | translate("kinds")}', TABLE), agency, wire)
        await ours.walk()
    assert ours.state() is DeliveryState.READY
    assert "the table `kinds` could not be fetched" in ours.history[0].text
    assert agency.paths() == ["GET /kinds"]


async def test_the_agencys_clock_is_measured_and_used_where_the_file_says_so(wire: Wire) -> None:
    """Q12: its clock is five minutes behind; a time ahead of it would be refused."""
    text = submit(
        "send: {at: now | by_their_clock | local, first: message.received_at | local}",
        LINKED.replace("uprn: steps.place.uprn", "at: now | by_their_clock | local"),
        KEEPS,
    )
    answers = by_path(cases=(201, {"id": "C-1", "guid": "G"}), inspections=(201, {"id": "I"}), jobs=(201, {}))
    async with small_agency(answers) as agency:
        agency.headers = {"Date": "Mon, 02 Mar 2026 08:55:00 GMT"}
        ours = ledger(text, agency, wire)
        await ours.walk()
    assert agency.asked[0].json == {"at": "2026-03-02T12:00:00", "first": "2026-03-02T12:00:00"}
    assert agency.asked[-1].json["at"] == "2026-03-02T11:55:00"


async def test_a_wish_that_the_system_cannot_fulfil_is_said_to_the_citizen_in_both_languages(wire: Wire) -> None:
    async with small_agency(by_path()) as agency:
        ours = ledger(submit(PLAIN), agency, wire, purpose=Purpose.WITHDRAW, case_ids={"case_id": "C-1"})
        settlement = await ours.step()
    assert settlement.state is DeliveryState.CANCELLED
    assert settlement.note_is_public
    assert "не умеет отзывать" in str(settlement.note)
    assert "has no way to take a message back" in str(settlement.note)
    assert agency.asked == []


@pytest.mark.parametrize(
    ("purpose", "body", "sent"),
    [
        (
            Purpose.ADD_COMMENT,
            {"id": "c1", "text": "Тел. 8 910 123-45-67, ещё глубже", "at": "2026-03-02T09:00:00+00:00"},
            {"text": "Тел. ***, ещё глубже", "at": "2026-03-02T12:00:00"},
        ),
        (
            Purpose.REOPEN,
            {"reason": "NOT_DONE", "text": "Яма на месте", "round": 2},
            {"why": "Яма на месте", "round": 2},
        ),
        (Purpose.SET_PRIORITY, {"value": "urgent"}, {"priority": "1"}),
    ],
)
async def test_a_wish_reaches_the_case(
    wire: Wire, purpose: Purpose, body: dict[str, object], sent: dict[str, object]
) -> None:
    """Operations beyond submit; a citizen's words go through the agency's text rules there too."""
    step = f"request: POST /cases/{{case.id}}/wish, when_answer_is_lost: ask-a-person, {ANSWERED}".replace(
        "POST /cases/{case.id}/wish", "'POST /cases/{case.id}/wish'"
    )
    more = f"""
add_comment: {{{step}, send: {{text: comment.text, at: comment.at | local}}}}
reopen: {{{step}, send: {{why: reopening.text, round: reopening.round}}}}
set_priority: {{{step}, send: {{priority: 'priority.value | translate("priorities")'}}}}
translate: {{priorities: {{urgent: "1", "*": "2"}}}}
text: {{hide: [phones]}}
"""
    async with small_agency(by_path(wish=(200, {}))) as agency:
        ours = ledger(submit(PLAIN, more), agency, wire, purpose=purpose, case_ids={"case_id": "C-1"}, body=body)
        assert await ours.walk() == [purpose.value.lower()]
    assert ours.state() is DeliveryState.DELIVERED
    assert agency.paths() == ["POST /cases/C-1/wish"]
    assert agency.asked[0].json == sent
    # Only a reopened message is on its way again, and has now arrived.
    assert ours.history[0].message_to is (Status.DELIVERED if purpose is Purpose.REOPEN else None)


@pytest.mark.parametrize("purpose", [Purpose.ADD_COMMENT, Purpose.REOPEN, Purpose.SET_PRIORITY])
async def test_every_wish_that_cannot_be_brought_has_words_in_both_languages(wire: Wire, purpose: Purpose) -> None:
    async with small_agency(by_path()) as agency:
        ours = ledger(submit(PLAIN), agency, wire, purpose=purpose, case_ids={"case_id": "C-1"}, body={})
        settlement = await ours.step()
    assert (settlement.state, settlement.note_is_public) == (DeliveryState.CANCELLED, True)
    assert str(settlement.note).startswith("Система организации")
    assert "The organisation's system" in str(settlement.note)


async def test_a_delivery_with_nothing_left_ends_and_makes_no_second_case(wire: Wire) -> None:
    """The file was mended meanwhile: the agency takes no attachments any more."""
    files = Files()
    async with small_agency(by_path()) as agency:
        ours = ledger(submit(PLAIN), agency, wire, files=files, attachments=[files.keep(b"x", "1.jpg")])
        ours.delivery = replace(ours.delivery, steps_done={"submit": {}}, case_ids={"case_id": "C-1"})
        await ours.walk()
    assert ours.state() is DeliveryState.DELIVERED
    assert agency.asked == []


async def test_a_lost_step_that_the_file_no_longer_describes_waits_for_a_person(wire: Wire) -> None:
    async with small_agency(by_path()) as agency:
        ours = ledger(submit(PLAIN), agency, wire)
        attempt = Attempt(uuid4(), ours.delivery, "then:inspection", 3, NOW)
        ours.keep(ours.sender.settle_lost(attempt))
    assert ours.state() is DeliveryState.WAITS_FOR_PERSON
