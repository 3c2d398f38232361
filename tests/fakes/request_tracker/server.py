"""The routes of the fake RT and the tickets behind them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from tests.fakes.product import Product, stamp

_MOST = 100
STATUSES = frozenset({"new", "open", "stalled", "resolved", "rejected"})
_LIKE = re.compile(r"Subject LIKE '([^']*)'")
_UPDATED = re.compile(r"LastUpdated (>=|<=) '([^']*)'")
_QUEUE = re.compile(r"Queue = '([^']*)'")


@dataclass
class Ticket:
    """One ticket with what was said about it."""

    id: int
    queue: str
    subject: str
    content: str
    updated: datetime
    status: str = "new"
    priority: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    files: list[tuple[str, str, bytes]] = field(default_factory=list)


class RequestTracker(Product):
    """One RT with one queue and one API user, whose own zone is `zone`."""

    def __init__(self, token: str = "1-12-rt-token", queue: str = "Roads", zone: str = "UTC") -> None:
        super().__init__()
        self._token = token
        self.queue = queue
        self._zone = ZoneInfo(zone)
        self.tickets: dict[int, Ticket] = {}

    def application(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024, middlewares=[self._signed_in])
        app.router.add_post("/REST/2.0/ticket", self._create)
        app.router.add_get("/REST/2.0/tickets", self._search)
        app.router.add_get(r"/REST/2.0/ticket/{id:\d+}", self._read)
        app.router.add_put(r"/REST/2.0/ticket/{id:\d+}", self._update)
        app.router.add_post(r"/REST/2.0/ticket/{id:\d+}/{kind:comment|correspond}", self._say)
        return app

    @property
    def address(self) -> str:
        """Where the API is."""
        return self.origin + "/REST/2.0"

    # What happens at the agency

    def works_on(self, ticket_id: int, status: str, answer: str = "") -> None:
        """An official changes the status, and fills the field that citizens see, or not."""
        ticket = self.tickets[ticket_id]
        ticket.status = status
        if answer:
            ticket.fields["Okno answer"] = answer
        ticket.updated = self.clock.passes(1)

    # Routes

    @web.middleware
    async def _signed_in(self, request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"token {self._token}":
            return web.json_response({"message": "Unauthorized"}, status=401)
        reply: web.StreamResponse = await handler(request)
        return reply

    async def _create(self, request: web.Request) -> web.Response:
        wish = json.loads(await request.text())
        if wish.get("Queue") != self.queue:
            return web.json_response({"message": "Could not find queue"}, status=422)
        if not wish.get("Subject"):
            return web.json_response({"message": "Subject is a required field"}, status=400)
        number = len(self.tickets) + 1
        content = str(wish.get("Content", ""))
        ticket = Ticket(number, self.queue, wish["Subject"], content, self.clock.passes(1))
        ticket.priority = int(wish.get("Priority", 0))
        for one in wish.get("AttachmentsContents", []):
            ticket.files.append((one["FileName"], one["FileType"], base64.b64decode(one["FileContent"])))
        self.tickets[number] = ticket
        url = f"{self.address}/ticket/{number}"
        return web.json_response({"id": str(number), "type": "ticket", "_url": url}, status=201)

    async def _search(self, request: web.Request) -> web.Response:
        found = [ticket for ticket in self.tickets.values() if self._fits(ticket, request.query.get("query", ""))]
        found.sort(key=lambda ticket: (ticket.updated, ticket.id))
        per_page, page = min(int(request.query.get("per_page", 20)), _MOST), int(request.query.get("page", 1))
        shown = found[(page - 1) * per_page : page * per_page]
        wanted = request.query.get("fields", "").split(",")
        items = [
            {"id": str(one.id), "type": "ticket"} | {k: v for k, v in self._shown(one).items() if k in wanted}
            for one in shown
        ]
        return web.json_response(
            {"items": items, "count": len(items), "total": len(found), "page": page, "per_page": per_page}
        )

    def _fits(self, ticket: Ticket, query: str) -> bool:
        like, queue = _LIKE.search(query), _QUEUE.search(query)
        for sign, text in _UPDATED.findall(query):
            moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=self._zone)
            if ticket.updated < moment if sign == ">=" else ticket.updated > moment:
                return False
        return (like is None or like[1] in ticket.subject) and (queue is None or queue[1] == ticket.queue)

    async def _read(self, request: web.Request) -> web.Response:
        ticket = self.tickets.get(int(request.match_info["id"]))
        return web.json_response(self._shown(ticket)) if ticket else _not_found()

    async def _update(self, request: web.Request) -> web.Response:
        ticket = self.tickets.get(int(request.match_info["id"]))
        if ticket is None:
            return _not_found()
        wish = json.loads(await request.text())
        said = []
        if "Status" in wish:
            said.append(self._change_status(ticket, wish["Status"]))
        if "Priority" in wish:
            ticket.priority = int(wish["Priority"])
            said.append(f"Ticket {ticket.id}: Priority changed")
        ticket.updated = self.clock.passes(1)
        return web.json_response(said)

    def _change_status(self, ticket: Ticket, status: str) -> str:
        if status not in STATUSES:
            return f"Ticket {ticket.id}: Status '{status}' isn't a valid status for this ticket."
        if status == ticket.status:
            return f"Ticket {ticket.id}: That is already the current value"
        before, ticket.status = ticket.status, status
        return f"Ticket {ticket.id}: Status changed from '{before}' to '{status}'"

    async def _say(self, request: web.Request) -> web.Response:
        ticket = self.tickets.get(int(request.match_info["id"]))
        if ticket is None:
            return _not_found()
        wish = json.loads(await request.text())
        ticket.said.append(str(wish["Content"]))
        if "Status" in wish:
            self._change_status(ticket, wish["Status"])
        ticket.updated = self.clock.passes(1)
        return web.json_response(["Comments added"], status=201)

    @staticmethod
    def _shown(ticket: Ticket) -> dict[str, Any]:
        return {
            "id": ticket.id,
            "type": "ticket",
            "Subject": ticket.subject,
            "Status": ticket.status,
            "Priority": str(ticket.priority),
            "LastUpdated": stamp(ticket.updated),
            "CustomFields": [
                {"id": str(number), "type": "customfield", "name": name, "values": [value] if value else []}
                for number, (name, value) in enumerate({"Okno answer": "", **ticket.fields}.items(), 1)
            ],
        }


def _not_found() -> web.Response:
    return web.json_response({"message": "Not Found"}, status=404)
