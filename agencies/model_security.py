"""How we sign in at an agency: the `security` and `tls` of its connection.

Promises: a secret is `${NAME}` and nothing else, also a private key; what is public (a certificate) may lie beside the
file; ways that cannot go together, or not with the protocol, are faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from agencies.model_scalars import DurationS, Expr, Flag, RequestLine, Rows, SecretText, WithVariables, Word
from agencies.source import FileModel

TokenPath = Annotated[str, Field(pattern=r"^/[^\s?#]*$", max_length=500)]
CredentialName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Credentials = Annotated[dict[CredentialName, SecretText], Field(min_length=1, max_length=20)]


class WsseUsername(FileModel):
    """WS-Security UsernameToken in every envelope."""

    kind: Literal["wsse-username"]
    username: WithVariables = Field(description="user name, best as ${NAME}")
    password: SecretText = Field(description="the password, always as ${NAME}")
    digest: Flag = Field(default=False, description="`true` sends PasswordDigest, `false` sends PasswordText")


class WsseSignature(FileModel):
    """WS-Security X.509 signature (SHA-256) over the body and a time stamp of every envelope."""

    kind: Literal["wsse-signature"]
    certificate: WithVariables = Field(
        description="our certificate in PEM: a path beside this file, or ${NAME} for a path or the PEM itself"
    )
    key: SecretText = Field(description="its private key in PEM, always as ${NAME}: a path or the PEM itself")
    key_password: SecretText | None = Field(default=None, description="password of the key, always as ${NAME}")
    lives: DurationS = Field(default=300.0, description="how long an envelope is good after it was signed")
    replies_signed_by: WithVariables | None = Field(
        default=None,
        description="the agency's certificate (as `certificate`): replies are read only as far as it signed them",
    )


class Basic(FileModel):
    """HTTP Basic."""

    kind: Literal["basic"]
    username: WithVariables = Field(description="user name, best as ${NAME}")
    password: SecretText = Field(description="the password, always as ${NAME}")


class Bearer(FileModel):
    """A token that does not change."""

    kind: Literal["bearer"]
    token: SecretText = Field(description="the token, always as ${NAME}")


class ApiKey(FileModel):
    """A key in a header or in the query."""

    kind: Literal["api-key"]
    key: SecretText = Field(description="the key, always as ${NAME}")
    name: Word = Field(description="name of the header or of the query parameter")
    place: Literal["header", "query"] = Field(default="header", description="where the key goes")
    prefix: Annotated[str, Field(max_length=40)] = Field(
        default="", description="what stands before the key, such as `Token `"
    )


class TokenEndpoint(FileModel):
    """Where OAuth2 tokens come from: a path on the host of `address`, or an address of its own."""

    token_path: TokenPath | None = Field(
        default=None, description="path of the token endpoint on the host of `address`"
    )
    token_address: WithVariables | None = Field(
        default=None, description="address of the token endpoint where it is on another host"
    )
    scope: Word | None = Field(default=None, description="scope to ask for")

    @model_validator(mode="after")
    def _one_place(self) -> TokenEndpoint:
        if (self.token_path is None) == (self.token_address is None):
            raise PydanticCustomError("missing-key", "needs one of `token_path` and `token_address`")
        return self


class ClientCredentials(TokenEndpoint):
    """OAuth2 client credentials: a token is fetched, kept and renewed."""

    kind: Literal["oauth2-client-credentials"]
    client_id: WithVariables = Field(description="client id, best as ${NAME}")
    client_secret: SecretText = Field(description="client secret, always as ${NAME}")
    client_auth: Literal["basic", "form"] = Field(default="basic", description="how the client names itself")


class OAuthPassword(TokenEndpoint):
    """OAuth2 with a user's name and password: a token is fetched, kept and renewed."""

    kind: Literal["oauth2-password"]
    username: WithVariables = Field(description="user name, best as ${NAME}")
    password: SecretText = Field(description="the password, always as ${NAME}")
    client_id: WithVariables = Field(description="client id, best as ${NAME}")
    client_secret: SecretText | None = Field(
        default=None, description="client secret, always as ${NAME}; a public client has none"
    )
    client_auth: Literal["basic", "form"] = Field(default="basic", description="how the client names itself")


