"""TLS of one connection: which versions and ciphers are spoken, whose certificates are believed, and our own certificate.

`modern` is what everybody gets: TLS 1.2 or later with today's ciphers. `old` exists for the agency that names it and for nobody else:
TLS from 1.0 on, ciphers and keys of that time, renegotiation as it was before RFC 5746. Certificates are always verified.
"""

from __future__ import annotations

import os
import ssl
import tempfile
import warnings
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from cryptography import x509

from connectors.base import BadConnection

Profile = Literal["modern", "old"]

_OLD_CIPHERS: Final = "ALL:!aNULL:!eNULL:!EXPORT:@SECLEVEL=0"
_LEGACY_SERVER_CONNECT: Final = 0x4
"""SSL_OP_LEGACY_SERVER_CONNECT of OpenSSL; Python names it from 3.12 on."""


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """All PEM. `authorities` replace the machine's own; `certificate` and `key` are ours, for agencies that want to know who calls."""

    profile: Profile = "modern"
    authorities: bytes | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    key_password: str | None = field(default=None, repr=False)
    ciphers: str | None = None


def open_tls(settings: TlsSettings) -> ssl.SSLContext:
    """A context of its own for one connection. Raises BadConnection with the field and the remedy."""
    try:
        context = ssl.create_default_context(
            cadata=settings.authorities.decode("ascii") if settings.authorities is not None else None
        )
    except (ssl.SSLError, ValueError) as error:
        raise BadConnection("tls.ca: is no certificate in PEM") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.profile == "old":
        _make_old(context)
    if settings.ciphers is not None:
        try:
            context.set_ciphers(settings.ciphers)
        except ssl.SSLError as error:
            raise BadConnection("tls.ciphers: OpenSSL knows no cipher of this list") from error
    if settings.certificate is not None:
        _show_certificate(context, settings)
    elif settings.key is not None:
        raise BadConnection("tls.key: needs `certificate` beside it")
    return context


def expires_at(certificates: bytes) -> datetime:
    """When the first of these PEM certificates to run out does. Raises BadConnection for what is no certificate."""
    try:
        found = x509.load_pem_x509_certificates(certificates)
    except ValueError as error:
        raise BadConnection("tls.certificate: is no certificate in PEM") from error
    return min(one.not_valid_after_utc for one in found)


def _make_old(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings():
        # Python warns of TLS 1.0; the file of this one agency asks for it by name.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.options |= _LEGACY_SERVER_CONNECT
    context.set_ciphers(_OLD_CIPHERS)
    # Certificates of that age lack what today's strict checking wants (an authority key identifier, for one).
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT


def _show_certificate(context: ssl.SSLContext, settings: TlsSettings) -> None:
    pem = b"\n".join(part for part in (settings.key, settings.certificate) if part is not None)
    # OpenSSL takes our own certificate from a file only; this one is ours alone and gone a moment later.
    descriptor, name = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        context.load_cert_chain(name, password=settings.key_password or "")
    except (ssl.SSLError, ValueError) as error:
        raise BadConnection(
            "tls.certificate: it and `key` do not belong together, are no PEM, or `key_password` is wrong"
        ) from error
    finally:
        Path(name).unlink(missing_ok=True)
