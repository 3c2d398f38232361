"""The stand-in itself, without a socket: a request goes in, a reply comes out, and the ledger remembers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

from adapters.plan import AgencyPlan, Verdict
from agencies import model
from agencies.build import build_adapter
from agencies.connecting import addresses
from agencies.fake.deeds import CannotBeDone, Deed, Deeds
from agencies.fake.doors import Doors
from agencies.fake.draft import merge
from agencies.fake.faults import AFTER_DOING, Switchboard, Switched
from agencies.fake.feeds import Feeds
from agencies.fake.ledger import Captured, Ledger
from agencies.fake.replies import Replies
from agencies.fake.rest_wire import RestWire
from agencies.fake.soap_wire import SoapWire
from agencies.fake.wires import CannotFake, FakeWire, Incoming, NotUnderstood, Said, Written, captured, given_rows
from connectors.soap.wsdl import load_wsdl

_WRONG_PAGE = b"<!DOCTYPE html><html><body><h1>Technical works</h1><p>Please come back later.</p></body></html>"
_PAGE_OF_LINK = "stand_in.page"


@dataclass(frozen=True, slots=True)
class Replied:
    """A reply, the fault that spoils its way to the caller, and the step it belongs to."""

    written: Written
    fault: Switched | None = None
    step: str | None = None


class System:
    """One agency's system."""

    def __init__(
        self,
        file: model.AgencyFile,
        folder: Path,
        reveal: Callable[[str], str],
        categories: Collection[str] = (),
    ) -> None:
        """`folder` holds the WSDL; `reveal` gives the value of a text with `${NAME}`. Raises BadConnection and CannotFake."""
        connection = file.connection
        if connection.protocol not in ("soap", "rest"):
            raise CannotFake(f"connection.protocol: a stand-in speaks soap and rest, not {connection.protocol}")
        self._is_rest = connection.protocol == "rest"
        self.plan: AgencyPlan = build_adapter(file, reveal).plan
        self.ledger = Ledger()
        self.faults = Switchboard()
        self.base_path = _base_path(addresses(connection, "sandbox")[0])
        self._wire: FakeWire
        if connection.wsdl is None:
            self._wire = RestWire(self.base_path)
        else:
            wsdl = load_wsdl(folder / connection.wsdl, connection.version, connection.service, connection.port)
            self._wire = SoapWire(wsdl, connection.version)
        self._doors = Doors(connection.securities, reveal)
        self.replies = Replies(self.plan, self._wire, zulu=self._is_rest)
        feeds = Feeds(self.plan, self.ledger, self.replies, self.faults, json=self._is_rest)
        deeds = Deeds(file, self.plan, self.replies, feeds, self._doors, _tables(file, self.plan, categories))
        self._deeds: tuple[Deed, ...] = tuple(deeds)
        self._check()

    @property
    def steps(self) -> tuple[str, ...]:
        """What it can do, by the names that faults can be limited to."""
        return tuple(one.name for one in self._deeds)

    def answer(self, incoming: Incoming) -> Replied:
        """The reply to one request."""
        token = self._doors.token_reply(incoming)
        if token is not None:
            return Replied(self._wire.unauthorized() if self.faults.reading("refuse_login", "login") else token)
        try:
            (deed, said), *also = self._understood(incoming)
        except NotUnderstood as problem:
            return Replied(self._wire.not_understood(str(problem)))
        known = _known(deed, said, incoming)
        fault = self.faults.take(deed.name, writes=deed.reading is not None)
        refuses = fault is not None and fault.name == "refuse_login"
        if refuses or not (deed.is_login or self._doors.lets_in(incoming, known, deed.sending)):
            self._doors.forget_tokens()
            return Replied(self._wire.unauthorized(), step=deed.name)
        if fault is not None and fault.name not in AFTER_DOING:
            return Replied(self._instead(fault, deed), fault, deed.name)
        try:
            draft = deed.answer(known, incoming.path)
            for other, said_there in also if deed.reading is None else ():
                # One address that several reading steps ask shows what each of them reads.
                merge(draft.tree, other.answer(_known(other, said_there, incoming), incoming.path).tree)
            written = self._wire.written(deed.sending, draft)
        except CannotBeDone:
            written = self._cannot(deed)
        except CannotFake as problem:
            written = replace(self._wire.not_understood(str(problem)), status=500)
        return Replied(written, fault, deed.name)

    def _check(self) -> None:
        for deed in self._deeds:
            if deed.reading is not None and not self.replies.knows(deed.sending, deed.reading, Verdict.ACCEPTED):
                raise CannotFake(f"`{deed.name}`: no reply can be made that its `answer` reads as accepted")

    def _understood(self, incoming: Incoming) -> list[tuple[Deed, Said]]:
        """The steps that the request fits best, in the order of the file. Raises NotUnderstood."""
        found = [(deed, said) for deed in self._deeds if (said := self._wire.said(incoming, deed.sending)) is not None]
        if not found:
            raise NotUnderstood(f"the file has no step that would send {incoming.method} {incoming.path}")
        scores = [given_rows(deed.sending, said, incoming) for deed, said in found]
        return [one for one, score in zip(found, scores, strict=True) if score == max(scores)]

    def _instead(self, fault: Switched, deed: Deed) -> Written:
        verdict = {"busy": Verdict.TRY_LATER, "refused": Verdict.REFUSED}.get(fault.name)
        if verdict is not None and (said := self._saying(deed, verdict)) is not None:
            return said
        if fault.name == "ok_with_error":
            return self._wire.broken()
        return Written(503 if verdict else 500, _WRONG_PAGE, {"Content-Type": "text/html; charset=utf-8"})

    def _cannot(self, deed: Deed) -> Written:
        said = self._saying(deed, Verdict.REFUSED)
        if said is not None:
            return said
        return replace(self._wire.not_understood("there is no such case"), status=404 if self._is_rest else 500)

    def _saying(self, deed: Deed, verdict: Verdict) -> Written | None:
        """The reply that the file reads as this, or None where it lists none."""
        if deed.reading is None or not self.replies.knows(deed.sending, deed.reading, verdict):
            return None
        return self._wire.written(deed.sending, self.replies.outcome(deed.sending, deed.reading, verdict, ""))


def _known(deed: Deed, said: Said, incoming: Incoming) -> Captured:
    known = captured(deed.sending, said, incoming)
    if _PAGE_OF_LINK not in incoming.query:
        return known
    return replace(known, names={**known.names, _PAGE_OF_LINK: incoming.query[_PAGE_OF_LINK]})


def wrong_page() -> Written:
    """The page that a server in front of the system shows when something broke."""
    return Written(500, _WRONG_PAGE, {"Content-Type": "text/html; charset=utf-8"})


def _tables(file: model.AgencyFile, plan: AgencyPlan, categories: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """What the catalogues hold: the file's own table of that name, else a code for each category it receives."""
    received = [one for one in categories if any(fnmatchcase(one, kind) for kind in file.agency.receives)]
    made = {code: f"K{number}" for number, code in enumerate(received, 1)}
    return {table.name: file.translate.get(table.name) or made for table in plan.tables}


def _base_path(address: str) -> str:
    """The path that stands in a written address; a variable holds the stand-in's own address, which has none."""
    return "" if address.startswith("${") else urlsplit(address).path.rstrip("/")
