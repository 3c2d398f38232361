"""From an agency file's `connection` to the connector that carries its calls.

Promises: secrets are looked up here and given to the connector only; certificates and keys come from beside the file or
from where a variable says, and from nowhere else; what can never work raises BadConnection with the field and the remedy.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from adapters.answers import as_text, reply_scope
from adapters.building import CannotBuild, build_call
from adapters.expressions import Expression, ExpressionFailed, parse
from adapters.functions import Words
from adapters.plan import Field, Sending
from agencies import model_security as security
from agencies.build_sending import request_line
from agencies.connecting_exchange import exchange
from agencies.model import AgencyFile
from agencies.model_connection import Connection
from connectors.base import BadConnection, Call, Connector, Reply
from connectors.credentials import Credentials
from connectors.http import Wire
from connectors.rest.connector import RestConnection, RestConnector
from connectors.security.gate import Way
from connectors.security.login import LoginCall
from connectors.security.oauth import OAuth2, OAuth2ClientCredentials, OAuth2JwtBearer, OAuth2Password
from connectors.security.tls import TlsSettings, expires_at, open_tls
from connectors.security.ways import ApiKey, Basic, Bearer, InBody
from connectors.soap.connector import SoapConnection, SoapConnector, SoapWay
from connectors.soap.dialect import Dialect
from connectors.soap.security import UsernameToken
from connectors.soap.signature import EnvelopeSignature, throwaway_signature

Environment: TypeAlias = Literal["sandbox", "production"]

_LARGEST_PEM_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a file is connected in: the folder it lies in, the environment chosen, and the value of a text with `${NAME}`."""

    folder: pathlib.Path
    environment: Environment
    reveal: Callable[[str], str]
    wsdl_folder: pathlib.Path | None = None
    """Where the WSDL lies, when it came with a profile."""

    def pem(self, text: str, key: str) -> bytes:
        """PEM that stands in the environment, or in a file beside the agency's or where a variable says. Raises BadConnection."""
        value = self.reveal(text)
        if value.lstrip().startswith("-----BEGIN"):
            return value.encode()
        path = (self.folder / value).resolve()
        if value == text and not path.is_relative_to(self.folder.resolve()):
            raise BadConnection(f"{key}: leads out of the folder; put it beside the file or name it by ${{NAME}}")
        try:
            content = path.read_bytes() if path.stat().st_size <= _LARGEST_PEM_BYTES else b""
        except OSError as error:
            raise BadConnection(f"{key}: cannot be read ({error.strerror}); put it where the file says") from error
        if b"-----BEGIN" not in content:
            raise BadConnection(f"{key}: holds no PEM (-----BEGIN …)")
        return content


def connect(file: AgencyFile, around: Surroundings, wire: Wire | None) -> Connector:
    """A new connector; without a wire it only renders. Raises UnsetVariable with the name, or BadConnection."""
    connection = file.connection
    address, *others = (around.reveal(text) for text in addresses(connection, around.environment))
    # Without a wire there is nothing to protect and nobody to log in to: a rehearsal needs neither certificates nor keys.
    rehearses = wire is None
    tls = open_tls(tls_settings(connection.tls, around)) if connection.tls is not None and not rehearses else None
    if connection.protocol == "rest":
        rest = RestConnection(
            address=address,
            security=tuple(_http_ways(file, around, address, rehearses)),
            timeout_s=connection.timeout,
            max_reply_bytes=connection.max_reply,
            tls=tls,
            also_at=tuple(others),
            private=connection.network == "private",
            request_charset=connection.request_charset,
            reply_charset=connection.reply_charset,
            body_format=connection.body_format,
            headers={name: around.reveal(text) for name, text in connection.headers.items()},
        )
        return RestConnector(rest, wire)
    if connection.folder is not None or connection.mail is not None:
        return exchange(connection, around, address, tls, live=not rehearses)
    if connection.wsdl is None:
        raise BadConnection("connection.wsdl: soap needs a WSDL")
    soap = SoapConnection(
        wsdl=(around.wsdl_folder or around.folder) / connection.wsdl,
        address=address,
        version=connection.version,
        security=(*_envelope_ways(connection, around, rehearses), *_http_ways(file, around, address, rehearses)),
        timeout_s=connection.timeout,
        max_reply_bytes=connection.max_reply,
        service=connection.service,
        port=connection.port,
        validate_reply=connection.validate_replies,
        tls=tls,
        also_at=tuple(others),
        private=connection.network == "private",
        dialect=Dialect(
            action=connection.soap_action,
            typed_values=connection.typed_values,
            mtom=connection.attachments_as == "mtom",
            request_charset=connection.request_charset,
            reply_charset=connection.reply_charset,
        ),
    )
    return SoapConnector(soap, wire)


