"""`uses:` and `with:`: a known product is ten lines, and every fault points at the line of the right file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from adapters.context import MessageContext
from agencies.registry import Registry, check_agency_file
from agencies.rule_pages import EXAMPLES
from agencies.sample import load_sample
from agencies.source import Fault, FileFaults

VARIABLES = {"WORKS_TOKEN": "works-word"}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of a profile, `systems/desk.yaml`, and of an agency that uses it, `agencies/works.yaml`."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "config"))


@pytest.fixture
def message(files: Path) -> MessageContext:
    return load_sample(files / "agencies" / "roads" / "pothole.yaml")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def faults_of(path: Path) -> tuple[Fault, ...]:
    try:
        check_agency_file(path)
    except FileFaults as found:
        return found.faults
    return ()


def test_what_the_profile_says_is_sent_to_the_agencys_own_address(files: Path, message: MessageContext) -> None:
    registry = Registry.of_files([files / "agencies" / "works.yaml"], variables=VARIABLES)
    request = registry.connector("works", None).render(registry.adapter("works").submit_call(message))
    assert (request.method, request.url) == ("POST", "https://works.example/api/queues/inbox/tickets")
    assert request.headers["Authorization"] == "Bearer works-word"


def test_an_answer_stands_inside_a_text_too(files: Path, message: MessageContext) -> None:
    edit(files / "agencies" / "works.yaml", "  token:", "  queue: roads-of-the-north\n  token:")
    registry = Registry.of_files([files / "agencies" / "works.yaml"], variables=VARIABLES)
    request = registry.connector("works", None).render(registry.adapter("works").submit_call(message))
    assert request.url == "https://works.example/api/queues/roads-of-the-north/tickets"


def test_the_agencys_own_keys_win_and_the_rest_of_the_profile_stays(files: Path, message: MessageContext) -> None:
    path = files / "agencies" / "works.yaml"
    path.write_text(
        path.read_text() + "submit: {send: {text: message.text | shorten(10)}}\nconnection: {timeout: 7s}\n"
    )
    _, file = check_agency_file(path)
    assert file.connection.timeout == 7.0
    assert list(file.submit.send.items()) == [("subject", "message.subject"), ("text", "message.text | shorten(10)")]


def test_a_fault_of_the_profile_is_at_its_line_in_the_profile(files: Path) -> None:
    edit(files / "systems" / "desk.yaml", "    subject: message.subject\n", "    subject: message.subjct\n")
    (fault,) = faults_of(files / "agencies" / "works.yaml")
    assert (Path(fault.file).name, fault.line, fault.code) == ("desk.yaml", 19, "unknown-name")


def test_a_fault_of_an_answer_is_at_its_line_in_the_agency_file(files: Path) -> None:
    edit(files / "agencies" / "works.yaml", "${WORKS_TOKEN}", "hunter2")
    (fault,) = faults_of(files / "agencies" / "works.yaml")
    assert (Path(fault.file).name, fault.line, fault.code) == ("works.yaml", 12, "bad-answer")
    assert "hunter2" not in str(fault)


def test_a_fault_of_an_own_key_is_at_its_line_in_the_agency_file(files: Path) -> None:
    path = files / "agencies" / "works.yaml"
    path.write_text(path.read_text() + "submit: {send: {text: message.txt}}\n")
    (fault,) = faults_of(path)
    assert (Path(fault.file).name, fault.line, fault.code) == ("works.yaml", 13, "unknown-name")


def test_every_question_without_an_answer_is_named_with_its_words(files: Path) -> None:
    path = files / "agencies" / "works.yaml"
    path.write_text(path.read_text().split("with:")[0])
    assert ["`address`: where it is" in str(one) or "`token`: the token" in str(one) for one in faults_of(path)] == [
        True,
        True,
    ]


def test_an_optional_question_without_an_answer_leaves_its_row_out(files: Path) -> None:
    team = '  team: {says: the team, kind: text, example: a, optional: "true"}'
    edit(files / "systems" / "desk.yaml", "\nconnection:\n", f"\n{team}\nconnection:\n")
    edit(files / "systems" / "desk.yaml", "    text: message.text", "    text: message.text\n    team: \"'<team>'\"")
    _, file = check_agency_file(files / "agencies" / "works.yaml")
    assert "team" not in file.submit.send
    edit(files / "agencies" / "works.yaml", "  token:", "  team: north\n  token:")
    _, file = check_agency_file(files / "agencies" / "works.yaml")
    assert file.submit.send["team"] == "'north'"


def test_a_profile_builds_on_a_profile_and_answers_its_questions(files: Path) -> None:
    (files / "systems" / "big-desk.yaml").write_text(
        "version: 1\n"
        "system: {code: big-desk, version: 1, name: {ru: Стол, en: Desk}}\n"
        "asks:\n"
        "  host: {says: its host, kind: text, example: desk.example}\n"
        "uses: desk@2\n"
        'with: {address: "https://<host>/api", token: "${BIG_DESK_TOKEN}", queue: big}\n'
    )
    path = files / "agencies" / "works.yaml"
    path.write_text(path.read_text().split("uses:")[0] + "uses: big-desk@1\nwith: {host: big.example}\n")
    _, file = check_agency_file(path)
    assert file.connection.address == "https://big.example/api"
    assert file.submit.request == "POST /queues/big/tickets"
    assert faults_of(files / "systems" / "big-desk.yaml") == ()


def test_profiles_in_a_circle_are_told_with_the_way(files: Path) -> None:
    edit(files / "systems" / "desk.yaml", "connection:\n", "uses: other@1\nwith: {}\nconnection:\n")
    (files / "systems" / "other.yaml").write_text(
        "version: 1\nsystem: {code: other, version: 1, name: {ru: А, en: A}}\nasks: {}\n"
        "uses: desk@2\nwith: {address: https://a.example, token: '${A}'}\n"
    )
    (fault,) = faults_of(files / "agencies" / "works.yaml")
    assert (fault.code, "desk → other → desk" in fault.text) == ("cyclic-uses", True)


def test_a_profile_is_checked_with_the_examples_of_its_questions(files: Path) -> None:
    assert faults_of(files / "systems" / "desk.yaml") == ()
    edit(files / "systems" / "desk.yaml", "    case_id: id", "    case_id: id | shortn(3)")
    assert [one.code for one in faults_of(files / "systems" / "desk.yaml")] == ["unknown-filter"]


def test_an_answer_cannot_break_out_of_the_text_it_stands_in(files: Path) -> None:
    edit(files / "agencies" / "works.yaml", "  token:", "  queue: \"x' ~ message.text ~ '\"\n  token:")
    assert [one.code for one in faults_of(files / "agencies" / "works.yaml")] == ["bad-answer"]
