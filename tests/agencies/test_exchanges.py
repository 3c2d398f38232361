"""`protocol: folder` and `protocol: mail` in an agency file: what is possible, and what is a fault with its line and remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agencies.dry_run import _stand_ins
from agencies.profile_file import ProfileHead
from agencies.registry import Registry, check_agency_file
from agencies.source import FileFaults, Source
from connectors.folder.connector import FolderConnector
from connectors.mail.connector import MailConnector
from tests.adapters.words import MESSAGE

HEAD = """version: 1
agency: {code: north, name: {ru: Север, en: North}, owner: it@north.example, timezone: Europe/Moscow, receives: [roads/*]}
"""
FOLDER = (
    HEAD
    + """connection:
  protocol: folder
  address: ${NORTH_FOLDER}
  folder: {document: m.xml}
submit:
  operation: send
  when_answer_is_lost: resend
  headers: {packet: message.id}
  send: {m.text: message.text}
  answer: {case_id: packet, outcome: {from: http.status, accepted: ["201"], already_there: ["200"]}}
"""
)
MAIL = (
    HEAD
    + """connection:
  protocol: mail
  address: smtps://mail.okno.example
  security: {kind: basic, username: "${NORTH_USER}", password: "${NORTH_PASSWORD}"}
  mail:
    from: okno@okno.example
    reply_to: reply+{case}@okno.example
    key: ${NORTH_KEY}
    inbox: /srv/mail/okno
submit:
  operation: send
  when_answer_is_lost: ask-a-person
  headers: {to: "'roads@north.example'", subject: message.reference, case: message.reference}
  send: {text: message.text}
  answer: {case_id: case, outcome: {from: http.status, accepted: ["250"]}}
"""
)
VARIABLES = {"NORTH_USER": "okno", "NORTH_PASSWORD": "word", "NORTH_KEY": "0123456789abcdef"}


def faults_of(folder: Path, text: str) -> list[str]:
    path = folder / "north.yaml"
    path.write_text(text)
    try:
        check_agency_file(path)
    except FileFaults as found:
        return [str(fault).removeprefix(f"{path}:") for fault in found.faults]
    return []


def test_both_hold_and_have_their_connector(tmp_path: Path) -> None:
    for text, kind in ((FOLDER, FolderConnector), (MAIL, MailConnector)):
        assert faults_of(tmp_path, text) == []
        variables = {**VARIABLES, "NORTH_FOLDER": str(tmp_path)}
        registry = Registry.of_files([tmp_path / "north.yaml"], variables=variables)
        assert isinstance(registry.connector("north", None), kind)
    assert "0123456789abcdef" in registry.secrets("north")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("  folder: {document: m.xml}\n", "", "missing-key `connection`: `protocol: folder` needs `folder`"),
        ("document: m.xml", "document: ../m.xml", "bad-name"),
        ("document: m.xml", "settles: soon", "bad-duration"),
        ("document: m.xml", "files: {at: a b, name: n}", "bad-path"),
        ("  folder:", "  tls: {profile: old}\n  folder:", "`tls` belongs to rest and soap"),
        ("  folder:", "  wsdl: a.wsdl\n  folder:", "belong to soap"),
        ("operation: send", "request: POST /a", "has `operation: send`, `read`, `archive`"),
        ("operation: send", "operation: sent", "has `operation: send`, `read`, `archive`"),
        ("{packet: message.id}", "{}", "needs the row `packet` of `headers`"),
        ("{packet: message.id}", "{packet: message.id, pocket: message.id}", "there is no such row here"),
        ("  send: {m.text: message.text}\n", "", "what is said?"),
        ("  send: {m.text", "  query: {a: message.id}\n  send: {m.text", "has no `query`"),
    ],
)
def test_a_folder_that_cannot_work_is_a_fault(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert FOLDER.count(old) == 1
    assert any(fault in one for one in faults_of(tmp_path, FOLDER.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("reply+{case}@okno.example", "reply@okno.example", "must be an address with `{case}`"),
        ("from: okno@okno.example", "from: okno", "must be a mail address"),
        ("key: ${NORTH_KEY}", "key: secret", "a secret is written `${NAME}`"),
        ("inbox: /srv/mail/okno", "inbox: /srv/mail/okno\n    inbox_username: ${NORTH_USER}", "need each other"),
        (
            'kind: basic, username: "${NORTH_USER}", password: "${NORTH_PASSWORD}"',
            'kind: bearer, token: "${NORTH_USER}"',
            "does not exist for this protocol",
        ),
        (", case: message.reference", "", "needs the row `case` of `headers`"),
        ("  send: {text", "  form: {a: message.id}\n  send: {text", "has no `form`"),
        ("protocol: mail", "protocol: rest", "`mail` belongs to `protocol: mail`"),
    ],
)
def test_mail_that_cannot_work_is_a_fault(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert MAIL.count(old) == 1
    assert any(fault in one for one in faults_of(tmp_path, MAIL.replace(old, new)))


@pytest.mark.parametrize("name", ["delo", "mail", "medo", "open311", "redmine", "request-tracker", "smev3", "znuny"])
def test_a_profile_holds_and_says_what_was_not_verified(name: str, tmp_path: Path, config_folder: Path) -> None:
    systems = Path(shutil.copytree(config_folder / "systems", tmp_path / "systems"))
    _, file = check_agency_file(systems / f"{name}.yaml")
    assert file.examples
    system = Source.read(systems / f"{name}.yaml").typed(ProfileHead).system
    assert system.not_verified
    assert system.verified or "nothing was tried against a real" in system.not_verified[0]


@pytest.mark.parametrize(
    ("text", "begins"), [(FOLDER, "file:///srv/north-folder.invalid/out/"), (MAIL, "smtps://mail.okno.example")]
)
def test_a_rehearsal_needs_no_variable_and_opens_nothing(tmp_path: Path, text: str, begins: str) -> None:
    assert faults_of(tmp_path, text) == []
    _, file = check_agency_file(tmp_path / "north.yaml")
    registry = Registry.of_files([tmp_path / "north.yaml"], variables=_stand_ins(file))
    call = registry.adapter("north").submit_call(MESSAGE)
    assert registry.connector("north", None).render(call).url.startswith(begins)