def addresses(connection: Connection, environment: Environment) -> tuple[str, ...]:
    """The addresses as the file writes them, in the order they are tried; `${NAME}` stays as it is, so they may be shown."""
    found = connection.address
    if not isinstance(found, str | tuple):
        found = found.sandbox if environment == "sandbox" else found.production
    return (found,) if isinstance(found, str) else found


def tls_settings(tls: security.Tls, around: Surroundings) -> TlsSettings:
    """The settings with their certificates read. Raises UnsetVariable or BadConnection."""

    def read(text: str | None, key: str) -> bytes | None:
        return around.pem(text, f"tls.{key}") if text is not None else None

    return TlsSettings(
        profile=tls.profile,
        authorities=read(tls.ca, "ca"),
        certificate=read(tls.certificate, "certificate"),
        key=read(tls.key, "key"),
        key_password=around.reveal(tls.key_password) if tls.key_password is not None else None,
        ciphers=tls.ciphers,
    )


def certificates_expire(file: AgencyFile, around: Surroundings) -> Mapping[str, datetime]:
    """When each certificate that the file names runs out, by its key in the file: for health. Raises UnsetVariable or BadConnection."""
    named: dict[str, str] = {}
    tls = file.connection.tls
    if tls is not None:
        named |= {f"tls.{key}": text for key in ("ca", "certificate") if (text := getattr(tls, key)) is not None}
    for way in file.connection.securities:
        if isinstance(way, security.WsseSignature):
            named["security.certificate"] = way.certificate
            if way.replies_signed_by is not None:
                named["security.replies_signed_by"] = way.replies_signed_by
    return {key: expires_at(around.pem(text, key)) for key, text in named.items()}


def _envelope_ways(connection: Connection, around: Surroundings, rehearses: bool) -> list[SoapWay]:
    found: list[SoapWay] = []
    for way in connection.securities:
        if isinstance(way, security.WsseUsername):
            name, password = around.reveal(way.username), around.reveal(way.password)
            found.append(UsernameToken(name, password, digest=way.digest))
        elif isinstance(way, security.WsseSignature):
            found.append(_rehearsed_signature(way, around) if rehearses else _signature(way, around))
    return found


def _signature(way: security.WsseSignature, around: Surroundings) -> EnvelopeSignature:
    theirs = way.replies_signed_by
    return EnvelopeSignature(
        certificate=around.pem(way.certificate, "security.certificate"),
        key=around.pem(way.key, "security.key"),
        key_password=around.reveal(way.key_password) if way.key_password is not None else None,
        life_s=way.lives,
        replies_signed_by=around.pem(theirs, "security.replies_signed_by") if theirs is not None else None,
    )


def _rehearsed_signature(way: security.WsseSignature, around: Surroundings) -> EnvelopeSignature:
    """Our own signature where its key is at hand, else one of a key made for this rehearsal: the form of the request is the same."""
    try:
        return _signature(way, around)
    except BadConnection:
        return throwaway_signature(way.lives)


