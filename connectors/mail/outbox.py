"""Hands one mail to a server, and says honestly how far it came.

Before the server has the whole mail nothing was done: NotSent, or the server's own code. After that only its answer counts: none is Lost.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import aiosmtplib
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from connectors.base import Lost, NotSent
from connectors.mail.reaching import Server, open_socket, tls_of
from connectors.mail.rules import MailConnection
from connectors.mail.writing import Letter


@dataclass(slots=True)
class Progress:
    """How far a mail came. `begun` from the moment its bytes may have left."""

    begun: bool = False


async def hand_over(connection: MailConnection, server: Server, letter: Letter, progress: Progress) -> int:
    """The server's code: 250 when it took the mail, 4xx for later, 5xx for never. Raises NotSent or Lost. Runs inside the caller's deadline."""
    opened = await open_socket(server, private=connection.private)
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=None,
        sock=opened,
        use_tls=server.encrypted,
        start_tls=False,
        tls_context=tls_of(connection.tls),
        timeout=None,
        local_hostname="okno",
    )
    try:
        code = await _handed_over(connection, server, letter, client, progress)
        with suppress(SMTPException, OSError):
            await client.quit()
        return code
    finally:
        # The socket belongs to the client from the moment it was given to it.
        client.close()


async def _handed_over(
    connection: MailConnection, server: Server, letter: Letter, client: aiosmtplib.SMTP, progress: Progress
) -> int:
    try:
        await client.connect()
        await _prepare(connection, server, client)
        await client.mail(letter.sender, options=[])
        await client.rcpt(letter.to)
    except SMTPAuthenticationError as error:
        raise NotSent("the mail server does not take our user name and password") from error
    except SMTPResponseException as error:
        return error.code
    except (SMTPException, OSError) as error:
        raise NotSent(f"the mail server was not reached ({_named(error)})") from error
    progress.begun = True
    try:
        return (await client.data(letter.raw)).code
    except SMTPResponseException as error:
        return error.code
    except (SMTPException, OSError) as error:
        raise Lost("the mail server had the mail and did not answer") from error


async def _prepare(connection: MailConnection, server: Server, client: aiosmtplib.SMTP) -> None:
    encrypted = server.encrypted
    await client.ehlo()
    if not encrypted and client.supports_extension("starttls"):
        await client.starttls(tls_context=tls_of(connection.tls))
        await client.ehlo()
        encrypted = True
    if not encrypted and connection.encryption == "required":
        raise NotSent("the mail server offers no encryption; if mail may go in clear, write `encryption: if-offered`")
    if connection.username is not None and connection.password is not None:
        if not encrypted:
            raise NotSent("the mail server offers no encryption: our password does not go in clear")
        await client.login(connection.username, connection.password)


def _named(error: Exception) -> str:
    match error:
        case SMTPServerDisconnected():
            return "it closed the connection"
        case SMTPConnectError():
            return "no connection"
    return type(error).__name__
