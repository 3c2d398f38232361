"""From `protocol: folder` and `protocol: mail` to their connectors. The rest of connecting: agencies/connecting.py."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from agencies import model_exchange as model
from agencies.model_connection import Connection
from agencies.model_security import Basic
from connectors.base import BadConnection, Connector
from connectors.folder.connector import FolderConnector
from connectors.folder.rules import FileList, FolderConnection, ReceiptHashes
from connectors.mail.connector import MailConnector
from connectors.mail.rules import MailConnection


class Around(Protocol):
    """What is needed of agencies.connecting.Surroundings."""

    @property
    def reveal(self) -> Callable[[str], str]:
        """The value of a text with `${NAME}`. Raises UnsetVariable."""
        ...


def exchange(
    connection: Connection, around: Around, address: str, tls: ssl.SSLContext | None, *, live: bool
) -> Connector:
    """A new connector. Raises UnsetVariable with the name, or BadConnection."""
    if connection.folder is not None:
        return FolderConnector(_folder(connection, connection.folder, address), live=live)
    if connection.mail is None:
        raise BadConnection("connection.mail: is missing")
    mail = _mail(connection, connection.mail, around, address, tls)
    if not live:
        # A rehearsal seals with a stand-in and opens no mailbox.
        mail = replace(mail, key=mail.key.ljust(32, "-"), inbox="/")
    return MailConnector(mail, live=live)


def _folder(connection: Connection, folder: model.Folder, address: str) -> FolderConnection:
    listed, receipts = folder.files, folder.receipts
    return FolderConnection(
        root=Path(unquote(address.removeprefix("file://")) if address.startswith("file://") else address),
        out=folder.out,
        incoming=folder.in_,
        archive=folder.archive,
        document=folder.document,
        packs_as=folder.packs_as,
        charset=connection.request_charset,
        settles_s=folder.settles,
        gives_up_after_s=folder.gives_up_after,
        files=FileList(listed.at, listed.name, listed.digest, listed.algorithm) if listed else None,
        receipts=ReceiptHashes(receipts.packet, receipts.at, receipts.name, receipts.digest, receipts.algorithm)
        if receipts
        else None,
        envelope=folder.envelope,
        envelope_files=folder.envelope_files,
        timeout_s=connection.timeout,
        max_packet_bytes=connection.max_reply,
    )


def _mail(
    connection: Connection, mail: model.Mail, around: Around, address: str, tls: ssl.SSLContext | None
) -> MailConnection:
    reveal = around.reveal
    basic = next((way for way in connection.securities if isinstance(way, Basic)), None)
    return MailConnection(
        address=address,
        sender=mail.from_,
        reply_to=mail.reply_to,
        key=reveal(mail.key),
        inbox=reveal(mail.inbox),
        username=reveal(basic.username) if basic is not None else None,
        password=reveal(basic.password) if basic is not None else None,
        inbox_username=reveal(mail.inbox_username) if mail.inbox_username is not None else None,
        inbox_password=reveal(mail.inbox_password) if mail.inbox_password is not None else None,
        archive=mail.archive,
        encryption=mail.encryption,
        keeps_quotes=mail.keeps_quotes,
        timeout_s=connection.timeout,
        max_message_bytes=connection.max_reply,
        tls=tls,
        private=connection.network == "private",
    )
