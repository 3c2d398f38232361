"""A small agency to be connected in every way a file can say: its file is written by the test, its system is a raw server."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent
from typing import Literal

import aiohttp
from lxml import etree

from adapters.adapter import Adapter
from adapters.context import MessageContext
from agencies.registry import Registry
from connectors.base import Connector
from domain.outcome import Outcome
from tests.connectors.raw_server import Caller

MESSAGE = MessageContext(
    reference="26-0001-2345-8",
    id="0190b0f2-0000-7000-8000-000000000001",
    subject="Яма",
    text="Яма на “улице” <Ёлочной> & Ко",
    category="roads/pothole",
    category_name="Яма",
    received_at=datetime(2026, 11, 22, 14, 0, tzinfo=UTC),
)

_HEAD = """\
version: 1
agency: {code: desk, name: {ru: Приёмная, en: Desk}, owner: desk@desk.example, timezone: Europe/Moscow, receives: [roads/*]}
"""
_SOAP = """\
submit:
  operation: Register
  when_answer_is_lost: ask-a-person
  send:
ROWS
    ExternalId: message.reference
    Text: message.text
  answer:
    case_id: Number
    outcome: {from: Code, accepted: ["0"]}
"""
_REST = """\
submit:
  request: POST /cases
  when_answer_is_lost: ask-a-person
  send:
ROWS
    text: message.text
  answer:
    case_id: number
    outcome: {from: http.status, accepted: ["201"]}
"""


@dataclass(frozen=True)
class Desk:
    """The connected agency."""

    registry: Registry
    connector: Connector
    adapter: Adapter

    async def submit(self) -> Outcome:
        """Sends the message and reads what it came to."""
        return self.adapter.read_submit(await self.connector.send(self.adapter.submit_call(MESSAGE)))


def written(folder: Path, protocol: Literal["soap", "rest"], connection: str, rows: str = "", more: str = "") -> Path:
    """The file, with its WSDL beside it. `connection`, `rows` (of `send`) and `more` (at the top) are YAML."""
    agencies = folder / "agencies"
    shutil.copytree(Path(__file__).parent, agencies / "desk", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py"))
    wsdl = "  wsdl: desk/desk.wsdl\n" if protocol == "soap" else ""
    address = "" if "\naddress:" in f"\n{connection}" else "  address: ${ADDRESS}\n"
    body = (_SOAP if protocol == "soap" else _REST).replace("ROWS\n", indent(rows, "    ") + "\n" if rows else "")
    path = agencies / "desk.yaml"
    path.write_text(
        f"{_HEAD}connection:\n  protocol: {protocol}\n{wsdl}{address}{indent(connection, '  ')}\n{body}{more}",
        encoding="utf-8",
    )
    return path


def connected(
    folder: Path,
    session: aiohttp.ClientSession | None,
    protocol: Literal["soap", "rest"],
    connection: str,
    *,
    rows: str = "",
    more: str = "",
    variables: Mapping[str, str] | None = None,
) -> Desk:
    """The agency that the file describes. `variables` are its environment."""
    written(folder, protocol, connection, rows, more)
    registry = Registry.load(folder, variables={"ADDRESS": "http://127.0.0.1:9", **(variables or {})})
    assert registry.faults == (), [str(fault) for fault in registry.faults]
    return Desk(registry, registry.connector("desk", session), registry.adapter("desk"))


def envelope(content: str) -> bytes:
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>' + content + "</e:Body></e:Envelope>"
    ).encode()


REGISTERED = envelope('<RegisterResponse xmlns="urn:desk"><Code>0</Code><Number>D-7</Number></RegisterResponse>')
REFUSED_SESSION = envelope(
    "<e:Fault><faultcode>e:Client.NoSession</faultcode><faultstring>session has expired</faultstring></e:Fault>"
)


def head_of(request: bytes) -> str:
    return request.split(b"\r\n\r\n", 1)[0].decode("latin-1")


def body_of(request: bytes) -> bytes:
    return request.split(b"\r\n\r\n", 1)[1]


def headers_of(request: bytes) -> dict[str, str]:
    """Header names in lower case."""
    lines = head_of(request).split("\r\n")[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def text_in(request: bytes, name: str) -> str | None:
    """The text of the first element of that local name in a SOAP request."""
    return etree.fromstring(body_of(request)).findtext(f".//{{*}}{name}")


async def register(caller: Caller) -> None:
    """Takes every SOAP message."""
    await caller.reply(REGISTERED, headers="Content-Type: text/xml; charset=utf-8\r\n")


async def take(caller: Caller) -> None:
    """Takes every JSON message."""
    await caller.reply(b'{"number": "D-7"}', "201 Created")


TAKING: Mapping[str, Callable[[Caller], Awaitable[None]]] = {"soap": register, "rest": take}
