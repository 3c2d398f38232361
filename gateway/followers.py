"""Subscriptions on sockets that are told of one stored message: all of a process, without a task for each.

Whoever is woken by the change feed is put in a line; a few workers read what they are to be told, by one statement for
all who ask the same as the same person and once for each message, and write the frames. Promises: a change that was committed after the
first frame is told; a slow socket holds up nobody and is told the newest state when it can take it; what cannot be told
this way is left to the ordinary road (`gateway.socket`), which tells it in full.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

from graphql import GraphQLError

from domain.viewer import Viewer
from gateway.documents import Resolved
from gateway.refusals import Language
from gateway.streams import done_at_once
from gateway.turnstile import Turnstile, too_slow
from schema.extensions.masking import public_error
from schema.plan.following import FollowedOperation, FollowPlans
from schema.plan.operation import Plans
from store.changes import Watch
from store.watched import find_watched

if TYPE_CHECKING:
    from gateway.services import Services

_WORKERS: Final = 4
"""Readings at once: fewer than there are connections, so that nobody waits behind a burst of changes."""
_READ_AT_ONCE: Final = 50
_FRAMES_AT_ONCE: Final = 50
_FIELD: Final = "messageChanged"
_ARGUMENT: Final = "reference"


_Woken = dict["UUID | None", dict["Follower", None]]


class Line(Protocol):
    """Where a follower's results go."""

    async def tell(self, operation_id: str, result: str) -> None:
        """Send the text of one result. Waits before it sends anything, if it has to wait. Raises when the socket is gone."""
        ...

    def hand_over(self, operation_id: str) -> None:
        """Begin this subscription anew on the ordinary road."""
        ...


class Follower:
    """One subscription."""

    __slots__ = (
        "busy",
        "coerced",
        "group",
        "language",
        "line",
        "message_id",
        "missed",
        "operation",
        "operation_id",
        "viewer",
        "watch",
    )

    def __init__(
        self, line: Line, operation_id: str, operation: FollowedOperation, viewer: Viewer, language: Language
    ) -> None:
        self.line = line
        self.operation_id = operation_id
        self.operation = operation
        self.viewer = viewer
        self.language = language
        self.coerced: Mapping[str, Any] = {}
        self.message_id: UUID | None = None
        self.group: Hashable = None
        """Whose messages can be read together."""
        self.watch: Watch | None = None
        self.busy = True
        """It is being told something now."""
        self.missed = False
        """Something happened meanwhile."""