class JwtBearer(TokenEndpoint):
    """OAuth2 with an assertion signed by our key (RFC 7523): a token is fetched, kept and renewed."""

    kind: Literal["oauth2-jwt-bearer"]
    key: SecretText = Field(description="our private key in PEM, always as ${NAME}: a path or the PEM itself")
    key_id: Word | None = Field(default=None, description="`kid` of the key, where the agency asks for one")
    algorithm: Literal["RS256", "PS256", "ES256"] = Field(default="RS256", description="how the assertion is signed")
    issuer: WithVariables = Field(description="`iss`: usually the client id")
    subject: WithVariables | None = Field(
        default=None, description="`sub`: on whose behalf; without it the same as `issuer`"
    )
    audience: WithVariables | None = Field(
        default=None, description="`aud`: whom the assertion is for; without it the token endpoint"
    )
    lives: DurationS = Field(default=300.0, description="how long one assertion is good")
    proves: Literal["grant", "client"] = Field(
        default="grant", description="`grant`: the assertion is the grant; `client`: it proves the client"
    )


class InBody(FileModel):
    """Credentials that stand among the fields of every call: `send: {Auth.Password: credentials.password}`."""

    kind: Literal["in-body"]
    credentials: Credentials = Field(description="name: ${NAME}; rows of any step write `credentials.<name>`")


class TokenPlace(FileModel):
    """Where the token of a login goes."""

    header: Word | None = Field(default=None, description="name of a header")
    query: Word | None = Field(default=None, description="name of a query parameter")
    prefix: Annotated[str, Field(max_length=40)] = Field(
        default="", description="what stands before the token, such as `Bearer `"
    )

    @model_validator(mode="after")
    def _one_place(self) -> TokenPlace:
        if (self.header is None) == (self.query is None):
            raise PydanticCustomError("missing-key", "needs one of `header` and `query`")
        return self


class Login(FileModel):
    """A call that signs in: it brings a token, cookies or both, which are kept and renewed."""

    kind: Literal["login"]
    credentials: Credentials = Field(description="name: ${NAME}; rows of any step write `credentials.<name>`")
    operation: Word | None = Field(default=None, description="SOAP operation that signs in")
    request: RequestLine | None = Field(default=None, description="method and path of the request that signs in")
    send: Rows = Field(default={}, description="agency's path: expression, such as `credentials.username`")
    query: Rows = Field(default={}, description="query parameter: expression")
    headers: Rows = Field(default={}, description="header: expression")
    form: Rows = Field(default={}, description="form field: expression")
    token: Expr | None = Field(
        default=None, description="where the token stands in the reply; rows of any step write `credentials.token`"
    )
    goes_to: TokenPlace | None = Field(default=None, description="header or query parameter that carries the token")
    cookies: Literal["keep", "ignore"] = Field(
        default="ignore", description="`keep` sends the cookies that the login sets with every call"
    )
    lives: DurationS = Field(default=600.0, description="how long a session is good without being asked for anew")
    expired_when: Expr | None = Field(
        default=None,
        description='reply that means "sign in again, nothing was done", such as `fault.code == "NoSession"`; a 401 always does',
    )

    @model_validator(mode="after")
    def _brings_something(self) -> Login:
        if (self.operation is None) == (self.request is None):
            raise PydanticCustomError("missing-key", "needs one of `operation` (soap) and `request` (rest)")
        if self.token is None and self.cookies == "ignore":
            raise PydanticCustomError(
                "missing-key", "needs `token`, `cookies: keep` or both: what does the login bring?"
            )
        if self.token is None and self.goes_to is not None:
            raise PydanticCustomError("missing-key", "`goes_to` needs `token`")
        if "token" in self.credentials:
            raise PydanticCustomError("bad-value", "`credentials.token` is what the login brings; choose another name")
        return self


