"""A mailbox behind IMAP, by the standard library's client, in threads of its own.

Mail is read without marking it read, and moved, never deleted: a server that cannot move copies first and marks afterwards.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from connectors.base import NotSent
from connectors.mail.reaching import Server

_ID = re.compile(r"(\d{1,12})\.(\d{1,12})")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class Imap(imaplib.IMAP4):
    """A client on a socket that was opened, and judged, before."""

    def __init__(self, opened: socket.socket, server: Server, context: ssl.SSLContext, timeout_s: float) -> None:
        opened.setblocking(True)
        opened.settimeout(timeout_s)
        self._opened = context.wrap_socket(opened, server_hostname=server.host) if server.encrypted else opened
        super().__init__(server.host, server.port)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._opened


class Mailbox:
    """One folder of one account."""

    def __init__(
        self,
        server: Server,
        context: ssl.SSLContext,
        credentials: tuple[str, str],
        archive: str,
    ) -> None:
        self._server = server
        self._context = context
        self._credentials = credentials
        self._archive = archive

    def fetch(
        self, opened: socket.socket, timeout_s: float, at_most: int, largest: int
    ) -> list[tuple[str, bytes | None]]:
        """Mail by `<validity>.<uid>`, oldest first; None for one that is larger than `largest` bytes. Raises NotSent."""
        try:
            with self._signed_in(opened, timeout_s) as client:
                validity = self._select(client, read_only=True)
                numbers = _data(client.uid("SEARCH", "ALL")).split()[:at_most]
                return [
                    (f"{validity}.{number.decode()}", _content(client, number.decode(), largest)) for number in numbers
                ]
        except (imaplib.IMAP4.error, OSError, ValueError) as error:
            raise NotSent(f"the mailbox cannot be read ({type(error).__name__})") from error

    def set_aside(self, opened: socket.socket, timeout_s: float, mail_id: str) -> bool:
        """Move mail to the archive; False when it is in the mailbox no more. Raises NotSent."""
        found = _ID.fullmatch(mail_id)
        if found is None:
            raise NotSent("headers.id: names no mail; write `item.id`")
        try:
            with self._signed_in(opened, timeout_s) as client:
                if self._select(client, read_only=False) != found[1]:
                    raise NotSent("the mailbox was made anew meanwhile; its mail comes again")
                if not _data(client.uid("SEARCH", "UID", found[2])).split():
                    return False
                with suppress(imaplib.IMAP4.error):
                    client.create(self._archive)
                self._move(client, found[2])
                return True
        except (imaplib.IMAP4.error, OSError) as error:
            raise NotSent(f"mail cannot be moved ({type(error).__name__})") from error

    @contextmanager
    def _signed_in(self, opened: socket.socket, timeout_s: float) -> Iterator[Imap]:
        client = Imap(opened, self._server, self._context, timeout_s)
        try:
            encrypted = self._server.encrypted
            if not encrypted and "STARTTLS" in client.capabilities:
                client.starttls(self._context)
                encrypted = True
            if not encrypted:
                raise NotSent("the mailbox offers no encryption: our password does not go in clear")
            client.login(*self._credentials)
            yield client
        finally:
            # Whatever happened, the connection ends here; a server that went away needs no goodbye.
            with suppress(imaplib.IMAP4.error, OSError):
                client.logout()
            with suppress(OSError):
                client.shutdown()

    def _select(self, client: Imap, *, read_only: bool) -> str:
        status, _ = client.select(f'"{self._server.folder}"', readonly=read_only)
        if status != "OK":
            raise NotSent("the folder of `mail.inbox` is not there")
        _, validity = client.response("UIDVALIDITY")
        first = validity[0] if validity else None
        return first.decode() if isinstance(first, bytes) else "0"

    def _move(self, client: Imap, uid: str) -> None:
        if "MOVE" in client.capabilities:
            _data(client.uid("MOVE", uid, f'"{self._archive}"'))
            return
        _data(client.uid("COPY", uid, f'"{self._archive}"'))
        _data(client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"))
        if "UIDPLUS" in client.capabilities:
            # Only what was copied; a plain EXPUNGE would take what others marked, too.
            _data(client.uid("EXPUNGE", uid))


def _content(client: Imap, uid: str, largest: int) -> bytes | None:
    size = _SIZE.search(_data(client.uid("FETCH", uid, "(RFC822.SIZE)")))
    if size is None or int(size[1]) > largest:
        return None
    status, parts = client.uid("FETCH", uid, "(BODY.PEEK[])")
    found = next((part[1] for part in parts if isinstance(part, tuple)), None)
    if status != "OK" or not isinstance(found, bytes):
        raise imaplib.IMAP4.error("no content")
    return found


def _data(reply: tuple[str, list[object]]) -> bytes:
    """The data of a command that went well."""
    status, data = reply
    if status != "OK":
        raise imaplib.IMAP4.error(status)
    return b" ".join(
        part if isinstance(part, bytes) else b" ".join(part) for part in data if isinstance(part, bytes | tuple)
    )
