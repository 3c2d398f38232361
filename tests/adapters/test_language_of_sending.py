"""What a file may say of sending, from its text through the real wire to a real server and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.adapter import (
    Adapter,
    AttachmentContext,
    CannotBuild,
    Circumstances,
    Found,
    MessageContext,
    NotFound,
    Unclear,
)
from agencies.source import FileFaults
from connectors.base import Reply, Tree
from connectors.http import Wire, open_session
from connectors.rest.connector import RestConnection, RestConnector
from connectors.soap.connector import SoapConnection, SoapConnector
from domain.outcome import Outcome, OutcomeKind
from tests.adapters.small_agency import SmallAgency, adapter_of, file_of, small_agency, submit
from tests.adapters.words import MESSAGE, NOW, reply

PHOTOS = (
    AttachmentContext("a1", "Фото 1.jpg", "image/jpeg", 3, "11" * 32, b"one", 1, {"token": "T-1"}),
    AttachmentContext("a2", "Фото 2.png", "image/png", 3, "22" * 32, b"two", 2, {"token": "T-2"}),
)
WITH_PHOTOS = replace(MESSAGE, attachments=PHOTOS, attachments_count=2)
SHAPES = Path(__file__).parent.parent / "connectors/wsdl/shapes.wsdl"


@pytest_asyncio.fixture(scope="module")
async def wire() -> AsyncIterator[Wire]:
    async with open_session() as session:
        yield Wire(session)


async def sent(
    wire: Wire, text: str, message: MessageContext = MESSAGE, status: int = 201, answer: object = None
) -> tuple[SmallAgency, Outcome]:
    """Make the case of a file at a server that always answers alike."""
    adapter = adapter_of(text)
    async with small_agency(lambda asked: (status, {"id": "C-1"} if answer is None else answer)) as agency:
        connector = RestConnector(RestConnection(agency.address), wire)
        got = await connector.send(adapter.submit_call(message))
    return agency, adapter.read_submit(got, message)


async def body_of(wire: Wire, rows: str, message: MessageContext = MESSAGE, more: str = "") -> dict[str, object]:
    agency, outcome = await sent(wire, submit(rows, more), message)
    assert outcome.case_id == "C-1"
    return agency.asked[0].json


# Lists


async def test_each_attachment_is_an_entry_of_a_list_in_the_order_of_the_file(wire: Wire) -> None:
    """Q3, Q5: lists of parts, nested rows, inline base64 and data addresses."""
    rows = """
    send:
      photos:
        each: message.attachments
        send: {file.name: item.name | ascii_name, file.body: item.content | base64, uri: item.content | data_uri(item.media_type), n: number}
    """
    body = await body_of(wire, rows, WITH_PHOTOS)
    assert body["photos"] == [
        {"file": {"name": "Foto_1.jpg", "body": "b25l"}, "uri": "data:image/jpeg;base64,b25l", "n": 1},
        {"file": {"name": "Foto_2.png", "body": "dHdv"}, "uri": "data:image/png;base64,dHdv", "n": 2},
    ]


async def test_a_lone_value_is_a_list_of_one_and_no_value_is_no_list(wire: Wire) -> None:
    """Q5, Q26."""
    rows = """
    send:
      tags: {each: message.category, value: item}
      photos: {each: message.attachments, send: {name: item.name}}
      files: {each: message.attachments, value: item.id, when_empty: send-empty}
    """
    body = await body_of(wire, rows)
    assert body == {"tags": ["roads/pothole"], "files": []}


async def test_a_list_ends_where_the_file_says(wire: Wire) -> None:
    body = await body_of(wire, "send: {ids: {each: message.attachments, value: item.id, at_most: 1}}", WITH_PHOTOS)
    assert body == {"ids": ["a1"]}


async def test_each_makes_repeated_elements_of_an_envelope(wire: Wire) -> None:
    """Q3, Q5 over SOAP: bytes become base64Binary, and structures repeat inside structures."""
    text = """
