"""What one part of sending says of another must be true: each mistake is a fault at its line, with the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from agencies.checks import Subject, check
from agencies.model import AgencyFile
from agencies.source import Fault, Source
from tests.adapters.small_agency import submit

KEEPING = 'when_answer_is_lost: ask-a-person, answer: {keep: {x: x}, outcome: {from: http.status, accepted: ["200"]}}'
STEP = 'when_answer_is_lost: ask-a-person, answer: {outcome: {from: http.status, accepted: ["200"]}}'
ALWAYS = STEP.replace("accepted: ", "refused_when: not false, accepted: ")
TWO_STEPS = (
    f"before: [{{name: a, request: GET /a, query: {{g: steps.b.x}}, {STEP}}}, {{name: b, request: GET /b, {STEP}}}]"
)
KEEPS = 'answer: {case_id: id, keep: {guid: guid}, also_known_as: {number: number}, outcome: {from: http.status, accepted: ["201"]}}'


def faults_of(text: str, folder: Path) -> list[Fault]:
    source = Source.parse(text, "small.yaml")
    return check(Subject(source, source.typed(AgencyFile), folder))


@pytest.mark.parametrize(
    "more",
    [
        f"then: [{{name: a, request: 'POST /cases/{{case.number}}/a', send: {{g: steps.submit.guid}}, {STEP}}}]",
        f"before: [{{name: a, request: 'POST /a', {KEEPING}}}, {{name: b, request: 'POST /b', send: {{x: steps.a.x}}, {STEP}}}]",
        f"add_comment: {{request: 'POST /c', send: {{t: comment.text, at: 'comment.at | local', n: case.number}}, {STEP}}}",
        f"set_priority: {{request: 'POST /c', send: {{p: priority.value}}, {STEP}}}",
        f"reopen: {{request: 'POST /d', send: {{r: reopening.text, n: reopening.round}}, {STEP}}}",
        "fetched_tables: {kinds: {request: GET /kinds, each: items, ours: item.name, theirs: item.id}}",
    ],
)
def test_a_file_that_says_what_is_true_has_no_fault(tmp_path: Path, more: str) -> None:
    rows = """
    send: {text: message.text, photos: {each: message.attachments, send: {name: item.name, n: number, our: message.reference}}}
    resend_once: [{when: error.code == "text", with: {text: {value: message.text | latin, max_chars: 9}}, without: [photos]}]
    """
    assert faults_of(submit(rows, more, KEEPS), tmp_path) == []


@pytest.mark.parametrize(
    ("rows", "more", "code", "words"),
    [
        ("resend_once: [{when: a == 'b', with: {texd: message.id}}]", "", "unknown-row", "Did you mean `text`"),
        ("resend_once: [{when: a == 'b', without: [texd]}]", "", "unknown-row", "Did you mean `text`"),
        ("", f"then: [{{name: a, request: GET /a, send: {{}}, query: {{g: steps.submit.gud}}, {STEP}}}]", "unknown-name", "Did you mean `guid`"),
        ("", f"then: [{{name: a, request: GET /a, query: {{g: steps.b.x}}, {STEP}}}]", "unknown-name", "no `steps.b`"),
        ("", f"then: [{{name: a, request: GET /a, query: {{g: case.numbr}}, {STEP}}}]", "unknown-name", "Did you mean `case.number`"),
        ("", TWO_STEPS, "unknown-name", "`b` comes later"),
        ("", f"before: [{{name: a, request: GET /a, query: {{g: steps.submit.guid}}, {STEP}}}]", "unknown-name", "`submit` comes later"),
        ("", f"attachment: {{request: POST /f, send: {{t: item.uploaded.token}}, {STEP}}}", "unknown-name", "no step `upload`"),
        ("", f"add_comment: {{request: POST /c, send: {{t: comment.words}}, {STEP}}}", "unknown-name", "no `comment.words`"),
        ("", f"reopen: {{request: POST /c, send: {{t: comment.text}}, {STEP}}}", "unknown-name", "no `comment`"),
        ("", f"withdraw: {{request: POST /c, {STEP.replace('ask-a-person', 'resend')}}}", "repeat-not-recognised", "ask-a-person"),
        ("", f"upload: {{request: POST /c, {STEP}}}", "missing-key", "where do the bytes go"),
        ("resend_once: [{when: 'true', without: [text]}]", "", "wildcard-outcome", "fits every answer"),
        ("", f"withdraw: {{request: POST /c, {ALWAYS}}}", "wildcard-outcome", "looks at nothing"),
        ("limits: {max_bytes: 1 MB}", "", "limits-without-use", "message.attachments"),
        ("limits: {max_bytes: 1 MB}", f"attachment: {{request: POST /f, send: {{t: item.name}}, {STEP}}}", "limits-without-use", "`attachment`"),
        ("", "hooks: {a: nowhere:a}", "hook-not-allowed", "adapters/hooks/nowhere.py"),
        ("", f"withdraw: {{request: POST /c, send: {{a: case.id | hook('b')}}, {STEP}}}", "unknown-name", "no such hook"),
        ("", f"withdraw: {{request: POST /c, send: {{a: now}}, {STEP}}}", "time-needs-form", "a time needs a form"),
        ("", f"withdraw: {{request: POST /c, send: {{a: case.id | translate_back('b')}}, {STEP}}}", "unknown-table", "no table `b`"),
    ],
)  # fmt: skip
def test_a_mistake_between_two_parts_is_a_fault(tmp_path: Path, rows: str, more: str, code: str, words: str) -> None:
    faults = faults_of(submit("send: {text: message.text}\n" + rows, more, KEEPS), tmp_path)
    assert code in {fault.code for fault in faults}, faults
    assert words in "\n".join(fault.text for fault in faults if fault.code == code)
    assert all(fault.line > 1 for fault in faults)


def test_a_number_that_comes_later_needs_a_way_to_come(tmp_path: Path) -> None:
    answer = 'answer: {case_id: id, case_id_comes: later, outcome: {from: http.status, accepted: ["202"]}}'
    (fault,) = faults_of(submit("send: {text: message.text}", "", answer), tmp_path)
    assert (fault.code, "needs `look_up`" in fault.text) == ("nothing-to-look-up", True)
    look_up = "look_up: {request: GET /c, settles_within: 1s, answer: {each: items, case_id: item.id, ours_when: item.text | same_words(our.text)}}"
    assert faults_of(submit("send: {text: message.text}", look_up, answer), tmp_path) == []
