"""The routes of the fake Open311 server and the requests behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web
from lxml import etree

from tests.fakes.product import Product, stamp


@dataclass
class ServiceRequest:
    """One request; `id` is empty until the number is made."""

    token: str
    id: str
    code: str
    description: str
    at: tuple[str, str]
    requested: datetime
    updated: datetime
    status: str = "open"
    notes: str = ""


class Open311(Product):
    """One city with two services. `later` makes numbers only when `numbers` is called."""

    def __init__(self, key: str = "city-key", *, later: bool = False) -> None:
        super().__init__()
        self._key = key
        self.later = later
        self.services = {"POTHOLE": "Potholes", "OTHER": "Other"}
        self.requests: list[ServiceRequest] = []
        self.updates: list[dict[str, Any]] = []

    def application(self) -> web.Application:
        app = web.Application()
        for form in ("json", "xml"):
            app.router.add_get(f"/services.{form}", self._services)
            app.router.add_post(f"/requests.{form}", self._create)
            app.router.add_get(f"/requests.{form}", self._search)
            app.router.add_get(f"/requests/{{id}}.{form}", self._read)
            app.router.add_get(f"/tokens/{{id}}.{form}", self._token)
            app.router.add_get(f"/servicerequestupdates.{form}", self._updates)
        return app

    # What happens at the city

    def numbers(self) -> None:
        """Give every request its number."""
        for place, one in enumerate(self.requests, 1):
            one.id = one.id or str(293_940 + place)

    def works_on(self, request_id: str, status: str, notes: str) -> None:
        """The city changes the status and says something."""
        found = next(one for one in self.requests if one.id == request_id)
        found.status, found.notes, found.updated = status, notes, self.clock.passes(60)
        self.updates.append(
            {
                "update_id": str(len(self.updates) + 1),
                "service_request_id": request_id,
                "status": status,
                "updated_datetime": stamp(found.updated),
                "description": notes,
            }
        )

    # Routes

    async def _services(self, request: web.Request) -> web.Response:
        rows = [
            {"service_code": code, "service_name": name, "type": "realtime"} for code, name in self.services.items()
        ]
        return _said(request, "services", "service", rows)

    async def _create(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("api_key") != self._key:
            return _refused(request, 403, "api_key is not valid")
        if str(form.get("service_code")) not in self.services:
            return _refused(request, 404, "service_code was not found")
        if not form.get("address_string") and not (form.get("lat") and form.get("long")):
            return _refused(request, 400, "lat, long or address_string must be given")
        now = self.clock.passes(60)
        place = (str(form.get("lat", "")), str(form.get("long", "")))
        token = f"t{len(self.requests) + 1}"
        code, description = str(form["service_code"]), str(form.get("description", ""))
        self.requests.append(ServiceRequest(token, "", code, description, place, now, now))
        if self.later:
            return _said(request, "service_requests", "request", [{"token": token}], 201)
        self.numbers()
        return _said(request, "service_requests", "request", [{"service_request_id": self.requests[-1].id}], 201)

    async def _search(self, request: web.Request) -> web.Response:
        code, start = request.query.get("service_code"), request.query.get("start_date")
        found = [
            _shown(one)
            for one in self.requests
            if one.id and code in (None, one.code) and (start is None or one.requested >= datetime.fromisoformat(start))
        ]
        return _said(request, "service_requests", "request", found)

    async def _read(self, request: web.Request) -> web.Response:
        found = [_shown(one) for one in self.requests if one.id == request.match_info["id"]]
        if not found:
            return _refused(request, 404, "service_request_id was not found")
        return _said(request, "service_requests", "request", found)

    async def _token(self, request: web.Request) -> web.Response:
        found = [one for one in self.requests if one.token == request.match_info["id"]]
        rows = [{"token": one.token, "service_request_id": one.id} for one in found]
        return _said(request, "service_requests", "request", rows)

    async def _updates(self, request: web.Request) -> web.Response:
        start, end = (datetime.fromisoformat(request.query[name]) for name in ("start_date", "end_date"))
        found = [one for one in self.updates if start <= datetime.fromisoformat(one["updated_datetime"]) <= end]
        return _said(request, "service_requests_updates", "request_update", found)


def _shown(one: ServiceRequest) -> dict[str, str]:
    return {
        "service_request_id": one.id,
        "status": one.status,
        "status_notes": one.notes,
        "service_code": one.code,
        "description": one.description,
        "requested_datetime": stamp(one.requested),
        "updated_datetime": stamp(one.updated),
        "lat": one.at[0],
        "long": one.at[1],
    }


def _refused(request: web.Request, code: int, text: str) -> web.Response:
    return _said(request, "errors", "error", [{"code": str(code), "description": text}], code)


def _said(request: web.Request, root: str, name: str, rows: list[dict[str, Any]], status: int = 200) -> web.Response:
    if request.path.endswith(".json"):
        return web.json_response(rows, status=status)
    tree = etree.Element(root)
    for row in rows:
        node = etree.SubElement(tree, name)
        for key, value in row.items():
            etree.SubElement(node, key).text = str(value)
    body = etree.tostring(tree, xml_declaration=True, encoding="utf-8")
    return web.Response(status=status, body=body, content_type="text/xml", charset="utf-8")
