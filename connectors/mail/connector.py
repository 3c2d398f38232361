"""The mail wire: three operations, `send`, `read` and `archive`.

`send` hands one mail to the server: status is the server's own code, 250 when it took the mail, and then the reply names the `case`. Its
`headers` are `to`, `subject` and `case`, its body is the rows of the text, its files go with it. `read` gives `{mail: […]}`, what arrived at the
mailbox, each with its `kind` and the `case` it is about. `archive` moves the mail `headers.id` out of the mailbox; it may be repeated.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from connectors.base import BadConnection, Call, ConnectorError, Lost, NotSent, Reply, Request, Tree
from connectors.mail.addresses import CaseAddresses
from connectors.mail.imap import Mailbox
from connectors.mail.maildir import Maildir
from connectors.mail.outbox import Progress, hand_over
from connectors.mail.reaching import open_socket, server_of, tls_of
from connectors.mail.reading import read_mail
from connectors.mail.rules import MailConnection
from connectors.mail.writing import Letter, write_letter

OPERATIONS = ("send", "read", "archive")
T = TypeVar("T")


class MailConnector:
    """A connector for one MailConnection. `live=False` renders only."""

    def __init__(self, connection: MailConnection, *, live: bool = True) -> None:
        """Raises BadConnection with the field and the remedy."""
        self._connection = connection
        self._live = live
        self._server = server_of(connection.address, "smtp", "address")
        self._addresses = CaseAddresses(connection.reply_to, connection.key)
        self._inbox: Maildir | _Remote
        if connection.inbox.startswith("/"):
            self._inbox = Maildir(Path(connection.inbox), connection.archive)
        else:
            self._inbox = _Remote(connection)
        if connection.max_message_bytes <= 0 or connection.timeout_s <= 0:
            raise BadConnection("timeout and max_reply: must be more than 0")

    async def send(self, call: Call) -> Reply:
        """Carry the call. Raises NotSent or Lost."""
        request = self.render(call)
        if not self._live:
            raise NotSent("this connector only renders: it was made without a wire", request=request)
        try:
            if call.operation == "send":
                status, tree = await self._sent(call)
            elif call.operation == "read":
                status, tree = 200, {"mail": await self._read()}
            else:
                status, tree = 200, await self._set_aside(call.headers.get("id", ""))
        except ConnectorError as error:
            error.request = request
            raise
        return Reply(
            status, {"content-type": "application/json"}, json.dumps(tree, ensure_ascii=False).encode(), tree, request
        )

    def render(self, call: Call) -> Request:
        """The mail as the server would get it, but for its date. Raises NotSent."""
        if call.operation not in OPERATIONS:
            raise NotSent(f"operation {call.operation!r}: must be one of {', '.join(OPERATIONS)}")
        if call.path or call.query or call.form:
            raise NotSent("mail has no `query`, `form` and path; use `headers` and `send`")
        if call.operation == "send":
            letter = self._letter(call)
            return Request("MAIL", self._connection.address, {"From": letter.sender, "To": letter.to}, letter.raw)
        if call.body is not None or call.files:
            raise NotSent(f"send: `{call.operation}` has no content; remove the rows")
        inbox = self._connection.inbox
        url = "file://" + quote(inbox) if inbox.startswith("/") else inbox
        return Request("GET" if call.operation == "read" else "POST", url, {}, b"")

    async def close(self) -> None:
        """Nothing is held."""

    def _letter(self, call: Call) -> Letter:
        letter = write_letter(call, self._connection.sender, self._addresses)
        if len(letter.raw) > self._connection.max_message_bytes:
            limit = self._connection.max_message_bytes
            raise NotSent(f"the mail is larger than {limit} bytes (`max_reply`); set `limits` for attachments")
        return letter

    async def _sent(self, call: Call) -> tuple[int, Tree]:
        letter, progress = self._letter(call), Progress()
        try:
            async with asyncio.timeout(self._connection.timeout_s):
                code = await hand_over(self._connection, self._server, letter, progress)
        except TimeoutError as error:
            text = "the mail server did not answer in time (timeout)"
            raise (Lost(text) if progress.begun else NotSent(text)) from error
        taken = {"case": call.headers["case"], "message_id": letter.message_id} if 200 <= code < 300 else {}
        return code, {"code": str(code), **taken}

    async def _read(self) -> list[Tree]:
        most, largest, inbox = self._connection.at_most, self._connection.max_message_bytes, self._inbox
        if isinstance(inbox, _Remote):
            found = await inbox.worked(lambda opened: inbox.mailbox.fetch(opened, inbox.timeout_s, most, largest))
        else:
            found = await self._worked(lambda: inbox.fetch(most, largest))
        return [self._item(mail_id, raw) for mail_id, raw in found]

    def _item(self, mail_id: str, raw: bytes | None) -> Tree:
        if raw is None:
            largest = self._connection.max_message_bytes
            return {"id": mail_id, "kind": "reply", "problem": f"it is larger than {largest} bytes (`max_reply`)"}
        return read_mail(raw, mail_id, self._addresses, keeps_quotes=self._connection.keeps_quotes)

    async def _set_aside(self, mail_id: str) -> Tree:
        inbox = self._inbox
        if isinstance(inbox, _Remote):
            moved = await inbox.worked(lambda opened: inbox.mailbox.set_aside(opened, inbox.timeout_s, mail_id))
        else:
            moved = await self._worked(lambda: inbox.set_aside(mail_id))
        return {"id": mail_id, "came": "moved" if moved else "gone"}

    async def _worked(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._connection.timeout_s):
                return await asyncio.to_thread(work)
        except TimeoutError as error:
            raise NotSent("the Maildir did not answer in time (timeout)") from error


class _Remote:
    """A mailbox behind IMAP. Each piece of work has a connection of its own and the whole deadline."""

    def __init__(self, connection: MailConnection) -> None:
        self._server = server_of(connection.inbox, "imap", "mail.inbox")
        self._private = connection.private
        self.timeout_s = connection.timeout_s
        username, password = connection.inbox_username, connection.inbox_password
        if username is None or password is None:
            raise BadConnection("mail.inbox_username: a mailbox behind IMAP wants it, and `inbox_password`")
        self.mailbox = Mailbox(
            self._server,
            tls_of(connection.tls),
            (username, password),
            connection.archive,
        )

    async def worked(self, work: Callable[[socket.socket], T]) -> T:
        """What the work gives. Raises NotSent."""
        try:
            async with asyncio.timeout(self.timeout_s):
                opened = await open_socket(self._server, private=self._private)
                try:
                    return await asyncio.to_thread(work, opened)
                finally:
                    opened.close()
        except TimeoutError as error:
            raise NotSent("the mailbox did not answer in time (timeout)") from error
