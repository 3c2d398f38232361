"""What every wire promises: it carries a Call, brings a Reply, and says honestly how far a failed Call came.

A connector knows neither messages nor agencies. It never follows redirects, never talks to another address than the one it was
given, never reads more than `max_reply_bytes` (counted after decompression) and never waits longer than `timeout_s` in all.

The error tree is the heart of delivery: `NotSent` means that the agency cannot have acted; `Lost` and `Unreadable` mean that it may have.
What a citizen wrote, what an agency answered and every secret stay out of the `repr` of all of these: they must not reach a log by accident.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Protocol, TypeAlias

Tree: TypeAlias = "bool | int | float | str | bytes | Mapping[str, Tree] | Sequence[Tree] | None"
"""Plain nested data: what mappings write and replies are read as. Mappings keep their order, it is the order on the wire."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file of a multipart request."""

    field: str
    file_name: str
    media_type: str
    content: bytes = dataclass_field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, in the words of the protocol and before any byte is made.

    `operation` is a SOAP operation name, or for REST a method and a path template such as `POST /requests/{id}/files`.
    `body` is the SOAP operation's parameters or the JSON body; in a SOAP body `@name` is an attribute, `#text` the text beside attributes
    and `soap:Header` at the top holds the header parts the WSDL declares. `safe` says that sending it twice does no harm.
    """

    operation: str
    body: Tree = dataclass_field(default=None, repr=False)
    path: Mapping[str, str] = dataclass_field(default_factory=dict, repr=False)
    query: Mapping[str, str] = dataclass_field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = dataclass_field(default_factory=dict, repr=False)
    form: Mapping[str, str] = dataclass_field(default_factory=dict, repr=False)
    files: tuple[FilePart, ...] = dataclass_field(default=(), repr=False)
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """The exact bytes of one request: what `send` puts on the wire and what a dry run shows."""

    method: str
    url: str = dataclass_field(repr=False)
    headers: Mapping[str, str] = dataclass_field(repr=False)
    body: bytes = dataclass_field(repr=False)
    secrets: tuple[str, ...] = dataclass_field(default=(), repr=False, compare=False)
    """Texts in it that must never be shown, in the spelling they have on the wire; the journal leaves them out."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that the protocol itself carries (a SOAP Fault, whatever the HTTP status)."""

    code: str
    text: str = dataclass_field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole, readable reply. Header names are lower case. In `tree` a repeated SOAP element is always a list (Q5)."""

    status: int
    headers: Mapping[str, str] = dataclass_field(repr=False)
    raw: bytes = dataclass_field(repr=False)
    tree: Tree = dataclass_field(repr=False)
    request: Request = dataclass_field(repr=False)
    fault: Fault | None = None
    cookies: Mapping[str, str] = dataclass_field(default_factory=dict, repr=False)
    """Cookies that the reply sets; nobody keeps them but a session in cookies."""


class BadConnection(ValueError):
    """A connection that can never work as it is described. The text names the field and the remedy and holds no secret."""


class ConnectorError(Exception):
    """A call that brought no readable reply. `text` is safe to store: it never holds request or reply content."""

    def __init__(
        self, text: str, *, request: Request | None = None, status: int | None = None, raw: bytes = b""
    ) -> None:
        super().__init__(text)
        self.text = text
        self.request = request
        self.status = status
        self.raw = raw


class NotSent(ConnectorError):
    """The agency cannot have acted: the request could not be built, the connection or the login failed."""


class Lost(ConnectorError):
    """The request may have arrived, but no whole reply came: silence, a reset, half a reply, a reply beyond the size limit."""


class Unreadable(ConnectorError):
    """A whole reply came that is not what the protocol promises: HTML, garbage, an envelope that does not parse."""


class Connector(Protocol):
    """One wire to one address. Safe for concurrent use by tasks of one event loop."""

    async def send(self, call: Call) -> Reply:
        """Carry the call. Raises NotSent, Lost or Unreadable, and nothing else but cancellation."""
        ...

    def render(self, call: Call) -> Request:
        """The request `send` would put on the wire, byte for byte (credentials that need a login are left out). Raises NotSent."""
        ...

    async def close(self) -> None:
        """Give back what this connector holds of its own; the shared session stays."""
        ...
