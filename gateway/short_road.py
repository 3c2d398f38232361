"""The short road: a read that has nothing to wait for but the database goes from the socket to libpq and back, with no ASGI application between.

It takes `POST /graphql` with JSON that came whole (`gateway.direct_http` brings it), from nobody or from somebody whose sign-in is remembered, for a
document that is known and whose whole answer is one statement. Promises:

- Every rule is the ordinary road's own function: headers, sign-in, body, document, cost, turn, deadline. None is written twice.
- Whatever is unusual is left to the ordinary road (`gateway.graphql`) before anything was learned, paid or sent.
- What was paid and could not be brought to its end (the database went away, no connection is ready) is begun anew on the ordinary road, as paid.
- The answer, its headers, the line in the log and the count are the same on both roads; `tests/gateway/test_short_road.py` compares them.

docs/decisions/0010-the-short-road-begins-at-the-protocol.md has the reasons and the numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from domain.viewer import Viewer
from gateway.access_log import AccessLog
from gateway.bodies import asked_in_json, media_of
from gateway.callers import caller_from
from gateway.doorstep import RawHeaders, with_safe_headers
from gateway.federation import HEADER as GATEWAY_HEADER
from gateway.graphql import GraphQLDoor
from gateway.negotiation import Media, negotiate
from gateway.operation_times import trusted_name
from gateway.origins import add_origin_headers
from gateway.own_writes import HEADER as WRITTEN_HEADER
from gateway.own_writes import written_by
from gateway.planned import Asking, private_headers
from gateway.refusals import Refusal, preferred_language
from gateway.request_ids import request_id
from gateway.turnstile import too_slow
from schema.extensions.known_documents import KnownDocuments
from schema.faults import Fault
from schema.plan.statement import Plan
from store.reading import ReadTooLong

ROAD: Final = "okno.short_road"
"""Where the state that an application gives its server holds the short road."""
PATH: Final = b"/graphql"
MOST_BODY_BYTES: Final = 16 * 1024
"""A longer body is rarely a read, and reading it in vain would cost as much again."""

_BODIES_REMEMBERED: Final = 256
_WRITTEN: Final = WRITTEN_HEADER.encode()
_HEARD: Final = frozenset(
    {b"accept", b"accept-language", b"authorization", b"content-type", b"origin", b"x-forwarded-for", b"x-request-id"}
    | {_WRITTEN}
)
_LEFT_TO_OTHERS: Final = frozenset({GATEWAY_HEADER.encode()})
_NOT_A_HEAD: Final = frozenset({b"content-length"})


class Reply(NamedTuple):
    """An answer as it goes to the socket: `head` is header lines, each with its line end; the body is all of its parts in order."""

    status: int
    head: bytes
    body: tuple[bytes, ...]


Deliver: TypeAlias = Callable[[Reply | None], None]
"""Takes the answer; None when the ordinary road must begin anew with what is paid."""


@dataclass(slots=True)
class _Errand:
    """One request on the short road."""

    road: ShortRoad
    deliver: Deliver
    began_s: float
    heard: Mapping[bytes, bytes]
    media: Media
    viewer: Viewer | None
    asking: Asking

    def ended(self, text: bytes | None, error: Exception | None) -> None:
        """Told by the pool."""
        self.road.door.turnstile.give_back()
        if error is None:
            self.answer(text)
        elif isinstance(error, ReadTooLong):
            self.refuse(too_slow())
        else:
            self.deliver(None)

    def answer(self, text: bytes | None) -> None:
        self._finish(200, self.road.head(self.media, self.heard.get(b"origin")), (b'{"data":', text or b"null", b"}"))

    def refuse(self, refusal: Refusal) -> None:
        language = preferred_language(self._heard("accept-language"))
        response = refusal.response(language, self.media)
        head = self.road.head_of(response.raw_headers, self.heard.get(b"origin"))
        self._finish(response.status_code, head, (bytes(response.body),), refusal.code.value)

    def _heard(self, name: str) -> str:
        return self.heard.get(name.encode(), b"").decode("latin-1")

    def _finish(self, status: int, head: bytes, body: tuple[bytes, ...], code: str = "OK") -> None:
        road = self.road
        size = sum(map(len, body))
        number = request_id(self._heard("x-request-id"))
        written = written_by(road.door.services.database, self.viewer)
        more = "" if written is None else f"{WRITTEN_HEADER}: {written}\r\n"
        own = f"content-length: {size}\r\nx-request-id: {number}\r\n{more}"
        self.deliver(Reply(status, head + own.encode(), body))
        seconds = time.perf_counter() - self.began_s
        name = trusted_name(road.documents, self.asking.resolved)
        road.door.services.metrics.operation(name, code, seconds)
        road.access.note("POST", "/graphql", status, size, seconds, number)


class ShortRoad:
    """Of one door."""

    def __init__(self, door: GraphQLDoor, documents: KnownDocuments, access: AccessLog) -> None:
        self.door = door
        self.documents = documents
        self.access = access
        self._heads: dict[tuple[Media, bytes | None], bytes] = {}
        self._remembered: dict[bytes, Asking] = {}

    def take(self, headers: list[tuple[bytes, bytes]], body: bytes, host: str | None, deliver: Deliver) -> bool:
        """Send a request on its way; `deliver` is called once, perhaps at once. False when it is none for this road: nothing has happened then.

        `headers` have lower-case names; `host` is the other end of the connection.
        """
        began_s = time.perf_counter()
        heard = _heard(headers)
        if heard is None or len(body) > MOST_BODY_BYTES:
            return False
        try:
            errand = self._errand(heard, body, deliver, began_s)
        except Refusal:
            return False  # the ordinary road will say it
        planned = None if errand is None else errand.asking.plan(errand.viewer)
        if errand is None or planned is None or not self.door.turnstile.take():
            return False
        forwarded = (heard[b"x-forwarded-for"].decode("latin-1"),) if b"x-forwarded-for" in heard else ()
        caller = caller_from(errand.viewer, host, forwarded, self.door.services.settings.trusted_proxies)
        try:
            self.door.allowance.charge(caller, errand.asking.resolved)
        except Fault:
            self.door.turnstile.give_back()
            return False
        except Refusal as refusal:
            self.door.turnstile.give_back()
            errand.refuse(refusal)
            return True
        self._read(errand, *planned)
        return True

    def _errand(self, heard: Mapping[bytes, bytes], body: bytes, deliver: Deliver, began_s: float) -> _Errand | None:
        """Who asks for what, as far as that is known without asking anybody. Raises Refusal."""
        services = self.door.services
        media = negotiate(heard.get(b"accept", b"").decode("latin-1"))
        if (
            media == "text/event-stream"
            or media_of(heard.get(b"content-type", b"").decode("latin-1")) != "application/json"
        ):
            return None
        viewer: Viewer | None = None
        authorization = heard.get(b"authorization")
        if authorization:
            signed_in = services.sign_in.remembered(authorization)
            viewer = None if signed_in is None else services.remembered_viewer(signed_in)
            if viewer is None:
                return None
        asking = self._remembered.get(body) or self._asking(body)
        return None if asking is None else _Errand(self, deliver, began_s, heard, media, viewer, asking)

    def _asking(self, body: bytes) -> Asking | None:
        """What a body asks for. That follows from its bytes alone, and many send the same, such as "my messages". Raises Refusal."""
        resolved = self.door.known(asked_in_json(body, self.door.services.settings.limits))
        asking = None if resolved is None else self.door.planned.asking(resolved)
        # A trusted document is there for good; to keep those of strangers would be to hold what the door means to forget.
        if asking is not None and self.documents.trusted(asking.resolved.document_id) is not None:
            self._remembered[body] = asking
            if len(self._remembered) > _BODIES_REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)))
        return asking

    def _read(self, errand: _Errand, plan: Plan, parameters: Mapping[str, Any]) -> None:
        if plan.statement is None:
            errand.ended(plan.settled, None)
            return
        services = self.door.services
        person_id = None if errand.viewer is None else errand.viewer.person_id
        seen = errand.heard.get(_WRITTEN)
        pool = services.database.reads_for(person_id, None if seen is None else seen.decode("latin-1"))
        if not pool.begin(plan.statement, parameters, services.settings.limits.operation_s, errand.ended):
            self.door.turnstile.give_back()
            errand.deliver(None)

    def head(self, media: Media, origin: bytes | None) -> bytes:
        """The header lines of an answer that are the same for every answer of its type to a page of this origin."""
        if origin is not None and origin.decode("latin-1") not in self.door.services.settings.origins:
            origin = None
        head = self._heads.get((media, origin))
        if head is None:
            head = self.head_of(Response(None, 200, private_headers(media)).raw_headers, origin)
            self._heads[media, origin] = head
        return head

    def head_of(self, headers: RawHeaders, origin: bytes | None) -> bytes:
        """The header lines of an answer, without its length and id."""
        message = {"headers": with_safe_headers(one for one in headers if one[0] not in _NOT_A_HEAD)}
        asked = Headers(raw=[] if origin is None else [(b"origin", origin)])
        add_origin_headers(MutableHeaders(scope=message), asked, self.door.services.settings.origins)
        return b"".join(b"%b: %b\r\n" % one for one in message["headers"])


def _heard(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes] | None:
    """The headers that matter here; None when one of them came twice, or one came that is for others to read."""
    heard: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _HEARD:
            if name in heard:
                return None
            heard[name] = value
        elif name in _LEFT_TO_OTHERS:
            return None
    return heard
