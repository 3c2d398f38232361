"""Asks agencies' own systems how a case stands now, while a citizen or an official looks at it.

Promises: nobody waits longer than `live_state_s` for an agency, whatever it does; a case is asked for once however many
look at it at the same time, and its state is then good for `live_state_fresh_s`; this process makes at most `at_once`
calls to an agency and `per_minute` in a minute, and those that find no room are told so; an agency that fails
`live_state_failures` times in a row is left alone for `live_state_pause_s`, then one question tries it. Nothing of this is
written down: no attempt, no event, no status. The log holds codes of agencies and kinds of failures, never their words.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp

from adapters.adapter import Adapter, AskRefused, CannotBuild, CaseNow
from agencies.registry import ConnectedAgency, Registry, UnknownAgency, UnsetVariable
from connectors.base import BadConnection, Connector, ConnectorError, NotSent, Reply
from delivery.limits import Pace
from domain.bilingual import Bilingual
from domain.status import Status
from gateway.settings import Limits
from schema.live_cases import CANNOT_BE_ASKED, Silence, StateNow

MOST_KEPT = 10_000
"""States that are remembered at the same time; a few hundred bytes each."""

LEAST_PART = 0.1
"""A question with less of its time left than this is not put: the agency would work for nobody."""

log = logging.getLogger(__name__)


def _why(ru: str, en: str) -> Bilingual:
    return Bilingual(f"{ru} Показано последнее известное состояние.", f"{en} What is shown is the last known state.")


AWAY = _why(
    "Система организации сейчас не отвечает.",
    "The organisation's system does not answer at the moment.",
)
UNREADABLE = _why(
    "Система организации ответила так, что понять ответ нельзя.",
    "The organisation's system gave an answer that cannot be understood.",
)
CROWDED = _why(
    "Систему организации сейчас спрашивают слишком многие. Попробуйте позже.",
    "Too many are asking the organisation's system at the moment. Try again later.",
)


def slow(within_s: float) -> Bilingual:
    return _why(
        f"Система организации не ответила за {within_s:g} с.",
        f"The organisation's system did not answer within {within_s:g} s.",
    )


def paused(pause_s: float) -> Bilingual:
    return _why(
        f"Система организации не ответила несколько раз подряд; её спросят снова не позже чем через {pause_s:g} с.",
        f"The organisation's system failed to answer several times in a row; it will be asked again within {pause_s:g} s.",
    )


@dataclass(slots=True)
class _Line:
    """One agency that can be asked, and how well it has answered lately."""

    code: str
    adapter: Adapter
    connector: Connector
    places: asyncio.Semaphore
    pace: Pace
    failures: int = 0
    left_alone_until: float = field(default=-math.inf)

    def may_be_asked(self, now: float, limits: Limits) -> bool:
        """After a pause, one question may try; the pause begins anew with it, and ends at once when it is answered."""
        if self.failures < limits.live_state_failures:
            return True
        if now < self.left_alone_until:
            return False
        self.left_alone_until = now + limits.live_state_pause_s
        return True

    def answered(self, limits: Limits) -> None:
        if self.failures >= limits.live_state_failures:
            log.info("%s answers questions about cases again", self.code)
        self.failures = 0

    def failed(self, why: str, now: float, limits: Limits) -> None:
        """`why` holds nothing that the agency wrote."""
        self.failures += 1
        if self.failures >= limits.live_state_failures:
            self.left_alone_until = now + limits.live_state_pause_s
        if self.failures == limits.live_state_failures:
            log.warning("%s is not asked about cases for %g s: %s", self.code, limits.live_state_pause_s, why)


class AgencyCases:
    """A `LiveCases` over the connected agencies. One per process; `close` it."""

    def __init__(
        self,
        registry: Registry,
        session: aiohttp.ClientSession,
        limits: Limits,
        clock: Callable[[], datetime],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic` is seconds for what is remembered and for pauses; the deadline of a call is the loop's."""
        self._registry = registry
        self._session = session
        self._limits = limits
        self._clock = clock
        self._monotonic = monotonic
        self._lines: dict[str, asyncio.Task[_Line | None]] = {}
        self._made_from: dict[str, ConnectedAgency | None] = {}
        self._retired: list[asyncio.Task[_Line | None]] = []
        self._running: dict[tuple[str, str], asyncio.Task[StateNow | Silence]] = {}
        self._kept: OrderedDict[tuple[str, str], tuple[float, StateNow]] = OrderedDict()

    async def close(self) -> None:
        """End the questions under way and give the connectors back."""
        for task in self._running.values():
            task.cancel()
        lines = await asyncio.gather(*self._lines.values(), *self._retired, return_exceptions=True)
        for line in lines:
            if isinstance(line, _Line):
                await line.connector.close()

    async def ask(self, organisation: str, case_id: str) -> StateNow | Silence:
        key = (organisation, case_id)
        kept = self._kept.get(key)
        if kept is not None and self._monotonic() < kept[0]:
            return kept[1]
        line = await self._line(organisation)
        if line is None:
            return Silence(CANNOT_BE_ASKED)
        running = self._running.get(key)
        if running is None:
            if not line.may_be_asked(self._monotonic(), self._limits):
                return Silence(paused(self._limits.live_state_pause_s))
            running = asyncio.create_task(self._asked(line, case_id))
            self._running[key] = running
            running.add_done_callback(lambda task: self._finished(key, task))
        # Shielded: who gives up does not take the answer away from the others who wait for it.
        return await asyncio.shield(running)

    def _finished(self, key: tuple[str, str], task: asyncio.Task[StateNow | Silence]) -> None:
        del self._running[key]
        # The error is asked for here too, so that one nobody waits for any more is not reported as forgotten.
        if task.cancelled() or task.exception() is not None:
            return
        said = task.result()
        if isinstance(said, StateNow):
            self._kept[key] = (self._monotonic() + self._limits.live_state_fresh_s, said)
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    async def _line(self, organisation: str) -> _Line | None:
        """The agency behind an organisation, or None when it cannot be asked. Made once for each version of its file, in a thread: a WSDL
        takes a while to read."""
        agency = self._registry.agency(organisation) if organisation in self._registry.codes else None
        if organisation in self._lines and self._made_from[organisation] is not agency:
            # Who is asking by it may still finish; it is given back with the others.
            self._retired.append(self._lines.pop(organisation))
        if organisation not in self._lines:
            self._made_from[organisation] = agency
            self._lines[organisation] = asyncio.create_task(asyncio.to_thread(self._open_line, organisation))
        return await asyncio.shield(self._lines[organisation])

    def _open_line(self, organisation: str) -> _Line | None:
        try:
            agency = self._registry.agency(organisation)
            if agency.adapter.plan.ask is None:
                return None
            connector = self._registry.connector(organisation, self._session)
        except UnknownAgency:
            return None
        except (UnsetVariable, BadConnection) as error:
            log.error("agency %s cannot be asked about cases: %s", organisation, error)
            return None
        pace = Pace(agency.per_minute, agency.at_once)
        return _Line(organisation, agency.adapter, connector, asyncio.Semaphore(agency.at_once), pace)

    async def _asked(self, line: _Line, case_id: str) -> StateNow | Silence:
        """One question, inside its deadline: waiting for a place counts too."""
        limits = self._limits
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + limits.live_state_s
        latest_start = ends_at - limits.live_state_s * LEAST_PART
        asked_at: datetime | None = None
        try:
            call = line.adapter.ask_call({"case_id": case_id})
            if call is None:
                return Silence(CANNOT_BE_ASKED)
            async with asyncio.timeout_at(ends_at), line.places:
                if not await line.pace.wait(latest_start - loop.time()):
                    return Silence(CROWDED)
                asked_at = self._clock()
                reply = await line.connector.send(call)
        except TimeoutError:
            if asked_at is None:
                return Silence(CROWDED)
            line.failed("no answer in time", self._monotonic(), limits)
            return Silence(slow(limits.live_state_s), asked_at)
        except CannotBuild as error:
            log.error("the file of %s cannot ask about a case: %s", line.code, error.text)
            return Silence(CANNOT_BE_ASKED)
        except ConnectorError as error:
            line.failed(error.text, self._monotonic(), limits)
            # A reply came, and not one that says by its status that the system is in trouble.
            was_answered = not isinstance(error, NotSent) and error.status is not None and error.status < 500
            return Silence(UNREADABLE if was_answered else AWAY, asked_at)
        return self._read(line, case_id, reply, asked_at)

    def _read(self, line: _Line, case_id: str, reply: Reply, asked_at: datetime) -> StateNow | Silence:
        try:
            now = line.adapter.read_ask(reply, case_id)
        except AskRefused as refused:
            if refused.about_the_case:
                line.answered(self._limits)
                return Silence(UNREADABLE, asked_at)
            line.failed(refused.text, self._monotonic(), self._limits)
            return Silence(AWAY, asked_at)
        line.answered(self._limits)
        return _state_now(now, asked_at)


def _state_now(now: CaseNow, asked_at: datetime) -> StateNow:
    # What is no status of ours (unknown, ignored, "unchanged") is shown in their word alone.
    status = now.means if isinstance(now.means, Status) else None
    return StateNow(now.code, status, now.occurred_at, now.note, asked_at)