def _http_ways(file: AgencyFile, around: Surroundings, address: str, rehearses: bool) -> list[Way]:
    reveal = around.reveal
    found: list[Way] = []
    for way in file.connection.securities:
        match way:
            case security.Basic():
                found.append(Basic(reveal(way.username), reveal(way.password)))
            case security.Bearer():
                found.append(Bearer(reveal(way.token)))
            case security.ApiKey():
                found.append(ApiKey(way.name, reveal(way.key), way.place, way.prefix))
            case security.JwtBearer() if rehearses:
                # Its login is left out of a rehearsal, and the key need not be here.
                continue
            case security.ClientCredentials() | security.OAuthPassword() | security.JwtBearer():
                found.append(_oauth(way, around, address))
            case security.InBody():
                values = {name: reveal(text) for name, text in way.credentials.items()}
                found.append(InBody(values, hidden=frozenset(values)))
            case security.Login():
                found.append(_login(file, way, reveal))
    return found


def _oauth(
    way: security.ClientCredentials | security.OAuthPassword | security.JwtBearer, around: Surroundings, address: str
) -> OAuth2:
    reveal = around.reveal
    endpoint = urljoin(address, way.token_path) if way.token_path is not None else reveal(way.token_address or "")
    scope = way.scope or ""
    if isinstance(way, security.JwtBearer):
        return OAuth2JwtBearer(
            token_address=endpoint,
            private_key=around.pem(way.key, "security.key"),
            issuer=reveal(way.issuer),
            subject=reveal(way.subject or way.issuer),
            audience=reveal(way.audience) if way.audience is not None else endpoint,
            algorithm=way.algorithm,
            key_id=way.key_id or "",
            scope=scope,
            as_client=way.proves == "client",
            assertion_life_s=way.lives,
        )
    secret = reveal(way.client_secret) if way.client_secret is not None else ""
    if isinstance(way, security.OAuthPassword):
        return OAuth2Password(
            endpoint,
            reveal(way.client_id),
            secret,
            reveal(way.username),
            reveal(way.password),
            scope,
            way.client_auth,
        )
    return OAuth2ClientCredentials(endpoint, reveal(way.client_id), secret, scope, way.client_auth)


def _login(file: AgencyFile, way: security.Login, reveal: Callable[[str], str]) -> LoginCall:
    words = Words(ZoneInfo(file.agency.timezone), file.translate)
    values = {name: reveal(text) for name, text in way.credentials.items()}
    place = way.goes_to
    return LoginCall(
        call=_login_call(way, words),
        token=_token_finder(parse(way.token), words) if way.token is not None else None,
        name=(place.header or place.query or "") if place is not None else "",
        place="query" if place is not None and place.query is not None else "header",
        prefix=place.prefix if place is not None else "",
        keeps_cookies=way.cookies == "keep",
        life_s=way.lives,
        credentials=values,
        hidden=frozenset(values),
        expired=_judge(parse(way.expired_when), words) if way.expired_when is not None else None,
    )


def _login_call(way: security.Login, words: Words) -> Call:
    operation, path = request_line(way.request) if way.request is not None else (way.operation or "", ())
    sending = Sending(
        operation=operation,
        body=tuple(Field(tuple(name.split(".")), parse(text)) for name, text in way.send.items()),
        path=path,
        query=_flat(way.query),
        headers=_flat(way.headers),
        form=_flat(way.form),
        safe=True,
    )
    try:
        return build_call(sending, {"credentials": Credentials()}, words)
    except CannotBuild as error:
        raise BadConnection(f"security: the login cannot be written: {error.text}") from error


def _flat(rows: Mapping[str, str]) -> tuple[Field, ...]:
    return tuple(Field((name,), parse(text)) for name, text in rows.items())


def _token_finder(expression: Expression, words: Words) -> Callable[[Reply], str | None]:
    return lambda reply: as_text(_evaluated(expression, reply, words))


def _judge(expression: Expression, words: Words) -> Callable[[Reply], bool]:
    return lambda reply: _evaluated(expression, reply, words) is True


def _evaluated(expression: Expression, reply: Reply, words: Words) -> object:
    try:
        return expression.evaluate(reply_scope(reply), words)
    except ExpressionFailed:
        # A reply of an unforeseen shape has no token and does not say that the session ran out.
        return None
