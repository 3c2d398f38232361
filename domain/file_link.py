"""Links to citizens' files for systems that take no files, only addresses: who holds one gets exactly that file, for a while.

Pure. A link is the file's key, the second at which it ends and an HMAC-SHA-256 of both; nothing is looked up to refuse a wrong one, and comparing
takes the same time whatever is wrong.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

USUAL_LIFE = timedelta(days=7)
PATH = "/files/"
_PURPOSE = b"okno: link to one file, 1\0"
_SIGNED_BYTES = 16 + 8
_TOKEN_BYTES = _SIGNED_BYTES + hashlib.sha256().digest_size
_TOKEN_CHARS = 75
"""The length of a token: `_TOKEN_BYTES` in base64 without padding."""


@dataclass(frozen=True, slots=True)
class FileLinks:
    """Makes and reads links under one key. `address` is where the public reaches the hub, such as `https://hub.example`."""

    key: bytes = field(repr=False)
    address: str | None = None

    def link(self, attachment: UUID, ends_at: datetime) -> str:
        """The address of one file, good until `ends_at`. Raises ValueError where the hub has no public address."""
        if self.address is None:
            message = "a link needs the public address of the hub: set OKNO_PUBLIC_ADDRESS"
            raise ValueError(message)
        return f"{self.address.rstrip('/')}{PATH}{self.token(attachment, ends_at)}"

    def token(self, attachment: UUID, ends_at: datetime) -> str:
        """The last part of the address."""
        signed = attachment.bytes + int(ends_at.timestamp()).to_bytes(8, "big")
        return base64.urlsafe_b64encode(signed + self._seal(signed)).rstrip(b"=").decode()

    def read(self, token: str, now: datetime) -> UUID | None:
        """The file of a token that is ours and has not ended; None for everything else."""
        if len(token) != _TOKEN_CHARS or not token.isascii():
            return None
        try:
            whole = base64.b64decode(token + "=", altchars=b"-_", validate=True)
        except binascii.Error:
            return None
        signed, seal = whole[:_SIGNED_BYTES], whole[_SIGNED_BYTES:]
        # Some characters of base64 hold spare bits: one link has one spelling.
        is_ours = hmac.compare_digest(seal, self._seal(signed)) and len(whole) == _TOKEN_BYTES
        if not is_ours or base64.urlsafe_b64encode(whole).rstrip(b"=").decode() != token:
            return None
        ends_at = int.from_bytes(signed[16:], "big")
        return UUID(bytes=signed[:16]) if now.astimezone(UTC).timestamp() < ends_at else None

    def _seal(self, signed: bytes) -> bytes:
        return hmac.digest(self.key, _PURPOSE + signed, hashlib.sha256)


def ends_of_link(first_attempt_at: datetime, now: datetime, life: timedelta) -> datetime:
    """Until when a link is good that goes out `now` with a delivery first tried at `first_attempt_at`.

    The same for every repeat of a call, so that an agency recognises it; one that comes after half of the life gets a life of its own.
    """
    begins_at = first_attempt_at if now - first_attempt_at <= life / 2 else now
    return begins_at.replace(microsecond=0) + life
