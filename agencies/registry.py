"""All connected agencies: their files read and checked, their adapters and connectors ready to be asked for.

Promises: one pass reports every fault of every file; a faulty file takes only its own agency out; no file is read and no
secret is looked up while the hub runs, except the WSDL when its connector is made.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urljoin

import aiohttp

from adapters.adapter import Adapter
from agencies import model
from agencies.build import build_adapter
from agencies.checks import Subject, check
from agencies.secrets import Reference, UnsetVariable
from agencies.source import Fault, FileFaults, Source
from connectors.base import BadConnection, Connector
from connectors.http import Wire
from connectors.rest import auth as rest_auth
from connectors.rest.connector import RestConnection, RestConnector
from connectors.soap import security as soap_security
from connectors.soap.connector import SoapConnection, SoapConnector

Environment: TypeAlias = Literal["sandbox", "production"]

__all__ = ["ConnectedAgency", "Environment", "Registry", "UnknownAgency", "UnsetVariable", "check_agency_file"]


class UnknownAgency(KeyError):
    """No usable file describes this agency."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return f"no agency `{self.code}`: config/agencies/{self.code}.yaml is missing or has faults"


@dataclass(frozen=True, slots=True)
class ConnectedAgency:
    """One agency that can be worked with."""

    file: model.AgencyFile
    source: Source
    adapter: Adapter

    @property
    def code(self) -> str:
        return self.file.agency.code

    @property
    def at_once(self) -> int:
        """Calls at the same time."""
        return self.file.connection.at_once

    @property
    def per_minute(self) -> int:
        """Calls in a minute."""
        return self.file.connection.per_minute


def check_agency_file(path: pathlib.Path, categories: Collection[str] | None = None) -> tuple[Source, model.AgencyFile]:
    """A file that passed every check. `categories` are the rubricator's codes; without them categories are not judged. Raises FileFaults."""
    source = Source.read(path)
    file = source.typed(model.AgencyFile)
    faults = check(Subject(source, file, path.parent, frozenset(categories) if categories is not None else None))
    if faults:
        raise FileFaults(faults)
    return source, file


