"""A small agency on a real port, told by each test what it says, and a hub that listens to it by a real agency file.

Nothing here is a stand-in for our own code: the file is checked, the connector calls over HTTP, the inbox and the history are in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import itertools
import textwrap
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote
from uuid import UUID, uuid4

import psycopg
from aiohttp import web
from psycopg import sql
from sqlalchemy import func, insert, text, update
from uuid6 import uuid7

from adapters.adapter import Adapter
from agencies.registry import Registry
from connectors.base import Connector
from connectors.http import open_session
from delivery.limits import Pace
from delivery.poller import Poller
from delivery.receiver import Receiver
from delivery.sender import Sender
from delivery.turns import AgencyWork, run_turn
from domain.delivery import DeliveryState
from domain.message import Channel, Regime
from domain.status import Status
from store import feeds, inbox, messages, turns
from store.messages import NewMessage
from store.people import person_id
from store.tables import CaseRow, DeliveryRow, MessageRow, OrganisationRow, TurnRow
from store.turns import Claim
from store.unit import Database
from tests.conftest import sqlalchemy_url

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

_CODES = itertools.count(1)

Said: TypeAlias = "object | web.Response"
Saying: TypeAlias = Callable[[web.Request, bytes], Said]


@dataclass(slots=True)
class Works:
    """The agency. `says` answers by method and path; what it gives is JSON, or a whole response. `heard` is every call."""

    address: str = ""
    says: dict[str, Saying] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.heard.append(f"{request.method} {unquote(request.path_qs)}" + (f" {body.decode()}" if body else ""))
        saying = self.says.get(f"{request.method} {request.path}")
        if saying is None:
            return web.json_response({"error": "unknown"}, status=404)
        said = saying(request, body)
        return said if isinstance(said, web.Response) else web.json_response(said)


@asynccontextmanager
async def works() -> AsyncIterator[Works]:
    """The agency on a free port of 127.0.0.1."""
    agency = Works()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", agency._answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    agency.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield agency
    finally:
        await runner.cleanup()


def agency_file(code: str, status: str, more: str = "") -> str:
    """A whole agency file around its `status` and whatever else a test is about."""
    head = f"""
        version: 1
        agency:
          code: {code}
          name: {{ru: Работы, en: Works}}
          owner: it@works.example
          timezone: Europe/Moscow
          receives: [roads/*]
        connection: {{protocol: rest, address: "${{WORKS_ADDRESS}}", timeout: 5s, per_minute: 60000, at_once: 4}}
        submit:
          request: POST /cases
          when_answer_is_lost: ask-a-person
          send: {{reference: message.reference}}
          answer: {{case_id: id, outcome: {{from: http.status, accepted: ["201"]}}}}
    """
    return textwrap.dedent(head) + textwrap.dedent(more) + "status:\n" + textwrap.indent(textwrap.dedent(status), "  ")


def registry_of(folder: Path, code: str, words: str, address: str = "http://127.0.0.1:9") -> Registry:
    """A registry of this one file, which must be without faults."""
    target = folder / "agencies" / f"{code}.yaml"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(words, encoding="utf-8")
    registry = Registry.load(folder, variables={"WORKS_ADDRESS": address, "WORKS_SECRET": "works-secret"})
    assert registry.faults == (), [str(fault) for fault in registry.faults]
    return registry


@asynccontextmanager
async def fresh_database(server_dsn: str, template: str) -> AsyncIterator[Database]:
    """A copy of the migrated, empty database, dropped afterwards."""
    name = f"okno_{uuid4().hex[:12]}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    database = Database(sqlalchemy_url(psycopg.conninfo.make_conninfo(server_dsn, dbname=name)))
    await database.open()
    try:
        yield database
    finally:
        await database.close()
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


class _NoBlobs:
    def read(self, sha256: str) -> bytes:
        raise FileNotFoundError(sha256)


@dataclass(slots=True)
class Hub:
    """One agency's half of an installation: its file, its turn, its messages. The database is shared: every query names `:code`."""

    code: str
    database: Database
    folder: Path
    agency: Works
    adapter: Adapter
    connector: Connector
    claim: Claim
    person: UUID
    now: datetime = NOW

    def receiver(self) -> Receiver:
        sender = Sender(
            self.adapter, self.connector, _NoBlobs(), owner="it@works.example", secrets=(), clock=lambda: self.now
        )
        return Receiver(self.database, self.adapter, sender)

    async def mend(self, status: str, more: str = "") -> None:
        """The file as an integrator has changed it."""
        self.adapter = registry_of(
            self.folder, self.code, agency_file(self.code, status, more), self.agency.address
        ).adapter(self.code)

    async def message(self, words: str = "Яма у дома", state: DeliveryState = DeliveryState.READY) -> str:
        """An accepted message without a case; its reference."""
        reference = f"R-{uuid4().hex[:12]}"
        fields = {
            "reference": reference,
            "text": words,
            "regime": Regime.MESSAGE,
            "channel": Channel.PORTAL,
            "organisation_code": self.code,
            "rubricator_version": "1",
            "status": Status.ROUTED,
            "deadline_on": datetime(2026, 4, 1, tzinfo=UTC).date(),
            "deadline_rule": "days",
        }
        new = NewMessage(self.person, uuid4().hex, b"", self.now, fields, DeliveryState.READY)
        async with self.database.unit() as unit:
            message_id = await messages.accept(unit, new)
            await unit.execute(update(DeliveryRow).where(DeliveryRow.message_id == message_id).values(state=state))
        return reference

    async def case(self, case_id: str, words: str = "Яма у дома") -> str:
        """A message that was delivered as this case; its reference."""
        reference = await self.message(words, DeliveryState.DELIVERED)
        async with self.database.unit() as unit:
            [(message_id,)] = await unit.execute(
                update(MessageRow)
                .where(MessageRow.reference == reference)
                .values(status=Status.DELIVERED)
                .returning(MessageRow.id)
            )
            await unit.execute(
                update(DeliveryRow).where(DeliveryRow.message_id == message_id).values(finished_at=func.now())
            )
            values = {"id": uuid7(), "message_id": message_id, "organisation_code": self.code, "round": 1}
            await unit.execute(insert(CaseRow).values(**values, case_id=case_id, ids={"case_id": case_id}))
        return reference

    def poller(self) -> Poller:
        return Poller(self.database, self.adapter, self.connector, Pace(60_000, 4), lambda: self.now)

    async def poll(self) -> None:
        """Read every feed once, as if it were due, without reading the inbox."""
        async with self.database.unit() as unit:
            await feeds.wake(unit, self.code)
        await self.poller().poll(self.claim)

    async def receive(self) -> None:
        """Read the inbox."""
        await self.receiver().read_inbox(self.claim, self.now)

    async def listen(self, later: timedelta = timedelta()) -> None:
        """One turn's worth of listening, a while later. A minute passes with it."""
        self.now += later
        await self.poll()
        await self.receive()
        self.now += timedelta(minutes=1)

    async def turn(self) -> None:
        """A whole turn as a worker works it off, and the turn held again afterwards."""
        async with self.database.unit() as unit:
            await feeds.wake(unit, self.code)
        sender = self.receiver().sender
        assert sender is not None
        work = AgencyWork(
            self.code,
            self.adapter,
            self.connector,
            sender,
            Pace(60_000, 4),
            4,
            lambda: self.now,
            self.database,
        )
        await run_turn(work, self.claim, asyncio.Event())
        async with self.database.unit() as unit:
            mine = TurnRow.organisation_code == self.code
            await unit.execute(update(TurnRow).where(mine).values(lease_until=func.now() + timedelta(minutes=1)))

    async def post(self, body: bytes) -> None:
        """A proved webhook, as the door keeps it."""
        async with self.database.unit() as unit:
            await inbox.keep_webhook(unit, self.code, body)

    async def rows(self, statement: str, **parameters: object) -> list[dict[str, Any]]:
        """Rows of a statement; it may name `:code`, the agency's."""
        known = {**parameters, **({"code": self.code} if ":code" in statement else {})}
        async with self.database.reader() as connection:
            return [dict(row) for row in (await connection.execute(text(statement), known)).mappings()]

    async def status(self, reference: str) -> str:
        return str((await self.rows("SELECT status FROM message WHERE reference = :r", r=reference))[0]["status"])

    async def told(self, reference: str) -> list[dict[str, Any]]:
        """What the agency told of a message, oldest first."""
        return await self.rows(
            """
            SELECT e.kind, e.to_status, e.applied, e.note, e.note_is_public, e.foreign_code, e.occurred_at, e.observed_at
            FROM event e JOIN message m ON m.id = e.message_id WHERE m.reference = :r AND e.actor = 'agency' ORDER BY e.id
            """,
            r=reference,
        )

    async def codes(self, reference: str) -> list[str]:
        """The states it told, in its own words."""
        return [str(one["foreign_code"]) for one in await self.told(reference) if one["kind"] != "ANSWER"]

    async def held(self) -> list[tuple[str, str, str | None]]:
        rows = await self.rows("SELECT why, state, code FROM held_change WHERE organisation_code = :code ORDER BY id")
        return [(row["why"], row["state"], row["code"]) for row in rows]

    async def alarm(self, feed: str = "") -> str | None:
        rows = await self.rows("SELECT alarm FROM feed_cursor WHERE organisation_code = :code AND feed = :f", f=feed)
        return None if not rows else rows[0]["alarm"]


@asynccontextmanager
async def hub(database: Database, folder: Path, agency: Works, status: str, more: str = "") -> AsyncIterator[Hub]:
    """A hub that holds the turn of the agency."""
    code = f"works-{next(_CODES)}"
    registry = registry_of(folder, code, agency_file(code, status, more), agency.address)
    person = await person_id(database, "test", "citizen")
    async with database.unit() as unit:
        organisation = {"code": code, "name_ru": "Работы", "name_en": "Works", "kind": "other", "level": "municipal"}
        await unit.execute(insert(OrganisationRow).values(**organisation, timezone="Europe/Moscow", has_system=True))
        await unit.execute(insert(TurnRow).values(organisation_code=code, due_at=func.now()))
    async with database.unit() as unit:
        claims = [claim for claim in await turns.claim_due(unit, 1000) if claim.organisation_code == code]
    async with open_session() as session:
        connector = registry.connector(code, session)
        yield Hub(code, database, folder, agency, registry.adapter(code), connector, claims[0], person)
        await connector.close()


def page_of(items: Sequence[object], **more: object) -> Mapping[str, object]:
    return {"items": list(items), **more}


# Pieces of files, and what the agency says

ROWS = """
  case_id: item.case
  state: item.state
  at: item.at
  note: item.note
  note_is_public: "true"
"""
MEANS = """
means: {new: registered, work: in_progress, plan: planned, ask: waiting_for_citizen, done: answered, no: declined, off: ignore, same: unchanged}
"""
ASK = """
ask:
  request: GET /cases/{case.id}
  answer: {case_id: case, state: state, at: at}
"""


def poll(more: str, rows: str = ROWS, means: str = MEANS) -> str:
    """The `status` of a file: a poll of `GET /changes`, its rows and the table."""
    body = "".join(f"  {line}\n" for line in more.strip().splitlines())
    return f"poll:\n  request: GET /changes\n  every: 10m\n  each: items\n{body}{rows.lstrip(chr(10))}{means.lstrip(chr(10))}"


EVERYTHING = "shows: everything"
DATED = "query: {since: poll.since | utc_ms}\noverlap: 1h"


def change(case: str, state: str, at: str | None = "2026-03-02T11:00:00", **more: Any) -> dict[str, Any]:
    return {"case": case, "state": state, **({"at": at} if at else {}), **more}


def gives(works_agency: Works, *items: dict[str, Any], path: str = "GET /changes") -> None:
    works_agency.says[path] = lambda _request, _body: page_of(items)
