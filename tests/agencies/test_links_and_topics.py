"""Links to files and topics that come back, in the file: what is taken, what is a fault, and where the file asks for links."""

from __future__ import annotations

from pathlib import Path

import pytest

from agencies.build import build_adapter
from agencies.links import places_of_links
from agencies.registry import check_agency_file
from agencies.source import FileFaults
from tests.adapters.small_agency import file_of, submit

STEP = 'when_answer_is_lost: ask-a-person, answer: {outcome: {from: http.status, accepted: ["200"]}}'
TEXT = "send: {text: message.text}"
POLL = "request: GET /changes, every: 10m, each: items, case_id: item.case, state: item.state, overlap: 1h, query: {s: poll.since | utc_ms}"


def faults_of(text: str, folder: Path) -> list[tuple[str, str]]:
    path = folder / "small.yaml"
    path.write_text(text)
    try:
        check_agency_file(path)
    except FileFaults as found:
        return [(one.code, one.text) for one in found.faults]
    return []


@pytest.mark.parametrize(
    ("rows", "more", "place"),
    [
        (TEXT, f"attachment: {{request: POST /f, send: {{url: item.link}}, {STEP}}}", ("attachment", "send", "url")),
        (TEXT, f"upload: {{request: POST /u, send: {{url: item.link}}, {STEP}}}", ("upload", "send", "url")),
        (
            "send: {urls: {each: message.attachments, value: item.link}}",
            "",
            ("submit", "send", "urls", "value"),
        ),
        (
            "send: {files: {each: message.attachments, send: {a.url: \"'see ' ~ item.link\"}}}",
            "",
            ("submit", "send", "files", "send", "a.url"),
        ),
        ("send: {url: message.attachments.0.link}", "", ("submit", "send", "url")),
        ("send: {url: message.attachments | first_of('link')}", "", ("submit", "send", "url")),
        (TEXT, f"attachment: {{request: \"POST /f/{{item.link}}\", {STEP}}}", ("attachment", "request")),
    ],
)  # fmt: skip
def test_a_link_is_found_wherever_something_is_sent(rows: str, more: str, place: tuple[str, ...]) -> None:
    file = file_of(submit(rows, more))
    assert places_of_links(file) == [place]
    assert build_adapter(file).plan.says_links


@pytest.mark.parametrize(
    ("rows", "more"),
    [
        ("send: {url: \"'item.link'\", link: message.text}", ""),
        ("send: {files: {each: message.attachments, value: item.name}}", ""),
        (TEXT, f"status: {{poll: {{{POLL}, note: item.link}}, means: {{a: registered}}}}"),
    ],
)
def test_what_only_looks_like_a_link_is_none(rows: str, more: str) -> None:
    assert places_of_links(file_of(submit(rows, more))) == []


def test_a_file_that_takes_addresses_and_no_files_is_without_fault(tmp_path: Path) -> None:
    more = f'attachment: {{request: "POST /cases/{{case.id}}/links", limits: {{link_lives: 12h}}, send: {{url: item.link}}, {STEP}}}'
    assert faults_of(submit(TEXT, more), tmp_path) == []
    assert build_adapter(file_of(submit(TEXT, more))).attachment_limits.link_lives_s == 12 * 3600


@pytest.mark.parametrize("lives", ["59m", "31d", "week", "7", "-1d"])
def test_a_link_that_lives_too_short_too_long_or_nonsense_is_a_fault(tmp_path: Path, lives: str) -> None:
    more = f"attachment: {{request: POST /f, limits: {{link_lives: {lives}}}, send: {{url: item.link}}, {STEP}}}"
    ((code, text),) = faults_of(submit(TEXT, more), tmp_path)
    assert code == "bad-duration"
    assert text.startswith("`attachment.limits.link_lives`: must be ")


def test_a_topic_that_comes_back_needs_a_table_that_exists(tmp_path: Path) -> None:
    """Q24."""
    status = (
        f"status: {{poll: {{{POLL}, category: 'item.kind | translate_back(\"kinds\")'}}, means: {{a: registered}}}}"
    )
    assert [code for code, _ in faults_of(submit(TEXT, status), tmp_path)] == ["unknown-table"]
    assert faults_of(submit(TEXT, status + "\ntranslate: {kinds: {roads/pothole: '1'}}"), tmp_path) == []
