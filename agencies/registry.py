"""All connected agencies: their files read and checked, their adapters and connectors ready to be asked for.

Promises: one pass reports every fault of every file; a faulty file takes only its own agency out; no file is read and no
secret is looked up while the hub runs, except the WSDL when its connector is made.
"""

from __future__ import annotations

import os
import pathlib
import ssl
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import aiohttp

from adapters.adapter import Adapter
from agencies import model
from agencies.build import build_adapter
from agencies.checking import check_agency_file
from agencies.connecting import Environment, Surroundings, addresses, certificates_expire, connect, tls_settings
from agencies.links import PUBLIC_ADDRESS, places_of_links
from agencies.model_connection import Environments
from agencies.model_walk import Mark, marked
from agencies.secrets import Reference, UnsetVariable
from agencies.source import Fault, FileFaults, Path, Source
from connectors.base import Connector
from connectors.http import Wire
from connectors.security.tls import open_tls

__all__ = ["ConnectedAgency", "Environment", "Registry", "UnknownAgency", "UnsetVariable", "check_agency_file"]


NO_LINKS = f"a link to a file needs the address at which the public reaches the hub: set {PUBLIC_ADDRESS}, such as https://hub.example"


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
        paths = sorted((config / "agencies").glob("*.yaml"))
        return cls.of_files(paths, environment=environment, variables=variables, categories=categories)

    @classmethod
    def of_files(
        cls,
        paths: Iterable[pathlib.Path],
        *,
        environment: Environment = "sandbox",
        variables: Mapping[str, str] | None = None,
        categories: Collection[str] | None = None,
    ) -> Registry:
        """As `load`, for these files."""
        checked: list[tuple[Source, model.AgencyFile]] = []
        faults: list[Fault] = []
        for path in paths:
            try:
                checked.append(check_agency_file(path, categories))
            except FileFaults as found:
                faults += found.faults
        return cls.of_checked(checked, environment=environment, variables=variables, faults=faults)

    @classmethod
    def of_checked(
        cls,
        files: Iterable[tuple[Source, model.AgencyFile]],
        *,
        environment: Environment = "sandbox",
        variables: Mapping[str, str] | None = None,
        faults: Iterable[Fault] = (),
    ) -> Registry:
        """For files that are read and judged already; `faults` are those of the files that were left out."""
        registry = cls({}, tuple(sorted(faults)), environment, variables)
        registry._agencies = {file.agency.code: registry._connected(source, file) for source, file in files}
        return registry

    def _connected(self, source: Source, file: model.AgencyFile) -> ConnectedAgency:
        """The agency of a checked file; its secrets are looked up when they are needed."""
        return ConnectedAgency(file, source, build_adapter(file, self._reveal))

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
        return self.connector_on(code, Wire(session) if session is not None else None)

    def connector_on(self, code: str, wire: Wire | None) -> Connector:
        """The same on a wire at hand."""
        agency = self.agency(code)
        return connect(agency.file, self._around(agency), wire)

    def address_text(self, code: str) -> str:
        """The address as the file writes it, for the chosen environment; `${NAME}` stays as it is, so it may be shown."""
        return addresses(self.agency(code).file.connection, self._environment)[0]

    def address(self, code: str) -> str:
        """The address that is called first, with its variables filled in. Raises UnsetVariable."""
        return self._reveal(self.address_text(code))

    def tls_context(self, code: str) -> ssl.SSLContext | None:
        """How the file wants TLS, None where it says nothing. Raises as `connector` does."""
        agency = self.agency(code)
        tls = agency.file.connection.tls
        return open_tls(tls_settings(tls, self._around(agency))) if tls is not None else None

    def certificates_expire(self, code: str) -> Mapping[str, datetime]:
        """When each certificate that the file names runs out, by its key in the file. Raises as `connector` does."""
        agency = self.agency(code)
        return certificates_expire(agency.file, self._around(agency))

    def _around(self, agency: ConnectedAgency) -> Surroundings:
        source = agency.source
        return Surroundings(
            folder=pathlib.Path(source.file).parent,
            environment=self._environment,
            reveal=self._reveal,
            wsdl_folder=source.folder_of(("connection", "wsdl")),
        )

    def secrets(self, code: str) -> tuple[str, ...]:
        """The values that must never be shown, for masking. User names are none; unset ones are left out."""
        found = marked(self.agency(code).file)
        texts = [one.text for one in found if one.mark is Mark.SECRET or one.path[-1] == "secret"]
        known = [Reference(text).resolved(self._variables) for text in texts if not self._unset(text)]
        return tuple(secret.reveal() for secret in known)

    def unset_variables(self) -> tuple[Fault, ...]:
        """A fault for every variable the files name and the environment lacks: ask before starting to work."""
        faults: list[Fault] = []
        for agency in self._agencies.values():
            address_path: Path = ("connection", "address")
            if isinstance(agency.file.connection.address, Environments):
                address_path = (*address_path, self._environment)
            texts = [(address_path, text) for text in addresses(agency.file.connection, self._environment)]
            for path, text in [*texts, *variable_texts(agency.file)]:
                faults += [
                    agency.source.fault(path, "unset-variable", str(UnsetVariable(name))) for name in self._unset(text)
                ]
            if self._unset(f"${{{PUBLIC_ADDRESS}}}"):
                faults += [
                    agency.source.fault(path, "unset-variable", NO_LINKS) for path in places_of_links(agency.file)
                ]
        return tuple(sorted(faults))

    def _unset(self, text: str) -> tuple[str, ...]:
        return Reference(text).unset(os.environ if self._variables is None else self._variables)

    def _reveal(self, text: str) -> str:
        return Reference(text).resolved(self._variables).reveal()


def variable_texts(file: model.AgencyFile) -> list[tuple[Path, str]]:
    """Where the file names its credentials, and the texts: `${NAME}` and never a value."""
    return [
        (one.path, one.text)
        for one in marked(file)
        if one.mark in (Mark.VARIABLES, Mark.SECRET) and one.path[:2] != ("connection", "address")
    ]
