"""A REST agency of a few lines: a file built around what a test wants to say, and a real server that answers by a table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from textwrap import dedent, indent
from urllib.parse import parse_qsl, urlsplit

from adapters.adapter import Adapter
from agencies.build import build_adapter
from agencies.model import AgencyFile
from agencies.source import Source
from tests.connectors.raw_server import Caller, raw_server

HEAD = """
version: 1
agency: {code: small, name: {ru: Малая, en: Small}, owner: it@small.example, timezone: Europe/Moscow, receives: [roads/*]}
connection: {protocol: rest, address: http://127.0.0.1:1}
"""
USUAL_ANSWER = """
answer:
  case_id: id
  outcome: {from: http.status, accepted: ["201"], already_there: ["409"], refused: ["422"], try_later: ["503"]}
"""


def submit(rows: str, more: str = "", answer: str = USUAL_ANSWER) -> str:
    """A file whose `submit` has these keys beside its request and its policy."""
    body = dedent(rows).strip("\n") + "\n" + dedent(answer).strip("\n")
    step = "submit:\n  request: POST /cases\n  when_answer_is_lost: ask-a-person\n" + indent(body, "  ")
    return HEAD + step + "\n" + dedent(more)


def file_of(text: str) -> AgencyFile:
    """The file as it is loaded. Raises FileFaults."""
    return Source.parse(text, "small.yaml").typed(AgencyFile)


def adapter_of(text: str) -> Adapter:
    """The adapter of a file."""
    return build_adapter(file_of(text))


@dataclass(frozen=True)
class Asked:
    """One request as the agency got it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


Reply = tuple[int, object]
Answers = Callable[[Asked], Reply]


@dataclass
class SmallAgency:
    """A running agency and everything it was asked."""

    address: str = ""
    asked: list[Asked] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)

    def paths(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.asked]


@asynccontextmanager
async def small_agency(answers: Answers) -> AsyncIterator[SmallAgency]:
    """Serves `answers`; a status of 0 hangs up after the work is done."""
    agency = SmallAgency()

    async def answer(caller: Caller) -> None:
        head, _, body = caller.request.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ")
        parts = urlsplit(target)
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        asked = Asked(method, parts.path, dict(parse_qsl(parts.query)), headers, body)
        agency.asked.append(asked)
        status, tree = answers(asked)
        if not status:
            caller.reset()
            return
        more = "".join(f"{name}: {value}\r\n" for name, value in agency.headers.items())
        await caller.reply(json.dumps(tree).encode(), f"{status} X", f"Content-Type: application/json\r\n{more}")
        await asyncio.sleep(0)

    async with raw_server(answer) as raw:
        agency.address = raw.address
        yield agency
