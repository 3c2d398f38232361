"""Ways to say who we are that need no login. Each is a small frozen description; secrets stay out of every `repr`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from connectors.base import BadConnection
from connectors.http import basic_authorization, check_header
from connectors.security.grant import Grant


@dataclass(frozen=True, slots=True)
class Basic:
    """HTTP Basic."""

    username: str
    password: str = field(repr=False)

    def grant(self) -> Grant:
        """What goes along with every request. Raises NotSent for a value no header can hold."""
        value = basic_authorization(self.username, self.password)
        return Grant(headers={"Authorization": value}, secrets=(self.password, value.removeprefix("Basic ")))


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that does not change."""

    token: str = field(repr=False)

    def grant(self) -> Grant:
        """What goes along with every request. Raises NotSent for a value no header can hold."""
        check_header("Authorization", self.token)
        return Grant(headers={"Authorization": f"Bearer {self.token}"}, secrets=(self.token,))


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a header or in the query, under the name the agency gives it; `prefix` stands before it in a header."""

    name: str
    key: str = field(repr=False)
    place: Literal["header", "query"] = "header"
    prefix: str = ""

    def check(self) -> None:
        """Raises BadConnection for a key without a name."""
        if not self.name:
            raise BadConnection("security.name: must name the header or query parameter of the key")

    def grant(self) -> Grant:
        """What goes along with every request. Raises NotSent for a value no header can hold."""
        return placed(self.key, self.name, self.place, self.prefix)


@dataclass(frozen=True, slots=True)
class InBody:
    """Credentials that stand where the mapping writes `credentials.<name>`; `hidden` names those that are secret."""

    values: Mapping[str, str] = field(repr=False)
    hidden: frozenset[str] = frozenset()

    def grant(self) -> Grant:
        """What the places of every call are filled with."""
        secrets = tuple(value for name, value in self.values.items() if name in self.hidden)
        return Grant(credentials=dict(self.values), secrets=secrets)


def placed(key: str, name: str, place: Literal["header", "query"], prefix: str = "") -> Grant:
    """A key or token in the header or query parameter of that name."""
    if place == "query":
        return Grant(query={name: prefix + key}, secrets=(key, quote(key, safe="")))
    check_header(name, prefix + key)
    return Grant(headers={name: prefix + key}, secrets=(key,))