class Followers:
    """All of one process and one schema."""

    def __init__(self, services: Services, plans: Plans, turnstile: Turnstile) -> None:
        self._services = services
        self._plans = FollowPlans(plans)
        self._turnstile = turnstile
        self._woken: OrderedDict[Hashable, _Woken] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._working = 0

    def operation(self, resolved: Resolved) -> FollowedOperation | None:
        """What a request follows, if it can be followed here."""
        document = resolved.learned.document
        if document is None:
            return None
        found = self._plans.prepare(document, resolved.document_id, resolved.operation_name)
        return found if found is not None and found.field == _FIELD else None

    async def begin(self, follower: Follower, variables: Mapping[str, Any] | None) -> bool:
        """Tell the message as it stands, and from then on every change. False when the ordinary road must be taken.

        Raises Refusal (503), and what the database raises.
        """
        operation, database = follower.operation, self._services.database
        coerced = operation.coerce(variables)
        spoken = None if coerced is None else operation.text_argument(_ARGUMENT, coerced)
        if coerced is None or spoken is None:
            return False
        async with self._turnstile.turn():
            try:
                async with asyncio.timeout(self._services.settings.limits.operation_s):
                    found = await find_watched(database, follower.viewer, spoken)
                    if found is None or not operation.passes(follower.viewer, coerced, found.message_id):
                        return False
                    follower.coerced, follower.message_id = coerced, found.message_id
                    follower.group = _group(follower)
                    # Watched before the first reading, so that no change falls between the two.
                    follower.watch = self._services.changes.begin(found.message_id, self._waking(follower), found.seen)
                    (text,) = await self._read(follower, [found.message_id])
            except TimeoutError:
                raise too_slow() from None
        if text is None:
            return False
        await follower.line.tell(follower.operation_id, text)
        self._free(follower)
        return True

    def end(self, follower: Follower) -> None:
        """Tell it nothing more. Ending twice does no harm."""
        if follower.watch is not None:
            self._services.changes.end(follower.watch)
            follower.watch = None

    def _waking(self, follower: Follower) -> Callable[[], None]:
        return lambda: self._wake(follower)

    def _wake(self, follower: Follower) -> None:
        if self._services.changes.closed:  # the sockets are closed by whoever closes the feed
            return
        if follower.busy:
            follower.missed = True
            return
        self._woken.setdefault(follower.group, {}).setdefault(follower.message_id, {})[follower] = None
        if self._working < _WORKERS:
            self._working += 1
            self._start(self._work())

    def _free(self, follower: Follower) -> None:
        follower.busy = False
        if follower.missed:
            follower.missed = False
            self._wake(follower)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="followers")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            while self._woken:
                await self._tell_all(self._some())
        finally:
            self._working -= 1

    def _some(self) -> dict[UUID, list[Follower]]:
        """Those in the line first whose messages can be read together, by message; the rest of a large group goes to the end of the line."""
        group, woken = next(iter(self._woken.items()))
        some = {}
        for message_id in list(islice(woken, _READ_AT_ONCE)):
            followers = [one for one in woken.pop(message_id) if one.watch is not None]
            if message_id is not None and followers:
                some[message_id] = followers
        self._woken.move_to_end(group)
        if not woken:
            del self._woken[group]
        return some

    async def _tell_all(self, followers: dict[UUID, list[Follower]]) -> None:
        """To the followers of each message what it has become."""
        if not followers:
            return
        anyone = next(iter(followers.values()))[0]
        try:
            texts = await self._read(anyone, list(followers))
        except Exception as error:  # noqa: BLE001 - whatever reading ended in is the error of this event, as it would be on the ordinary road
            for follower in chain.from_iterable(followers.values()):
                self._tell(follower, _failed(follower, error))
            return
        number = 0
        for text, told in zip(texts, followers.values(), strict=True):
            for follower in told:
                if text is not None:
                    self._tell(follower, text)
                elif follower.watch is not None:
                    self.end(follower)
                    follower.line.hand_over(follower.operation_id)
                number += 1
                if number % _FRAMES_AT_ONCE == 0:
                    await asyncio.sleep(0)

    async def _read(self, follower: Follower, message_ids: Sequence[UUID]) -> list[str | None]:
        """The messages as this follower, or any other of its group, asks for them."""
        database = self._services.database
        bodies = await follower.operation.read(database, follower.viewer, follower.coerced, message_ids)
        return [None if body is None else body.decode() for body in bodies]

    def _tell(self, follower: Follower, text: str) -> None:
        if follower.watch is None:
            return
        try:
            told = done_at_once(follower.line.tell(follower.operation_id, text))
        except (RuntimeError, OSError):  # the socket is gone; whoever reads from it sees that too and ends everything
            self.end(follower)
            return
        if not told:
            follower.busy = True
            self._start(self._tell_slowly(follower, text))

    async def _tell_slowly(self, follower: Follower, text: str) -> None:
        try:
            await follower.line.tell(follower.operation_id, text)
        except (RuntimeError, OSError):
            self.end(follower)
        else:
            self._free(follower)


def _group(follower: Follower) -> Hashable:
    shared = follower.operation.shared(_ARGUMENT, follower.coerced)
    return follower.operation, follower.viewer, json.dumps(shared, sort_keys=True, default=str)


def _failed(follower: Follower, error: Exception) -> str:
    """The result of an event that could not be read, as graphql-core would give it."""
    operation = follower.operation
    raised = GraphQLError("", nodes=[operation.node], path=[operation.key], original_error=error)
    errors = [public_error(raised, follower.language).formatted]
    return json.dumps({"data": None, "errors": errors}, ensure_ascii=False, separators=(",", ":"))
