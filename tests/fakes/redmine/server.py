"""The routes of the fake Redmine and the issues behind them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from tests.fakes.product import Product, stamp

_MOST = 100
_SUBJECT_LENGTH = 255
STATUSES = {1: "New", 2: "In Progress", 3: "Resolved", 4: "Feedback", 5: "Closed", 6: "Rejected", 9: "On hold"}
CLOSED = frozenset({5, 6})


@dataclass
class File:
    """An upload; `issue` is the issue it hangs on, 0 before that."""

    id: int
    content: bytes
    token: str
    name: str
    content_type: str = ""
    issue: int = 0


@dataclass
class Issue:
    """One issue with its history."""

    id: int
    project: str
    subject: str
    description: str
    tracker_id: int
    created_on: datetime
    updated_on: datetime
    status_id: int = 1
    priority_id: int = 2
    custom_fields: dict[int, str] = field(default_factory=dict)
    journals: list[dict[str, Any]] = field(default_factory=list)


class Redmine(Product):
    """One Redmine with one project and one API user."""

    def __init__(self, key: str = "redmine-key", project: str = "appeals") -> None:
        super().__init__()
        self.key = key
        self.project = project
        self.issues: dict[int, Issue] = {}
        self.files: dict[int, File] = {}
        self.ignores_status = False
        """The workflow lets the API user move nothing: updates answer 204 all the same."""

    def application(self) -> web.Application:
        app = web.Application(client_max_size=16 * 1024 * 1024, middlewares=[self._signed_in])
        app.router.add_post("/issues.json", self._create)
        app.router.add_get("/issues.json", self._list)
        app.router.add_get(r"/issues/{id:\d+}.json", self._read)
        app.router.add_put(r"/issues/{id:\d+}.json", self._update)
        app.router.add_post("/uploads.json", self._upload)
        return app

    # What happens at the agency

    def works_on(self, issue_id: int, status_id: int, notes: str = "", *, private: bool = False) -> None:
        """An official changes the status, with a note or without."""
        issue = self.issues[issue_id]
        issue.status_id = status_id
        self._note(issue, notes, private=private, user="Official")

    def _note(self, issue: Issue, notes: str, *, private: bool = False, user: str = "API") -> None:
        issue.updated_on = self.clock.passes(1)
        journal = {"id": sum(len(one.journals) for one in self.issues.values()) + 1, "user": {"name": user}}
        moment = stamp(issue.updated_on)
        issue.journals.append(
            {**journal, "notes": notes, "private_notes": private, "created_on": moment, "details": []}
        )

    # Routes

    @web.middleware
    async def _signed_in(self, request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
        if request.headers.get("X-Redmine-API-Key") != self.key:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="Redmine API"'})
        reply: web.StreamResponse = await handler(request)
        return reply

    async def _create(self, request: web.Request) -> web.Response:
        wish = json.loads(await request.text()).get("issue", {})
        problems = [] if wish.get("project_id") == self.project else ["Project cannot be blank"]
        subject = str(wish.get("subject", "")).strip()
        if not subject:
            problems.append("Subject cannot be blank")
        elif len(subject) > _SUBJECT_LENGTH:
            problems.append(f"Subject is too long (maximum is {_SUBJECT_LENGTH} characters)")
        if problems:
            return web.json_response({"errors": problems}, status=422)
        now = self.clock.passes(1)
        number = len(self.issues) + 1
        issue = Issue(
            number, self.project, subject, str(wish.get("description", "")), int(wish["tracker_id"]), now, now
        )
        issue.priority_id = int(wish.get("priority_id", 2))
        issue.custom_fields = {int(one["id"]): str(one["value"]) for one in wish.get("custom_fields", [])}
        self.issues[number] = issue
        self._attach(issue, wish.get("uploads", []))
        return web.json_response({"issue": self._shown(issue)}, status=201)

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        found = [issue for issue in self.issues.values() if self._passes(issue, dict(query))]
        if query.get("sort", "").startswith("updated_on"):
            found.sort(key=lambda issue: (issue.updated_on, issue.id))
        limit, offset = min(int(query.get("limit", 25)), _MOST), int(query.get("offset", 0))
        page = [self._shown(issue) for issue in found[offset : offset + limit]]
        return web.json_response({"issues": page, "total_count": len(found), "offset": offset, "limit": limit})

    def _passes(self, issue: Issue, query: dict[str, str]) -> bool:
        status = query.get("status_id", "open")
        if status == "open" and issue.status_id in CLOSED:
            return False
        subject = query.get("subject", "~")
        fits = subject[1:] in issue.subject if subject.startswith("~") else subject == issue.subject
        updated = query.get("updated_on", "")
        if updated.startswith(">=") and stamp(issue.updated_on) < updated[2:]:
            return False
        fields = {name[3:]: value for name, value in query.items() if name.startswith("cf_")}
        return fits and all(issue.custom_fields.get(int(number)) == value for number, value in fields.items())

    async def _read(self, request: web.Request) -> web.Response:
        issue = self.issues.get(int(request.match_info["id"]))
        if issue is None:
            return web.Response(status=404)
        shown = self._shown(issue)
        wanted = request.query.get("include", "").split(",")
        if "journals" in wanted:
            shown["journals"] = issue.journals
        if "attachments" in wanted:
            shown["attachments"] = [
                {"id": one.id, "filename": one.name, "filesize": len(one.content), "content_type": one.content_type}
                for one in self.files.values()
                if one.issue == issue.id
            ]
        return web.json_response({"issue": shown})

    async def _update(self, request: web.Request) -> web.Response:
        issue = self.issues.get(int(request.match_info["id"]))
        if issue is None:
            return web.Response(status=404)
        wish = json.loads(await request.text()).get("issue", {})
        if "status_id" in wish and not self.ignores_status:
            issue.status_id = int(wish["status_id"])
        if "priority_id" in wish:
            issue.priority_id = int(wish["priority_id"])
        self._attach(issue, wish.get("uploads", []))
        self._note(issue, str(wish.get("notes", "")), private=str(wish.get("private_notes", "")).lower() == "true")
        return web.Response(status=204)

    async def _upload(self, request: web.Request) -> web.Response:
        if request.content_type != "application/octet-stream":
            return web.Response(status=406)
        content = await request.read()
        number = len(self.files) + 1
        token = f"{number}.{hashlib.sha256(content).hexdigest()}"
        self.files[number] = File(number, content, token, request.query.get("filename", ""))
        return web.json_response({"upload": {"id": number, "token": token}}, status=201)

    def _attach(self, issue: Issue, uploads: list[dict[str, str]]) -> None:
        for wish in uploads:
            file = next((one for one in self.files.values() if one.token == wish["token"]), None)
            # A token that was used already is passed over without a word.
            if file is not None and not file.issue:
                file.issue = issue.id
                file.name = wish.get("filename", file.name)
                file.content_type = wish.get("content_type", "")

    def _shown(self, issue: Issue) -> dict[str, Any]:
        return {
            "id": issue.id,
            "project": {"id": 1, "name": issue.project},
            "tracker": {"id": issue.tracker_id, "name": "Appeal"},
            "status": {
                "id": issue.status_id,
                "name": STATUSES[issue.status_id],
                "is_closed": issue.status_id in CLOSED,
            },
            "priority": {"id": issue.priority_id, "name": "Normal"},
            "subject": issue.subject,
            "description": issue.description,
            "custom_fields": [
                {"id": number, "name": f"Field {number}", "value": value}
                for number, value in issue.custom_fields.items()
            ],
            "created_on": stamp(issue.created_on),
            "updated_on": stamp(issue.updated_on),
        }