class Registry:
    """The agencies of one `config/` folder. Make it with `load`; immutable."""

    def __init__(
        self,
        agencies: Mapping[str, ConnectedAgency],
        faults: tuple[Fault, ...],
        environment: Environment,
        variables: Mapping[str, str] | None,
    ) -> None:
        self._agencies = dict(agencies)
        self._environment: Environment = environment
        self._variables = variables
        self.faults = faults
        """Every fault of the files that were left out."""

    @classmethod
    def load(
        cls,
        config: pathlib.Path,
        *,
        environment: Environment = "sandbox",
        variables: Mapping[str, str] | None = None,
        categories: Collection[str] | None = None,
    ) -> Registry:
        """Read `config/agencies/*.yaml`. Never raises for a faulty file: look at `faults`.

        `variables` are the environment's unless given; they are looked up when a connector is made or a webhook verified.
        """
        agencies: dict[str, ConnectedAgency] = {}
        faults: list[Fault] = []

        def secret(text: str) -> str:
            return Reference(text).resolved(variables).reveal()

        for path in sorted((config / "agencies").glob("*.yaml")):
            try:
                source, file = check_agency_file(path, categories)
            except FileFaults as found:
                faults += found.faults
                continue
            agencies[file.agency.code] = ConnectedAgency(file, source, build_adapter(file, secret))
        return cls(agencies, tuple(sorted(faults)), environment, variables)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self._agencies)

    def agency(self, code: str) -> ConnectedAgency:
        """Raises UnknownAgency."""
        try:
            return self._agencies[code]
        except KeyError:
            raise UnknownAgency(code) from None

    def adapter(self, code: str) -> Adapter:
        """Raises UnknownAgency."""
        return self.agency(code).adapter

    def connector(self, code: str, session: aiohttp.ClientSession | None) -> Connector:
        """A new connector on the shared session; without a session it only renders (a dry run).

        Raises UnknownAgency, UnsetVariable with the name, or BadConnection when the connection can never work.
        """
        agency = self.agency(code)
        connection = agency.file.connection
        wire = Wire(session) if session is not None else None
        address = self._reveal(self.address_text(code))
        if connection.protocol == "rest":
            rest = RestConnection(
                address=address,
                auth=self._rest_auth(connection.security, address),
                timeout_s=connection.timeout,
                max_reply_bytes=connection.max_reply,
            )
            return RestConnector(rest, wire)
        if connection.wsdl is None:
            raise BadConnection("connection.wsdl: soap needs a WSDL")
        soap = SoapConnection(
            wsdl=pathlib.Path(agency.source.file).parent / connection.wsdl,
            address=address,
            version=connection.version,
            security=self._soap_security(connection.security),
            timeout_s=connection.timeout,
            max_reply_bytes=connection.max_reply,
        )
        return SoapConnector(soap, wire)

    def address_text(self, code: str) -> str:
        """The address as the file writes it, for the chosen environment; `${NAME}` stays as it is, so it may be shown."""
        address = self.agency(code).file.connection.address
        return address if isinstance(address, str) else str(getattr(address, self._environment))

    def secrets(self, code: str) -> tuple[str, ...]:
        """The values that must never be shown, for masking. User names are none; unset ones are left out."""
        texts = [text for path, text in variable_texts(self.agency(code).file) if path[-1] not in _NO_SECRETS]
        known = [Reference(text).resolved(self._variables) for text in texts if not self._unset(text)]
        return tuple(secret.reveal() for secret in known)

    def unset_variables(self) -> tuple[Fault, ...]:
        """A fault for every variable the files name and the environment lacks: ask before starting to work."""
        faults: list[Fault] = []
        for code, agency in self._agencies.items():
            address_path: tuple[str, ...] = ("connection", "address")
            if not isinstance(agency.file.connection.address, str):
                address_path = (*address_path, self._environment)
            for path, text in [(address_path, self.address_text(code)), *variable_texts(agency.file)]:
                faults += [
                    agency.source.fault(path, "unset-variable", str(UnsetVariable(name))) for name in self._unset(text)
                ]
        return tuple(sorted(faults))

    def _unset(self, text: str) -> tuple[str, ...]:
        return Reference(text).unset(os.environ if self._variables is None else self._variables)

    def _reveal(self, text: str) -> str:
        return Reference(text).resolved(self._variables).reveal()

    def _soap_security(self, security: model.Security | None) -> soap_security.Security | None:
        match security:
            case model.WsseUsername():
                name, password = self._reveal(security.username), self._reveal(security.password)
                return soap_security.UsernameToken(name, password, digest=security.digest)
            case model.Basic():
                return soap_security.HttpBasic(self._reveal(security.username), self._reveal(security.password))
            case None:
                return None
        raise BadConnection("connection.security: this kind does not exist for soap")

    def _rest_auth(self, security: model.Security | None, address: str) -> rest_auth.Auth:
        match security:
            case model.Basic():
                return rest_auth.Basic(self._reveal(security.username), self._reveal(security.password))
            case model.Bearer():
                return rest_auth.Bearer(self._reveal(security.token))
            case model.ApiKey():
                return rest_auth.ApiKey(security.name, self._reveal(security.key), security.place)
            case model.ClientCredentials():
                return rest_auth.OAuth2ClientCredentials(
                    token_address=urljoin(address, security.token_path),
                    client_id=self._reveal(security.client_id),
                    client_secret=self._reveal(security.client_secret),
                    scope=security.scope or "",
                    client_authentication=security.client_auth,
                )
            case None:
                return None
        raise BadConnection("connection.security: this kind does not exist for rest")


_NO_SECRETS = ("username", "client_id")


def variable_texts(file: model.AgencyFile) -> list[tuple[tuple[str, ...], str]]:
    """Where the file names its credentials, and the texts: `${NAME}` and never a value."""
    found: list[tuple[tuple[str, ...], str]] = []
    security = file.connection.security
    for name in ("username", "password", "token", "key", "client_id", "client_secret"):
        text = getattr(security, name, None)
        if isinstance(text, str):
            found.append((("connection", "security", name), text))
    if file.status is not None and file.status.webhook is not None:
        found.append((("status", "webhook", "signature", "secret"), file.status.webhook.signature.secret))
    return found
