"""`uses: mail@1` against a mail server, a mailbox and people who reply, in both directions."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from connectors.base import NotSent
from domain.outcome import OutcomeKind
from domain.status import Status
from tests.connectors.certificates import issue
from tests.fakes.mail import Imap, People, Smtp
from tests.profiles.story import HARD_TEXT, Connected, photo

SECRETS = {
    "NORTH_USER": "okno",
    "NORTH_PASSWORD": "mail-secret",
    "NORTH_KEY": "0123456789abcdef0123456789abcdef",
    "NORTH_INBOX_USER": "okno",
    "NORTH_INBOX_PASSWORD": "inbox-secret",
}
ANSWERS: dict[str, object] = {
    "username": "${NORTH_USER}",
    "password": "${NORTH_PASSWORD}",
    "from": "okno@okno.example",
    "reply_to": "reply+{case}@okno.example",
    "key": "${NORTH_KEY}",
    "inbox_username": "${NORTH_INBOX_USER}",
    "inbox_password": "${NORTH_INBOX_PASSWORD}",
    "to": "roads@north.example",
    "replies_from": "*@north.example",
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `ca.pem`, and `server.pem` for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificates")
    ca = issue("Mail test authority")
    (folder / "ca.pem").write_bytes(ca.pem)
    issue("post.example", ca).written(folder, "server")
    return folder


@pytest.fixture(scope="module")
def tls(authority: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem")
    return context


@pytest_asyncio.fixture
async def smtp(tls: ssl.SSLContext) -> AsyncIterator[Smtp]:
    server = await Smtp(tls, ("okno", "mail-secret")).start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(params=["move", "copy"])
async def imap(tls: ssl.SSLContext, request: pytest.FixtureRequest) -> AsyncIterator[Imap]:
    server = await Imap(tls, moves=request.param == "move").start()
    yield server
    await server.stop()


def connected(
    smtp: Smtp, inbox: str, authority: Path, folder: Path, session: aiohttp.ClientSession, **others: object
) -> Connected:
    answers = {**ANSWERS, "server": f"smtps://127.0.0.1:{smtp.port}", "inbox": inbox, **others}
    variables = {**SECRETS, "NORTH_CA": str(authority / "ca.pem")}
    return Connected.by(
        "mail@1", answers, variables, folder, session, own="connection: {tls: {ca: '${NORTH_CA}'}, timeout: 5s}\n"
    )


@pytest.fixture
def agency(smtp: Smtp, imap: Imap, authority: Path, tmp_path: Path, session: aiohttp.ClientSession) -> Connected:
    return connected(smtp, f"imaps://127.0.0.1:{imap.port}/INBOX", authority, tmp_path, session)


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "maildir" / name).mkdir(parents=True)
    return tmp_path / "maildir"


@pytest.fixture
def local(smtp: Smtp, maildir: Path, authority: Path, tmp_path: Path, session: aiohttp.ClientSession) -> Connected:
    """An agency whose replies arrive in a Maildir."""
    return connected(smtp, str(maildir), authority, tmp_path, session)


async def people(agency: Connected, smtp: Smtp, reference: str = "26-0001-2345-8") -> People:
    """The people who got a mail of ours."""
    await agency.submitted(agency.message(reference))
    return People(smtp.taken[-1][2])


async def test_a_message_becomes_a_mail_that_says_all_of_it(local: Connected, smtp: Smtp) -> None:
    files = (photo(1, b"\xff\xd8 first \x00\r\n.\r\nQUIT\r\n"),)
    outcome = await local.submit(local.message(text=HARD_TEXT, attachments=files))
    assert (outcome.kind, outcome.case_id) == (OutcomeKind.ACCEPTED, "26-0001-2345-8")
    ((sender, to, raw),) = smtp.taken
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    assert (to, sender) == ("roads@north.example", mail["Reply-To"])
    assert mail["Reply-To"].startswith("reply+26-0001-2345-8.")
    assert mail["Subject"] == "26-0001-2345-8 Яма у остановки"
    text = People(raw).text.replace("\r\n", "\n")
    assert HARD_TEXT.replace("\r\n", "\n") in text
    assert "Адрес: Калуга, улица Суворова, 121\nМесто: 54.507041, 36.252277\nПолучено: 02.03.2026 12:00\n" in text
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "Фото двора.JPG"
    assert attached.get_content() == b"\xff\xd8 first \x00\r\n.\r\nQUIT\r\n"


async def test_a_message_cannot_write_headers(local: Connected, smtp: Smtp) -> None:
    """A citizen who writes line ends into everything changes nothing but the text."""
    evil = "Яма\r\nBcc: everybody@example.org\r\n\r\nbody"
    await local.submitted(local.message(subject=evil, text=evil, address=evil, attachments=(photo(1, b"1", evil),)))
    mail = message_from_bytes(smtp.taken[0][2], policy=default)
    assert mail["Bcc"] is None
    assert mail["Subject"] == "26-0001-2345-8 Яма Bcc: everybody@example.org body"
    assert len(smtp.taken) == 1


async def test_the_same_message_has_the_same_id_and_another_another(local: Connected, smtp: Smtp) -> None:
    for text in ("одно", "одно", "другое"):
        await local.submitted(local.message(text=text))
    first, again, other = (message_from_bytes(raw, policy=default)["Message-ID"] for _, _, raw in smtp.taken)
    assert first == again != other


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        ({"RCPT": 550}, OutcomeKind.REFUSED),
        ({"RCPT": 450}, OutcomeKind.TRY_LATER),
        ({"END": 554}, OutcomeKind.REFUSED),
        ({"END": 451}, OutcomeKind.TRY_LATER),
        ({"MAIL": 599}, OutcomeKind.UNKNOWN),
    ],
)
async def test_what_the_server_says_decides(
    local: Connected, smtp: Smtp, says: dict[str, int], outcome: OutcomeKind
) -> None:
    smtp.says = says
    assert (await local.submit(local.message())).kind is outcome
    assert smtp.taken == []


async def test_a_lost_answer_waits_for_a_person(local: Connected, smtp: Smtp) -> None:
    """Q44, Q52: nobody can be asked whether the mail arrived."""
    smtp.loses_answers = True
    assert (await local.submit(local.message())).kind is OutcomeKind.UNKNOWN
    assert local.adapter.when_answer_is_lost.value == "ask-a-person"


async def test_a_wrong_password_and_a_server_that_is_down_are_tried_later(local: Connected, smtp: Smtp) -> None:
    smtp._login = ("okno", "changed")
    assert (await local.submit(local.message())).kind is OutcomeKind.TRY_LATER
    smtp._login = ("okno", "mail-secret")
    await smtp.stop()
    assert (await local.submit(local.message())).kind is OutcomeKind.TRY_LATER
    await smtp.start()
    assert (await local.submit(local.message())).kind is OutcomeKind.ACCEPTED
    assert len(smtp.taken) == 1


async def test_replies_come_home_over_imap_and_are_kept(agency: Connected, smtp: Smtp, imap: Imap) -> None:
    someone = await people(agency, smtp)
    numbers = [
        imap.put(someone.reply("В работе\nБригада выехала.")),
        imap.put(someone.reply("Вопрос: где именно яма?")),
        imap.put(someone.reply("Ответ\nЯма заделана.\n\n-- \nИванов, +7 000 000-00-00")),
    ]
    changes, cursor = await agency.reading()
    assert [(one.case_id, one.means) for one in changes] == [
        ("26-0001-2345-8", Status.IN_PROGRESS),
        ("26-0001-2345-8", Status.WAITING_FOR_CITIZEN),
        ("26-0001-2345-8", Status.ANSWERED),
    ]
    assert [(one.note, one.note_is_public) for one in changes[:2]] == [
        ("В работе\nБригада выехала.", False),
        ("Вопрос: где именно яма?", True),
    ]
    assert changes[2].answer is not None
    assert changes[2].answer.text == "Ответ\nЯма заделана."
    assert (imap.mail, sorted(imap.archived), "Okno" in imap.folders) == ({}, numbers, True)
    assert await agency.reading(cursor) == ([], {})


async def test_a_wrong_password_of_the_mailbox_reads_nothing_and_loses_nothing(
    agency: Connected, smtp: Smtp, imap: Imap
) -> None:
    imap.put((await people(agency, smtp)).reply("Ответ: да"))
    imap._login = ("okno", "changed")
    with pytest.raises(NotSent):
        await agency.page(None)
    imap._login = ("okno", "inbox-secret")
    assert len((await agency.reading())[0]) == 1


async def test_replies_come_home_from_a_maildir_and_are_kept(local: Connected, smtp: Smtp, maildir: Path) -> None:
    someone = await people(local, smtp)
    (maildir / "new" / "1.a").write_bytes(someone.reply("Отказ: не наша дорога"))
    (maildir / "tmp" / "2.b").write_bytes(someone.reply("Ответ: половина")[:200])
    changes, _ = await local.reading()
    assert [(one.means, one.note, one.note_is_public) for one in changes] == [
        (Status.CLOSED_UNSOLVED, "Отказ: не наша дорога", True)
    ]
    assert [one.name for one in (maildir / ".Okno" / "cur").iterdir()] == ["1.a:2,S"]
    assert [one.name for one in (maildir / "tmp").iterdir()] == ["2.b"]


async def test_a_reply_without_a_word_of_ours_is_what_the_agency_file_says(
    local: Connected, smtp: Smtp, maildir: Path
) -> None:
    someone = await people(local, smtp)
    (maildir / "new" / "1").write_bytes(someone.reply("Посмотрим на неделе."))
    changes, _ = await local.reading()
    assert [(one.means, one.note_is_public) for one in changes] == [(Status.IN_PROGRESS, False)]


@pytest.mark.parametrize("charset", ["utf-8", "windows-1251", "koi8-r"])
async def test_a_reply_that_is_a_page_is_read_as_words(
    local: Connected, smtp: Smtp, maildir: Path, charset: str
) -> None:
    """Q28: whatever charset the mail is in."""
    someone = await people(local, smtp)
    page = (
        "<html><head><style>p {color: red}</style></head><body><p>Ответ</p><p>Яма&nbsp;заделана.</p>"
        "<blockquote><p>Номер: 26-0001-2345-8</p></blockquote></body></html>"
    )
    (maildir / "new" / "1").write_bytes(someone.reply_in_html(page, charset))
    changes, _ = await local.reading()
    assert changes[0].answer is not None
    assert changes[0].answer.text == "Ответ\n\nЯма заделана."


async def test_a_bounce_is_a_refusal_and_a_delay_is_nothing(local: Connected, smtp: Smtp, maildir: Path) -> None:
    someone = await people(local, smtp)
    (maildir / "new" / "1").write_bytes(someone.bounce("delayed", "4.4.1"))
    assert (await local.reading())[0] == []
    (maildir / "new" / "2").write_bytes(someone.bounce())
    (maildir / "new" / "3").write_bytes(someone.bounce(to="okno@okno.example"))
    changes, _ = await local.reading()
    assert [(one.case_id, one.means) for one in changes] == [("26-0001-2345-8", Status.CLOSED_UNSOLVED)] * 2


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"X_Autoreply": "yes"}, {"Return_Path": "<>"}],
)
async def test_an_automatic_answer_is_passed_over(
    local: Connected, smtp: Smtp, maildir: Path, headers: dict[str, str]
) -> None:
    someone = await people(local, smtp)
    (maildir / "new" / "1").write_bytes(someone.reply("Ответ: я в отпуске", **headers))
    assert (await local.reading())[0] == []
    assert len(list((maildir / ".Okno" / "cur").iterdir())) == 1


async def test_a_reply_to_an_address_somebody_made_up_waits_for_a_person(
    local: Connected, smtp: Smtp, maildir: Path
) -> None:
    someone = await people(local, smtp)
    del someone.received["Message-ID"]
    someone.received["Message-ID"] = "<26-0001-2345-8.aaaaaaaaaaaaaaaaaaaa@okno.example>"
    made_up = "reply+26-0001-2345-8.aaaaaaaaaaaaaaaaaaaa@okno.example"
    (maildir / "new" / "1").write_bytes(someone.reply("Ответ: всё сделано", to=made_up))
    _, items = await local.page(None)
    assert [(item.change, item.fault is not None) for item in items] == [(None, True)]


async def test_a_reply_of_a_stranger_waits_for_a_person(local: Connected, smtp: Smtp, maildir: Path) -> None:
    await people(local, smtp)
    stranger = People(smtp.taken[0][2], "somebody@elsewhere.example")
    (maildir / "new" / "1").write_bytes(stranger.reply("Ответ: всё сделано"))
    _, items = await local.page(None)
    assert [item.fault for item in items] == ["the agency itself says that this item failed"]


async def test_an_address_that_lost_its_capitals_still_carries_its_case(
    local: Connected, smtp: Smtp, maildir: Path
) -> None:
    someone = await people(local, smtp, "26-000017-K")
    to = str(someone.received["Reply-To"]).lower()
    (maildir / "new" / "1").write_bytes(someone.reply("Ответ: да", to=to))
    assert [one.case_id for one in (await local.reading())[0]] == ["26-000017-K"]


async def test_what_the_citizen_adds_goes_in_a_mail_about_the_same_case(
    local: Connected, smtp: Smtp, maildir: Path
) -> None:
    message = local.message()
    case_ids = await local.submitted(message)
    assert (await local.comment(message, case_ids, "Яма стала глубже")).kind is OutcomeKind.ACCEPTED
    assert (await local.write("withdraw", message, case_ids=case_ids)).kind is OutcomeKind.ACCEPTED
    assert (await local.reopen(message, case_ids, "Яма на месте")).kind is OutcomeKind.ACCEPTED
    mails = [message_from_bytes(raw, policy=default) for _, _, raw in smtp.taken]
    assert len({mail["Reply-To"] for mail in mails}) == 1
    assert len({mail["References"] for mail in mails}) == 1
    assert len({mail["Message-ID"] for mail in mails}) == 4
    (maildir / "new" / "1").write_bytes(People(smtp.taken[1][2]).reply("Ответ: учли"))
    assert [one.case_id for one in (await local.reading())[0]] == ["26-0001-2345-8"]
