"""Addresses that carry a case: `reply+26-0001-2345-8.<seal>@okno.example`. The seal is keyed, so nobody can make one up.

Mail systems may change the case of letters in an address; a case is compared and given back in capital letters.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

from connectors.base import BadConnection, NotSent

_CASE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,28}[A-Za-z0-9])?")
_SEAL_LENGTH = 20
_LONGEST_LOCAL_PART = 64
_LEAST_KEY = 16


class CaseAddresses:
    """Makes and recognises them for one `reply_to` and key."""

    def __init__(self, reply_to: str, key: str) -> None:
        """Raises BadConnection for a pattern without `{case}` or a key that could be guessed."""
        before, sign, after = reply_to.partition("{case}")
        if not sign or not before.endswith("+") or not after.startswith("@"):
            raise BadConnection("mail.reply_to: must be an address with `{case}`, such as `reply+{case}@okno.example`")
        if len(key) < _LEAST_KEY:
            raise BadConnection(f"mail.key: has fewer than {_LEAST_KEY} characters; take a long random one")
        self._before, self._after = before, after
        self._key = key.encode()
        self.domain = after[1:]
        tagged = re.escape(before) + r"(?P<case>[A-Za-z0-9-]+)\.(?P<seal>[A-Za-z2-7]+)" + re.escape(after)
        self._address = re.compile(tagged, re.IGNORECASE)
        self._id = re.compile(
            rf"(?P<case>[A-Za-z0-9-]+)\.(?P<seal>[A-Za-z2-7]+)(\.[0-9a-f]+)?@{re.escape(self.domain)}", re.IGNORECASE
        )

    def address(self, case: str) -> str:
        """Where replies about this case go. Raises NotSent for a case that no address can carry."""
        address = f"{self._before}{self._tag(case)}{self._after}"
        if len(address.partition("@")[0]) > _LONGEST_LOCAL_PART:
            raise NotSent("headers.case: is too long for an address; use our number, `message.reference`")
        return address

    def message_id(self, case: str, digest: str = "") -> str:
        """An identifier of mail about this case; without a digest the one that all of them refer to."""
        return f"<{self._tag(case)}{'.' if digest else ''}{digest}@{self.domain}>"

    def case_of(self, texts: Iterable[str]) -> str | None:
        """The case of the first text that holds one of our addresses or identifiers with the right seal."""
        for text in texts:
            for pattern in (self._address, self._id):
                for found in pattern.finditer(text):
                    case = found["case"].upper()
                    if hmac.compare_digest(self._seal(case), found["seal"].lower()):
                        return case
        return None

    def _tag(self, case: str) -> str:
        if not _CASE.fullmatch(case):
            raise NotSent("headers.case: must be letters, digits and `-`; use our number, `message.reference`")
        return f"{case}.{self._seal(case.upper())}"

    def _seal(self, case: str) -> str:
        digest = hmac.digest(self._key, b"okno mail case " + case.encode(), hashlib.sha256)
        return base64.b32encode(digest).decode("ascii").lower()[:_SEAL_LENGTH]
