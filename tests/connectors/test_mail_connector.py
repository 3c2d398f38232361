"""The mail wire: nobody writes headers through it, nobody makes up an address, and a broken mail stops nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from connectors.base import BadConnection, Call, FilePart, Lost, NotSent
from connectors.mail.addresses import CaseAddresses
from connectors.mail.connector import MailConnector
from connectors.mail.reading import read_mail
from connectors.mail.rules import MailConnection
from connectors.mail.writing import MARK
from tests.fakes.mail import Imap, Smtp

KEY = "0123456789abcdef"
ADDRESSES = CaseAddresses("reply+{case}@okno.example", KEY)
CALL = Call(
    "send",
    body={"Номер": "26-1", "text": "Яма"},
    headers={"to": "roads@north.example", "subject": "Яма", "case": "26-1"},
)


@pytest_asyncio.fixture
async def smtp() -> AsyncIterator[Smtp]:
    server = await Smtp().start()
    yield server
    await server.stop()


def connection(smtp: Smtp, inbox: str = "/var/none", **others: object) -> MailConnection:
    made = MailConnection(f"smtp://127.0.0.1:{smtp.port}", "okno@okno.example", "reply+{case}@okno.example", KEY, inbox)
    return replace(made, encryption="if-offered", timeout_s=5.0, **others)  # type: ignore[arg-type]  # tests name real fields


async def test_mail_in_clear_needs_leave_and_a_password_never_goes_so(smtp: Smtp) -> None:
    assert (await MailConnector(connection(smtp)).send(CALL)).status == 250
    for closed in (
        replace(connection(smtp), encryption="required"),
        connection(smtp, username="okno", password="secret"),
    ):
        with pytest.raises(NotSent, match="no encryption"):
            await MailConnector(closed).send(CALL)
    assert len(smtp.taken) == 1


async def test_a_dry_run_sends_nothing_and_shows_the_mail(smtp: Smtp) -> None:
    connector = MailConnector(connection(smtp), live=False)
    with pytest.raises(NotSent) as refused:
        await connector.send(CALL)
    assert refused.value.request is not None
    assert b"To: roads@north.example\r\n" in refused.value.request.body
    assert smtp.taken == []


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("to", ""),
        ("to", "roads@north.example\r\nBcc: x@example.org"),
        ("to", "roads@north.example, x@example.org"),
        ("to", "Roads <roads@north.example>"),
        ("subject", ""),
        ("subject", "a\r\nBcc: x@example.org"),
        ("subject", "a\u2028b"),
        ("subject", "x" * 201),
        ("case", ""),
        ("case", "26 1"),
        ("case", "26@1"),
        ("case", "x" * 31),
        ("bcc", "x@example.org"),
    ],
)
async def test_a_header_that_is_none_is_refused_with_its_name(smtp: Smtp, row: str, value: str) -> None:
    with pytest.raises(NotSent, match=f"headers.{row}"):
        await MailConnector(connection(smtp)).send(replace(CALL, headers={**CALL.headers, row: value}))
    assert smtp.taken == []


@pytest.mark.parametrize(
    "file",
    [
        FilePart("", "a\r\nX-Evil: 1", "image/jpeg", b"1"),
        FilePart("", "", "image/jpeg", b"1"),
        FilePart("", "a", "image/jpeg; name=x\r\nX-Evil: 1", b"1"),
    ],
)
async def test_a_file_cannot_write_headers(smtp: Smtp, file: FilePart) -> None:
    with pytest.raises(NotSent, match="files"):
        await MailConnector(connection(smtp)).send(replace(CALL, files=(file,)))


async def test_a_silent_server_before_the_mail_was_not_sent_and_after_it_lost(smtp: Smtp) -> None:
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            writer.write(answer)
            await reader.readline()
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = replace(connection(smtp), address=f"smtp://127.0.0.1:{port}", timeout_s=0.3)
    answers: list[bytes] = []
    with pytest.raises(NotSent):
        await MailConnector(made).send(CALL)
    answers = [b"220 a\r\n", *[b"250 a\r\n"] * 3, b"354 a\r\n"]
    # Long enough to get as far as the mail itself on a machine that is busy.
    with pytest.raises(Lost):
        await MailConnector(replace(made, timeout_s=3.0)).send(CALL)
    gone.set()
    server.close()
    await server.wait_closed()


def test_a_seal_is_of_one_case_and_one_key() -> None:
    address = ADDRESSES.address("26-0001-2345-8")
    assert ADDRESSES.case_of([address]) == "26-0001-2345-8"
    assert ADDRESSES.case_of([f"Someone <{address.upper()}>"]) == "26-0001-2345-8"
    assert ADDRESSES.case_of([ADDRESSES.message_id("26-1", "ab12")]) == "26-1"
    assert ADDRESSES.case_of([address.replace("2345-8", "2345-9")]) is None
    assert CaseAddresses("reply+{case}@okno.example", KEY[::-1]).case_of([address]) is None
    assert ADDRESSES.case_of([address.replace("okno.example", "okno.invalid")]) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": "http://mail.example"}, "address"),
        ({"address": "smtps://user:word@mail.example"}, "address"),
        ({"reply_to": "reply@okno.example"}, "reply_to"),
        ({"key": "short"}, "key"),
        ({"inbox": "pop3://mail.example"}, "inbox"),
        ({"inbox": 'imaps://mail.example/a"b'}, "inbox"),
        ({"inbox": "imaps://mail.example"}, "inbox_username"),
    ],
)
def test_a_connection_that_can_never_work_is_refused_with_the_field(changes: dict[str, str], field: str) -> None:
    made = MailConnection("smtps://mail.example", "okno@okno.example", "reply+{case}@okno.example", KEY, "/srv/mail")
    with pytest.raises(BadConnection, match=field):
        MailConnector(replace(made, **changes))  # type: ignore[arg-type]  # tests name real fields


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\n",
        b"From: =?utf-8?q?=ff?= <a@b>\r\nSubject: =?x?x?x?=\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe",
        b"From: " + b"a" * 100_000 + b"\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b",
        b"Content-Type: text/html\r\n\r\n<p><<<<&#x110000;&nbsp<!--",
    ],
)
def test_a_broken_mail_is_an_item_with_a_problem(raw: bytes) -> None:
    """Q16: one bad item never stops the others."""
    assert "problem" in read_mail(raw, "1", ADDRESSES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ответ\nГотово\n\n> Яма\n> ещё", "Ответ\nГотово"),
        (f"Готово\n\n> {MARK}\n> Номер: 1", "Готово"),
        ("Готово\n\nOn Mon, 2 Mar 2026 at 12:00, Okno wrote:\n\nЯма", "Готово"),
        ("Готово\n\n-----Original Message-----\nFrom: okno@okno.example", "Готово"),
        ("Готово\n\nОт: Okno <okno@okno.example>\nКому: a@b", "Готово"),
        ("Готово\n-- \nИванов", "Готово"),
        ("В ответ на письмо сообщаем:\nяма заделана", "В ответ на письмо сообщаем:\nяма заделана"),
        ("Он пришёл от: склада", "Он пришёл от: склада"),
    ],
)
def test_what_the_writer_said_is_what_stands_above_the_quotation(text: str, said: str) -> None:
    raw = f"To: {ADDRESSES.address('26-1')}\r\nFrom: a@b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}".encode()
    assert read_mail(raw, "1", ADDRESSES).get("text") == said


async def test_a_mailbox_gives_nothing_in_clear_and_takes_no_name_that_is_none(smtp: Smtp) -> None:
    imap = await Imap().start()
    imap.put(b"From: a@b\r\n\r\nhello")
    made = connection(smtp, f"imap://127.0.0.1:{imap.port}/INBOX", inbox_username="okno", inbox_password="word")
    for call in (Call("read"), Call("archive", headers={"id": "7.1"})):
        with pytest.raises(NotSent, match="no encryption"):
            await MailConnector(made).send(call)
    for wrong in ("x", "7.1 UID", ""):
        with pytest.raises(NotSent, match="names no mail"):
            await MailConnector(made).send(Call("archive", headers={"id": wrong}))
    assert len(imap.mail) == 1
    await imap.stop()


async def test_mail_that_is_too_large_is_told_and_not_read(smtp: Smtp, tmp_path: Path) -> None:
    for folder in ("new", "cur"):
        (tmp_path / folder).mkdir()
    (tmp_path / "new" / "1").write_bytes(b"x" * 2000)
    tree = (await MailConnector(connection(smtp, str(tmp_path), max_message_bytes=1000)).send(Call("read"))).tree
    assert tree == {"mail": [{"id": "1", "kind": "reply", "problem": "it is larger than 1000 bytes (`max_reply`)"}]}
