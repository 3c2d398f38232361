"""The WS-Security UsernameToken of the road agency: PasswordText and PasswordDigest, a nonce used once, a fresh Created.

Whatever is wrong gives the same fault: a stranger learns nothing from it.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from lxml import etree

from tests.fakes.city_roads.envelope import WSSE, SoapFault

FRESH_FOR = timedelta(minutes=5)

_WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
_TEXT = f"{_PROFILE}#PasswordText"
_DIGEST = f"{_PROFILE}#PasswordDigest"


@dataclass(frozen=True)
class Account:
    """The one partner the agency knows."""

    user: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """From environment variables; the defaults are those of the demo."""
        return cls(environment.get("CITY_ROADS_USER", "okno"), environment.get("CITY_ROADS_PASSWORD", "roads-secret"))


def check_token(
    security: etree._Element | None, account: Account, use_nonce: Callable[[str], bool], now: datetime
) -> None:
    """Raise SoapFault unless the header holds a token of this account.

    `use_nonce` remembers a nonce for good and says False for one seen before; `now` has a zone.
    """
    tokens = [] if security is None else security.findall(f"{{{WSSE}}}UsernameToken")
    if len(tokens) != 1:
        raise SoapFault.failed_authentication()
    token = tokens[0]
    user = token.findtext(f"{{{WSSE}}}Username") or ""
    password = token.find(f"{{{WSSE}}}Password")
    if password is None or not _same(user, account.user):
        raise SoapFault.failed_authentication()
    shown = password.text or ""
    kind = password.get("Type", _TEXT)
    if kind == _TEXT and _same(shown, account.password):
        return
    if kind == _DIGEST and _digest_holds(token, shown, account, use_nonce, now):
        return
    raise SoapFault.failed_authentication()


def _digest_holds(
    token: etree._Element, shown: str, account: Account, use_nonce: Callable[[str], bool], now: datetime
) -> bool:
    created = token.findtext(f"{{{_WSU}}}Created") or ""
    try:
        nonce = base64.b64decode(token.findtext(f"{{{WSSE}}}Nonce") or "", validate=True)
        moment = datetime.fromisoformat(created)
    except (binascii.Error, ValueError):
        return False
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if not nonce or abs(now - moment) > FRESH_FOR:
        return False
    wanted = hashlib.sha1(nonce + created.encode() + account.password.encode(), usedforsecurity=False).digest()
    # Only a token that proves the password may spend a nonce, else a stranger could spend other people's.
    return _same(shown, base64.b64encode(wanted).decode()) and use_nonce(nonce.hex())


def _same(shown: str, wanted: str) -> bool:
    return hmac.compare_digest(shown.encode(), wanted.encode())