OneSecurity: TypeAlias = Annotated[
    WsseUsername
    | WsseSignature
    | Basic
    | Bearer
    | ApiKey
    | ClientCredentials
    | OAuthPassword
    | JwtBearer
    | InBody
    | Login,
    Field(discriminator="kind"),
]
Security: TypeAlias = OneSecurity | Annotated[tuple[OneSecurity, ...], Field(min_length=1, max_length=5)]

OF_SOAP_ONLY = ("wsse-username", "wsse-signature")
_IN_AUTHORIZATION = (Basic, Bearer, ClientCredentials, OAuthPassword, JwtBearer)


def securities(security: Security | None) -> tuple[OneSecurity, ...]:
    """The ways to sign in, whether the file names none, one or several."""
    if security is None:
        return ()
    return security if isinstance(security, tuple) else (security,)


def check_together(ways: tuple[OneSecurity, ...], protocol: str) -> None:
    """Raises PydanticCustomError for ways that exclude each other or do not exist for the protocol."""
    for way in ways:
        if protocol == "rest" and way.kind in OF_SOAP_ONLY:
            raise PydanticCustomError("wrong-protocol", "this kind of `security` does not exist for this protocol")
        if isinstance(way, Login) and (way.operation is not None) != (protocol == "soap"):
            raise PydanticCustomError("wrong-protocol", "a login is an `operation` for soap and a `request` for rest")
    kinds = [way.kind for way in ways]
    if len(set(kinds)) < len(kinds):
        raise PydanticCustomError("bad-value", "each kind of `security` stands once at the most")
    if sum(isinstance(way, _IN_AUTHORIZATION) for way in ways) > 1:
        raise PydanticCustomError("bad-value", "only one kind of `security` can fill the Authorization header")
    if sum(isinstance(way, (InBody, Login)) for way in ways) > 1:
        raise PydanticCustomError(
            "bad-value", "a login has `credentials` of its own: `in-body` beside it says the same twice"
        )


def credential_names(security: Security | None) -> Mapping[str, str]:
    """What may stand below `credentials` in the rows of a step, with what it is; empty where nothing may."""
    names: dict[str, str] = {}
    for way in securities(security):
        if isinstance(way, (InBody, Login)):
            names |= dict.fromkeys(way.credentials, "from `security`; it must be the whole expression")
        if isinstance(way, Login) and way.token is not None:
            names["token"] = "what the login brought; it must be the whole expression"  # noqa: S105 - a description
    return names


class Tls(FileModel):
    """TLS of this connection. Certificates of the other side are always verified."""

    profile: Literal["modern", "old"] = Field(
        default="modern",
        description="`modern`: TLS 1.2 and later; `old`: from TLS 1.0 on, with ciphers and renegotiation of that time",
    )
    ca: WithVariables | None = Field(
        default=None,
        description="the authority that vouches for the agency, in PEM: a path beside this file, or ${NAME}; the machine's own then count no more",
    )
    certificate: WithVariables | None = Field(
        default=None, description="our certificate, for agencies that want to know who calls (mTLS); as `ca`"
    )
    key: SecretText | None = Field(
        default=None, description="its private key in PEM, always as ${NAME}: a path or the PEM itself"
    )
    key_password: SecretText | None = Field(default=None, description="password of the key, always as ${NAME}")
    ciphers: Annotated[str, Field(pattern=r"^[A-Za-z0-9:!+@=_-]+$", max_length=300)] | None = Field(
        default=None, description="OpenSSL's cipher list, such as `DEFAULT:!DH`"
    )

    @model_validator(mode="after")
    def _belongs_together(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            raise PydanticCustomError("missing-key", "`certificate` and `key` need each other")
        if self.key_password is not None and self.key is None:
            raise PydanticCustomError("missing-key", "`key_password` needs `key`")
        return self
