"""Proves that a webhook comes from the agency: a keyed digest, a token, a login, an address, or several of these at once.

Promises: every proof that the file names must hold; secrets are compared in constant time; the raw bytes are signed as they came; what is
too old or too new is refused where there is a timestamp; `BadSignature` says which proof failed, without a secret or the body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_address

from adapters.plan_status import Login, Network, Signature, Token, WebhookStep

_TIMESTAMP = re.compile(r"\d{1,12}", re.ASCII)


class BadSignature(Exception):
    """The webhook is not proved to come from the agency. It must not be stored or acted upon."""


def verify(
    webhook: WebhookStep, headers: Mapping[str, str], raw: bytes, now: datetime, address: str | None = None
) -> None:
    """Nothing when every proof holds. `headers` may be of any case; `address` is whose connection it came by. Raises BadSignature."""
    lowered = {name.lower(): value for name, value in headers.items()}
    if webhook.networks:
        _verify_address(webhook.networks, address)
    if webhook.token is not None:
        _verify_token(webhook.token, lowered)
    if webhook.login is not None:
        _verify_login(webhook.login, lowered)
    if webhook.signature is not None:
        _verify_signature(webhook.signature, lowered, raw, now)
    if not (webhook.networks or webhook.token or webhook.login or webhook.signature):
        raise BadSignature("the file names no proof")


def _verify_address(networks: tuple[Network, ...], address: str | None) -> None:
    try:
        known = ip_address(address or "")
    except ValueError:
        raise BadSignature("nobody knows the address it came from") from None
    if not any(known in network for network in networks):
        raise BadSignature("the address it came from is not one of `addresses`")


def _verify_token(token: Token, headers: Mapping[str, str]) -> None:
    given = headers.get(token.header.lower(), "").strip()
    if not _same(token.prefix + token.secret(), given):
        raise BadSignature(f"{token.header} does not hold the token")


def _verify_login(login: Login, headers: Mapping[str, str]) -> None:
    kind, _, text = headers.get("authorization", "").strip().partition(" ")
    wanted = base64.b64encode(f"{login.username()}:{login.password()}".encode()).decode("ascii")
    if kind.lower() != "basic" or not _same(wanted, text.strip()):
        raise BadSignature("Authorization does not hold the login")


def _verify_signature(signature: Signature, headers: Mapping[str, str], raw: bytes, now: datetime) -> None:
    given = headers.get(signature.header.lower(), "").strip()
    timestamp = ""
    signed = raw
    if signature.timestamp_header is not None:
        timestamp = headers.get(signature.timestamp_header.lower(), "").strip()
        if not timestamp or not given:
            raise BadSignature(f"the headers {signature.header} and {signature.timestamp_header} are both needed")
        if not _TIMESTAMP.fullmatch(timestamp):
            raise BadSignature(f"{signature.timestamp_header} must be seconds since 1970")
        signed = timestamp.encode() + b"." + raw
    keyed = hmac.new(signature.secret().encode(), signed, getattr(hashlib, signature.algorithm))
    written = keyed.hexdigest() if signature.written == "hex" else base64.b64encode(keyed.digest()).decode("ascii")
    if not _same(signature.prefix + written, given):
        raise BadSignature(f"{signature.header} does not fit the body")
    # After the comparison, so that the answer tells a stranger nothing about our clock.
    if timestamp and abs(now.timestamp() - int(timestamp)) > signature.tolerance_s:
        raise BadSignature(
            f"{signature.timestamp_header} is more than {signature.tolerance_s:g} seconds away from our clock"
        )


def _same(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass"))
