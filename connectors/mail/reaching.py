"""Opens a connection to a mail server: the address judged like any agency's, one deadline, the certificate checked for the name."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from connectors.base import BadConnection, NotSent
from connectors.resolving import GuardedResolver, check_literal, only_public

_PORTS = {"smtp": 587, "smtps": 465, "imap": 143, "imaps": 993}


@dataclass(frozen=True, slots=True)
class Server:
    """One mail server: `encrypted` says that TLS begins with the connection. `folder` is the mailbox's, for IMAP."""

    host: str
    port: int
    encrypted: bool
    folder: str = "INBOX"


def server_of(address: str, protocol: str, key: str) -> Server:
    """The server of `smtps://host:port` or `imaps://host/folder`. Raises BadConnection with the field and the remedy."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise BadConnection(f"{key}: the port is none") from None
    if parts.scheme not in (protocol, f"{protocol}s") or not parts.hostname:
        raise BadConnection(f"{key}: must be an address such as `{protocol}s://mail.example`")
    if parts.username is not None or parts.password is not None:
        raise BadConnection(f"{key}: must not hold a user name or password; they have keys of their own")
    check_literal(parts.hostname)
    folder = unquote(parts.path.strip("/")) or "INBOX"
    if any(sign in folder for sign in '\r\n"\\\0') or not folder.isascii():
        raise BadConnection(f"{key}: the folder must be a plain ASCII name")
    return Server(parts.hostname, port or _PORTS[parts.scheme], parts.scheme.endswith("s"), folder)


async def open_socket(server: Server, *, private: bool) -> socket.socket:
    """A connected socket to exactly the address that was judged. Raises NotSent."""
    try:
        # An address in digits was written by the operator and is taken as it is.
        with only_public(not private and not _is_literal(server.host)):
            found = await GuardedResolver().resolve(server.host, server.port, socket.AF_UNSPEC)
    except OSError as error:
        raise NotSent("the host name of the mail server is not known") from error
    problem: OSError | None = None
    for one in found:
        opened = socket.socket(one["family"], socket.SOCK_STREAM)
        opened.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(opened, (one["host"], one["port"]))
        except OSError as error:
            opened.close()
            problem = error
        except BaseException:
            opened.close()
            raise
        else:
            return opened
    raise NotSent(f"no connection to the mail server ({(problem and problem.strerror) or 'refused'})") from problem


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def tls_of(context: ssl.SSLContext | None) -> ssl.SSLContext:
    """The agency's own TLS settings, or the machine's."""
    return context or ssl.create_default_context()
