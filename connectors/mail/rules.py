"""How one agency is written to and read by mail. Plain data."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class MailConnection:
    """`address` is the server that takes our mail, `inbox` the mailbox of replies or the path of a Maildir. Times are in seconds.

    `reply_to` holds `{case}`, which `key` makes impossible to guess. Without `private` a host name that leads into a private network is refused.
    """

    address: str
    sender: str
    reply_to: str
    key: str = field(repr=False)
    inbox: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    inbox_username: str | None = None
    inbox_password: str | None = field(default=None, repr=False)
    archive: str = "Okno"
    encryption: Literal["required", "if-offered"] = "required"
    keeps_quotes: bool = False
    timeout_s: float = 20.0
    max_message_bytes: int = 8 * 1024 * 1024
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    private: bool = False
    at_most: int = 50