version: 1
agency: {code: small, name: {ru: Малая, en: Small}, owner: it@small.example, timezone: Europe/Moscow, receives: [roads/*]}
connection: {protocol: soap, wsdl: shapes.wsdl, address: http://127.0.0.1:1}
submit:
  operation: Register
  when_answer_is_lost: ask-a-person
  send:
    Number: '"0412"'
    Photo: {each: message.attachments, value: item.content}
    Closed: message.received_at | time("%Y-%m-%dT%H:%M:%S")
    Phone: '"-"'
    Folder.Title: message.subject
    Folder.Folder: {each: message.attachments, send: {Title: item.name}}
  answer: {case_id: Number, outcome: {refused_when: Warning is defined, accepted_when: Number is defined}}
"""
    adapter = adapter_of(text)
    connector = SoapConnector(SoapConnection(SHAPES, "http://127.0.0.1:1/"))
    envelope = connector.render(adapter.submit_call(WITH_PHOTOS)).body.decode()
    assert envelope.count("Photo>") == 4
    assert "b25l" in envelope
    assert envelope.index("b25l") < envelope.index("dHdv")
    assert [name in envelope for name in ("Фото 1.jpg", "Фото 2.png", "2026-03-02T09:15:07")] == [True] * 3


# Attachments inside a form


async def test_files_of_one_multipart_request_are_counted(wire: Wire) -> None:
    rows = """
    form: {subject: message.subject}
    files: [{field: "file{number}", each: message.attachments, name: item.name}]
    """
    agency, _ = await sent(wire, submit(rows), WITH_PHOTOS)
    raw = agency.asked[0].body
    assert (b'name="file1"' in raw, b'name="file2"' in raw, b"\r\n\r\ntwo\r\n" in raw) == (True, True, True)
    assert 'name="subject"\r\n\r\nЯма у остановки' in raw.decode()


async def test_a_form_is_sent_like_a_form(wire: Wire) -> None:
    agency, _ = await sent(
        wire, submit("form: {subject: {value: message.subject, max_chars: 3}, none: message.person}")
    )
    assert agency.asked[0].body == b"subject=%D0%AF%D0%BC%E2%80%A6"
    assert agency.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"


# Limits and texts


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("{value: message.text, max_chars: 9}", "Очень дл…"),
        ("{value: message.text, max_bytes: 12}", "Очен…"),
        ("{value: message.text, max_chars: 14, when_cut: '\" см. \" ~ message.channel'}", "Оче см. portal"),
        ("{value: message.text, max_chars: 100}", "Очень длинный текст"),
        ("{value: message.text, max_chars: 1}", "…"),
        ("{value: message.territory, when_empty: send-empty}", ""),
    ],
)
async def test_a_value_keeps_its_limits(wire: Wire, row: str, expected: str) -> None:
    """Q27: characters, bytes of the charset, and what ends a cut text."""
    message = replace(MESSAGE, text="Очень длинный текст", territory=None)
    assert (await body_of(wire, f"send: {{it: {row}}}", message))["it"] == expected


async def test_bytes_are_counted_in_the_charset_of_the_agency(wire: Wire) -> None:
    """Q27, Q28: in windows-1251 a Russian letter is one byte."""
    more = "text: {charset: windows-1251}"
    message = replace(MESSAGE, text="Очень длинный текст")
    body = await body_of(wire, "send: {it: {value: message.text, max_bytes: 13}}", message, more)
    assert body["it"] == "Очень длинны…"


@pytest.mark.parametrize(
    ("rules", "text", "expected"),
    [
        ("{charset: windows-1251}", "5 ₽ 🕳 и ё", "5 руб. ? и ё"),
        ("{charset: windows-1251, cannot_hold: leave-out}", "a 🕳 b", "a  b"),
        ("{charset: ascii, cannot_hold: latin}", "Щётка №5…", "Shchetka No5..."),
        ("{charset: windows-1251, cannot_hold: latin}", "Яма", "Яма"),
        ("{emoji: leave-out}", "Яма 🕳️ тут 👨‍👩‍👧!", "Яма тут !"),
        ("{quotes: straight}", "«а» „б“ ‘в’", '"а" "б" \'в\''),
        ('{says: {"…": "...", "№": "N"}}', "№5…", "N5..."),
        ("{line_ends: crlf}", "а\nб\r\nв", "а\r\nб\r\nв"),
        ("{line_ends: space}", "а\r\nб\u2028в", "а б в"),
        ("{}", "a\x00b\x0bc й", "abc й"),
    ],
)
async def test_a_text_is_made_ready_for_the_agency(wire: Wire, rules: str, text: str, expected: str) -> None:
    """Q27, Q28, Q29: charset, signs, quotes, line ends, pictures, what XML forbids, letters of two signs."""
    body = await body_of(wire, "send: {it: message.text}", replace(MESSAGE, text=text), f"text: {rules}")
    assert body["it"] == expected


def test_a_text_that_must_not_be_changed_is_not_sent() -> None:
    """Q28."""
    adapter = adapter_of(submit("send: {it: message.text}", "text: {charset: windows-1251, cannot_hold: refuse}"))
    with pytest.raises(CannotBuild, match="`it` holds a sign that cp1251 lacks") as caught:
        adapter.submit_call(replace(MESSAGE, text="секрет 🕳"))
    assert "секрет" not in caught.value.text
    assert adapter.submit_call(replace(MESSAGE, text="секрет")).body == {"it": "секрет"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Звоните +7 (910) 123-45-67 или 8 910 123 45 67.", "Звоните *** или ***."),
        ("тел. 89101234567, 495 123-45-67", "тел. ***, ***"),
        ("пишите ivan.petrov@mail.example", "пишите ***"),
        ("Иванов Иван Иванович упал", "*** упал"),
        ("сказала Анна Петровна, и Сидоров-Крюк А. Б. видел", "сказала ***, и *** видел"),
        ("дом 121, корпус 4, заявка 24-000017-K от 01.02.2026, счёт 40817810099910004312", None),
        ("улица Суворова, 5 000 рублей, ямы 10 на 15 на 20", None),
    ],
)
async def test_what_must_never_go_to_an_agency_is_hidden(wire: Wire, text: str, expected: str | None) -> None:
    """Redaction: phones, mail addresses and names, and nothing that a case needs."""
    message = replace(MESSAGE, text=text)
    body = await body_of(
        wire, "send: {it: message.text | shorten(500)}", message, "text: {hide: [phones, emails, names]}"
    )
    assert body["it"] == (text if expected is None else expected)


# Times


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('message.received_at | time("%d-%b-%Y %H:%M:%S") | upper', "02-MAR-2026 09:15:07"),
        ('message.received_at | time("%Y%m%dT%H%M%S.%L", "UTC")', "20260302T061507.250"),
        ('message.received_at | time("%d.%m.%Y")', "02.03.2026"),
        ('message.received_at | time("%I:%M %p", "Asia/Kamchatka")', "06:15 PM"),
        ('message.received_at | time("%s", "UTC")', "1772432107"),
        ('message.received_at | time("%Y-%m-%dT%H:%M:%S%:z")', "2026-03-02T09:15:07+03:00"),
        ('message.received_at | shift("-2m") | local', "2026-03-02T09:13:07"),
        ("message.received_at | by_their_clock | local", "2026-03-02T09:14:37"),
        ("now | local", "2026-03-02T12:00:00"),
    ],
)
def test_a_time_is_written_as_the_field_wants_it(expression: str, expected: str) -> None:
    """Q12, Q13: form and zone for each field, date and time apart, a clock known or measured to be wrong."""
    adapter = adapter_of(submit(f"send: {{at: '{expression}'}}"))
    circumstances = Circumstances(now=NOW, clock_ahead_s=-30.0)
    assert adapter.submit_call(MESSAGE, circumstances).body == {"at": expected}


def test_the_hour_that_comes_twice_is_written_with_its_zone() -> None:
    """Q13: in Chișinău clocks go back at the end of October."""
    text = submit('send: {at: message.received_at | time("%H:%M %z")}').replace("Europe/Moscow", "Europe/Chisinau")
    times = [replace(MESSAGE, received_at=NOW.replace(month=10, day=25, hour=hour, minute=30)) for hour in (23, 0)]
    times[0] = replace(times[0], received_at=times[0].received_at.replace(day=24))
    written = [adapter_of(text).submit_call(one).body for one in times]
    assert written == [{"at": "02:30 +0300"}, {"at": "02:30 +0200"}]


# Answers


@pytest.mark.parametrize(
    ("status", "tree", "kind", "already_there"),
    [
        (200, {"id": "C-1", "error": None}, OutcomeKind.ACCEPTED, False),
        (200, {"error": {"text": "Unknown kind"}}, OutcomeKind.REFUSED, False),
        (200, {"error": {"text": "reference already exists in database"}}, OutcomeKind.UNKNOWN, False),
        (200, {"id": "C-1", "error": {"text": "Reference ALREADY exists"}}, OutcomeKind.ACCEPTED, True),
        (200, {"error": {"text": "deadlock"}}, OutcomeKind.TRY_LATER, False),
        (200, {"ok": "Thank you for your feedback, and goodbye"}, OutcomeKind.UNKNOWN, False),
        (500, None, OutcomeKind.UNKNOWN, False),
    ],
)
async def test_conditions_read_what_no_code_says(
    wire: Wire, status: int, tree: object, kind: OutcomeKind, already_there: bool
) -> None:
    """Q6, Q8, Q49: an error inside a success, "already exists" in words; a number still beats everything (Q7)."""
    answer = """
    answer:
      case_id: id
      outcome:
        already_there_when: error.text | like("*already exists*")
        try_later_when: error.text | like("*deadlock*")
        refused_when: error is defined and not (error.text | like("*deadlock*"))
        accepted_when: http.status == "200" and (id is defined or ok | like("thank you*"))
    """
    _, outcome = await sent(wire, submit("send: {it: message.text}", answer=answer), status=status, answer=tree or {})
    assert (outcome.kind, outcome.already_there) == (kind, already_there)


async def test_our_own_number_may_be_the_key_of_the_case(wire: Wire) -> None:
    """Q9: no number comes back at all."""
    answer = 'answer: {case_id: our.reference, outcome: {from: http.status, accepted: ["200"]}}'
    _, outcome = await sent(wire, submit("send: {it: message.text}", answer=answer), status=200, answer={})
    assert outcome.case_ids == {"case_id": "24-000017-K"}


async def test_a_case_has_several_identifiers(wire: Wire) -> None:
    """Q9: a GUID beside the number people say; both are there for later calls."""
    answer = """
    answer:
      case_id: case.guid
      also_known_as: {number: case.number, none: case.none}
      outcome: {from: http.status, accepted: ["201"]}
    """
    more = """
    add_comment:
      request: POST /cases/{case.id}/comments
      when_answer_is_lost: ask-a-person
      send: {number: case.number, text: comment.text}
      answer: {outcome: {from: http.status, accepted: ["201"]}}
    """
    text = submit("send: {it: message.text}", more, answer)
    _, outcome = await sent(wire, text, answer={"case": {"guid": "G-1", "number": 17}})
    assert outcome.case_ids == {"case_id": "G-1", "number": "17"}
    call = adapter_of(text).write_call("add_comment", MESSAGE, case_ids=outcome.case_ids, comment={"text": "Ещё одно"})
    assert (call.path, call.body) == ({"v0": "G-1"}, {"number": "17", "text": "Ещё одно"})


def test_a_late_number_is_no_failure() -> None:
    """Q10."""
    answer = 'answer: {case_id: id, case_id_comes: later, outcome: {from: http.status, accepted: ["202"]}}'
    adapter = adapter_of(submit("send: {it: message.text}", answer=answer))
    outcome = adapter.read_submit(reply({}, 202))
    assert (outcome.kind, outcome.case_ids) == (OutcomeKind.ACCEPTED, {})
    assert adapter.case_id_comes_later


# Once more, changed


RESEND = """
resend_once:
  - when: error.code == "unknown_kind"
    with: {kind: '"other"'}
  - when: error.text | like("*greater than the effective date*")
    without: [at]
  - when: error.text | like("*character*")
    with: {text: {value: message.text | latin, max_chars: 10}}
"""


@pytest.mark.parametrize(
    ("tree", "rule", "body"),
    [
        ({"error": {"code": "unknown_kind"}}, 0, {"text": "Глубокая яма.", "kind": "other", "at": "2026-03-02"}),
        ({"error": {"text": "Must be GREATER than the Effective Date"}}, 1, {"text": "Глубокая яма.", "kind": "Ямы"}),
        ({"error": {"text": "bad character"}}, 2, {"text": "Glubokaya…", "kind": "Ямы", "at": "2026-03-02"}),
        ({"error": {"text": "something else"}}, None, {"text": "Глубокая яма.", "kind": "Ямы", "at": "2026-03-02"}),
    ],
)
def test_an_answer_that_says_what_is_wrong_changes_the_call_for_one_more_try(
    tree: dict[str, object], rule: int | None, body: dict[str, object]
) -> None:
    """Q11: the rows keep their places."""
    rows = 'send: {text: message.text, kind: message.category_name, at: message.received_at | time("%Y-%m-%d")}'
    adapter = adapter_of(submit(rows + RESEND))
    found = adapter.resend_rule("submit", reply(tree, 422))  # type: ignore[arg-type]  # plain JSON
    assert found == rule
    again = adapter.submit_call(MESSAGE, Circumstances(resend=found)).body
    assert again == body
    assert isinstance(again, dict)
    assert list(again) == list(body)


# Look-up


def look_up(way: str) -> Adapter:
    more = f"""
    look_up:
      request: GET /cases
      settles_within: 1s
      answer: {{each: items, case_id: item.id, also_known_as: {{number: item.number}}, {way}}}
    """
    return adapter_of(submit("send: {it: message.text}", more))


def cases(*items: Tree) -> Reply:
    return reply({"items": list(items)})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Обращение 24-000017-K от жителя", True),
        ("(24-000017-K)", True),
        ("124-000017-K", False),
        ("24-000017-K-2", False),
        (None, False),
        ("", False),
    ],
)
def test_our_number_is_found_inside_a_text(text: str | None, found: bool) -> None:
    """Q37, Q52: a system without a field for our number."""
    adapter = look_up("reference_inside: item.text")
    answer = cases({"id": "C-1", "number": "17", "text": text}, {"id": "C-2", "text": "другое"})
    assert adapter.read_look_up(answer, MESSAGE) == (Found({"case_id": "C-1", "number": "17"}) if found else NotFound())


def test_a_case_is_found_by_its_words_and_never_guessed_between_two() -> None:
    """Q37: the new row has to be found by comparing texts."""
    adapter = look_up("ours_when: item.text | same_words(our.text)")
    message = replace(MESSAGE, text="Глубокая яма у остановки, объезжаем по встречной!")
    mine: dict[str, Tree] = {"id": "C-1", "text": "глубокая  яма у остановки объезжаем\nпо встр"}
    assert adapter.read_look_up(cases(mine, {"id": "C-2", "text": "Яма"}), message) == Found({"case_id": "C-1"})
    assert isinstance(adapter.read_look_up(cases(mine, {**mine, "id": "C-3"}), message), Unclear)
    assert adapter.read_look_up(cases({"id": "C-2", "text": "глубокая"}), message) == NotFound()
    assert isinstance(adapter.read_look_up(cases({"id": "C-2"}), message), Unclear)


# Tables


def test_a_kind_comes_back_as_our_category() -> None:
    """Q24: many of ours are one of theirs; the file says which one comes back."""
    more = """
    translate: {kinds: {roads/pothole: "0412", roads/unpaved: "0412", roads/sign: "0418"}}
    translate_back: {kinds: {"0412": roads/pothole, "*": other/other}}
    """
    answer = (
        'answer: {case_id: id, code: kind | translate_back("kinds"), outcome: {from: http.status, accepted: ["201"]}}'
    )
    adapter = adapter_of(submit('send: {kind: message.category | translate("kinds")}', more, answer))
    back = {kind: adapter.read_submit(reply({"kind": kind, "id": "1"}, 422)).code for kind in ("0412", "0418", "0499")}
    # A code of the agency is shown as far as it is one; a category has a slash and is not.
    assert back == {"0412": None, "0418": None, "0499": None}
    assert adapter.plan.submit.reading.code is not None
    values = [adapter.plan.submit.reading.code.evaluate({"kind": kind}, adapter.plan.words) for kind in back]
    assert values == ["roads/pothole", "roads/sign", "other/other"]


def test_a_row_of_the_file_counts_before_a_fetched_one() -> None:
    """Q22, Q25."""
    more = """
    translate: {kinds: {roads/pothole: "0412"}}
    fetched_tables: {kinds: {request: GET /kinds, each: items, ours: item.name, theirs: item.id}}
    """
    adapter = adapter_of(submit('send: {a: message.category | translate("kinds")}', more))
    fetched = adapter.read_table(
        "kinds", reply({"items": [{"name": "roads/pothole", "id": 9}, {"name": "roads/snow", "id": 7}, {}]})
    )
    assert fetched == {"roads/pothole": "9", "roads/snow": "7"}
    circumstances = Circumstances(tables={"kinds": fetched})
    bodies = [
        adapter.submit_call(replace(MESSAGE, category=category), circumstances).body
        for category in ("roads/pothole", "roads/snow")
    ]
    assert bodies == [{"a": "0412"}, {"a": "7"}]
    for nothing in (
        reply({"items": []}),
        reply(None),
        reply({"items": [{}]}),
        reply({"items": [{"name": "x", "id": 1}]}, 500),
    ):
        assert adapter.read_table("kinds", nothing) is None


# Faults of the file


@pytest.mark.parametrize(
    ("rows", "more", "code", "words"),
    [
        ("send: {a: {each: message.attachments}}", "", "missing-key", "`send` (rows) and `value`"),
        ("send: {a: {value: message.text, max_char: 5}}", "", "unknown-key", "Did you mean `max_chars`"),
        ("send: {a: {value: message.text, max_chars: 0}}", "", "bad-value", "greater than or equal to 1"),
        ("send: {a: {each: message.attachments, send: {b: {each: item.x}}}}", "", "missing-key", "`send` (rows)"),
        ("send: {a: message.text}\nresend_once: [{when: error is defined}]", "", "missing-key", "`with` or `without`"),
        ("send: {a: message.text}", "text: {charset: windows-9}", "unknown-charset", "windows-1251"),
        ("send: {a: message.text}", 'text: {says: {a: "aa"}}', "bad-value", "must not hold a sign"),
        ("send: {a: message.text}", "hooks: {a: os.system}", "bad-value", ""),
        (
            "send: {a: message.text}",
            "fetched_tables: {a: {request: GET /a, each: a, ours: a, theirs: a, may_lose: 2}}",
            "bad-share",
            "`20%`",
        ),
        (
            "send: {a: message.text}",
            "then: [{name: a, request: GET /a, answer: {outcome: {accepted_when: 'true'}}}]",
            "missing-key",
            "reads_only",
        ),
    ],
)
def test_a_mistake_is_named_with_its_remedy(rows: str, more: str, code: str, words: str) -> None:
    with pytest.raises(FileFaults) as caught:
        file_of(submit(rows, more))
    assert code in [fault.code for fault in caught.value.faults]
    assert words in str(caught.value)


def test_codes_without_a_place_and_answers_without_rules_are_faults() -> None:
    for outcome, words in (("{accepted: [a]}", "codes need `from`"), ("{from: a}", "needs codes or conditions")):
        with pytest.raises(FileFaults, match=words):
            file_of(submit("send: {a: message.text}", answer=f"answer: {{case_id: id, outcome: {outcome}}}"))
