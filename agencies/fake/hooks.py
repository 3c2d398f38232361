"""Webhooks of the stand-in: every change is posted to the hub, with the proofs that the file asks for, and told again until it is taken."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import aiohttp

from adapters.plan import WebhookStep
from agencies.fake.draft import places_of, put
from agencies.fake.ledger import Change
from agencies.fake.system import System
from agencies.fake.wires import CannotFake

_TRIES = 3
_PAUSE_S = 0.1
_TIMEOUT_S = 10.0
_TYPES = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "xml": "application/xml; charset=utf-8",
}


class Hooks:
    """Tells one address of changes, once it was pointed at one."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._url: str | None = None

    def point_at(self, url: str) -> None:
        """From now on tell this address. Raises CannotFake where the file describes no webhook."""
        if self._system.plan.webhook is None:
            raise CannotFake("the file has no `status.webhook`")
        self._url = url

    async def tell(self, change: Change) -> list[int]:
        """The HTTP statuses of what was posted; nothing where nobody is told."""
        step = self._system.plan.webhook
        if step is None or self._url is None:
            return []
        repeats = 2 if self._system.faults.reading("repeated_event", "webhook") else 1
        if self._system.faults.reading("unknown_code", "webhook"):
            change = Change(
                change.seq, change.case_id, None, change.at, change.note, change.note_is_public, change.answer
            )
        body = self.body(step, change)
        return [await self._posted(step, body) for _ in range(repeats)]

    def body(self, step: WebhookStep, change: Change) -> bytes:
        """What is posted for one change. Raises CannotFake."""
        case = self._system.ledger.cases[change.case_id]
        item = self._system.replies.item(step.fields, case, change)
        tree: Any = item
        if step.each is not None:
            whole: dict[str, Any] = {"reply": {}}
            steps = next(places_of(step.each))
            put(whole, steps if steps[0] == "reply" else ("reply", *steps), [item])
            tree = whole["reply"]
        if step.format == "xml":
            return f"<event>{_xml(tree)}</event>".encode()
        text = json.dumps(tree, ensure_ascii=False)
        if step.format == "form":
            return urlencode({step.inside: text} if step.inside else tree).encode()
        return text.encode()

    def headers(self, step: WebhookStep, body: bytes) -> dict[str, str]:
        """The proofs that the file asks for."""
        headers = {"Content-Type": _TYPES[step.format]}
        if (signature := step.signature) is not None:
            signed = body
            if signature.timestamp_header is not None:
                headers[signature.timestamp_header] = moment = str(int(time.time()))
                signed = moment.encode() + b"." + body
            mac = hmac.new(signature.secret().encode(), signed, getattr(hashlib, signature.algorithm)).digest()
            shown = mac.hex() if signature.written == "hex" else base64.b64encode(mac).decode()
            headers[signature.header] = signature.prefix + shown
        if step.token is not None:
            headers[step.token.header] = step.token.prefix + step.token.secret()
        if step.login is not None:
            proof = base64.b64encode(f"{step.login.username()}:{step.login.password()}".encode()).decode()
            headers["Authorization"] = f"Basic {proof}"
        return headers

    async def _posted(self, step: WebhookStep, body: bytes) -> int:
        """The status of the last try; 0 where nobody answered."""
        status = 0
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for attempt in range(_TRIES):
                if attempt:
                    await asyncio.sleep(_PAUSE_S)
                try:
                    async with session.post(str(self._url), data=body, headers=self.headers(step, body)) as reply:
                        status = reply.status
                except (aiohttp.ClientError, TimeoutError):
                    status = 0
                if 200 <= status < 300:
                    break
        return status


def _xml(tree: object) -> str:
    if isinstance(tree, dict):
        return "".join(
            "".join(f"<{name}>{_xml(one)}</{name}>" for one in (inner if isinstance(inner, list) else [inner]))
            for name, inner in tree.items()
        )
    return escape(str(tree))
