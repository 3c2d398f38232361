"""The stand-in's REST: requests told apart by method and path, JSON replies as the file reads them."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from urllib.parse import unquote

from adapters.plan import Sending
from agencies.fake.draft import Draft
from agencies.fake.wires import NO_REQUEST, Incoming, NotUnderstood, Said, Written
from connectors.base import Reply, Tree, Unreadable
from connectors.rest.reply import read_json

_TYPE = "application/json; charset=utf-8"
_VARIABLE = re.compile(r"\\\{([A-Za-z_][A-Za-z0-9_]*)\\\}")


class RestWire:
    """The paths below one base path, from the agency's side."""

    def __init__(self, base_path: str = "") -> None:
        """`base_path` is what stands in the address before the paths of the file."""
        self._base = base_path.rstrip("/")

    def said(self, incoming: Incoming, sending: Sending) -> Said | None:
        method, _, template = sending.operation.partition(" ")
        if method != incoming.method or not incoming.path.startswith(self._base):
            return None
        match = _pattern(template).fullmatch(incoming.path.removeprefix(self._base))
        if match is None:
            return None
        variables = {name: unquote(value) for name, value in match.groupdict().items()}
        return Said(self._body(incoming), variables)

    def written(self, sending: Sending, draft: Draft) -> Written:
        body = json.dumps(draft.tree, ensure_ascii=False).encode()
        return Written(draft.status, body, {"Content-Type": _TYPE, **draft.headers})

    def read_back(self, sending: Sending, written: Written) -> Reply:
        tree = read_json(written.body, _TYPE)
        headers = {name.lower(): value for name, value in written.headers.items()}
        return Reply(written.status, headers, written.body, tree, NO_REQUEST)

    def not_understood(self, reason: str) -> Written:
        return _error(400, reason)

    def unauthorized(self) -> Written:
        return _error(401, "credentials are wrong")

    def broken(self) -> Written:
        return _error(200, "internal error 0x80004005")

    def _body(self, incoming: Incoming) -> Tree:
        if incoming.form or incoming.files or not incoming.body:
            return None
        try:
            return read_json(incoming.body, incoming.headers.get("content-type", ""))
        except Unreadable as error:
            raise NotUnderstood(error.text) from error


@lru_cache(maxsize=200)
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(_VARIABLE.sub(lambda variable: f"(?P<{variable[1]}>[^/]+)", re.escape(template)))


def _error(status: int, text: str) -> Written:
    return Written(status, json.dumps({"stand_in": text}).encode(), {"Content-Type": _TYPE})
