"""The operations of the fake Znuny and the tickets behind them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.fakes.soap_product import Asked, SoapProduct

_WRITTEN = "%Y-%m-%d %H:%M:%S"
STATES = frozenset({"new", "open", "pending reminder", "closed successful", "closed unsuccessful", "removed"})
QUEUES = frozenset({"Roads", "Misc"})
PRIORITIES = frozenset({"1 very low", "2 low", "3 normal", "4 high", "5 very high"})


@dataclass
class Article:
    """One article of a ticket with its attachments: name, type, bytes."""

    subject: str
    body: str
    sender: str
    visible: bool
    attachments: list[tuple[str, str, bytes]] = field(default_factory=list)


@dataclass
class Ticket:
    """One ticket."""

    id: int
    number: str
    title: str
    queue: str
    state: str
    priority: str
    customer: str
    changed: datetime
    fields: dict[str, str] = field(default_factory=dict)
    articles: list[Article] = field(default_factory=list)


class _Error(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Znuny(SoapProduct):
    """One Znuny with one API user, whose own zone is `zone`."""

    path = "/znuny/nph-genericinterface.pl/Webservice/GenericTicketConnectorSOAP"
    namespace = "http://www.otrs.org/TicketConnector/"

    def __init__(self, user: str = "okno", password: str = "znuny-secret", zone: str = "UTC") -> None:
        super().__init__()
        self._user = user
        self._password = password
        self._zone = ZoneInfo(zone)
        self.tickets: dict[int, Ticket] = {}
        self.fields = {"OknoReference"}
        self.sessions: set[str] = set()
        self.logins = 0

    # What happens at the agency

    def works_on(self, ticket_id: int, state: str, body: str = "", *, visible: bool = True) -> None:
        """An official changes the state, with an article or without."""
        ticket = self.tickets[ticket_id]
        ticket.state = state
        ticket.changed = self.clock.passes(1)
        if body:
            ticket.articles.append(Article("Re", body, "agent", visible))

    # Operations

    def on_SessionCreate(self, asked: Asked) -> dict[str, Any]:  # noqa: N802 - the operation's own name
        """Sign in."""
        if (asked["UserLogin"], asked["Password"]) != (self._user, self._password):
            return _error("SessionCreate.AuthFail", "SessionCreate: Authorization failing!")
        self.logins += 1
        self.sessions.add(f"session-{self.logins}")
        return {"SessionID": f"session-{self.logins}"}

    def on_TicketCreate(self, asked: Asked) -> dict[str, Any]:  # noqa: N802
        """Make a ticket with its first article."""
        try:
            self._judge("TicketCreate", asked)
            self._judge_ticket(
                "TicketCreate", asked.all("Ticket")[0], {"Title", "Queue", "State", "Priority", "CustomerUser"}
            )
            article = self._article("TicketCreate", asked)
        except _Error as error:
            return _error(error.code)
        number = len(self.tickets) + 1
        wish = asked.all("Ticket")[0]
        ticket = Ticket(
            id=number,
            number=f"20260302{number:08}",
            title=wish["Title"],
            queue=wish["Queue"],
            state=wish["State"],
            priority=wish["Priority"],
            customer=wish["CustomerUser"],
            changed=self.clock.passes(1),
            fields={one["Name"]: one["Value"] for one in asked.all("DynamicField")},
        )
        assert article is not None
        ticket.articles.append(article)
        self.tickets[number] = ticket
        return {"TicketID": number, "TicketNumber": ticket.number, "ArticleID": number}

    def on_TicketUpdate(self, asked: Asked) -> dict[str, Any]:  # noqa: N802
        """Change a ticket, add an article."""
        try:
            self._judge("TicketUpdate", asked)
            ticket = self.tickets.get(int(asked["TicketID"] or 0))
            if ticket is None:
                raise _Error("TicketUpdate.AccessDenied")
            for wish in asked.all("Ticket"):
                self._judge_ticket("TicketUpdate", wish, set())
                ticket.state = wish["State"] or ticket.state
                ticket.priority = wish["Priority"] or ticket.priority
            article = self._article("TicketUpdate", asked)
        except _Error as error:
            return _error(error.code)
        if article is not None:
            ticket.articles.append(article)
        ticket.changed = self.clock.passes(1)
        return {"TicketID": ticket.id, "TicketNumber": ticket.number}

    def on_TicketSearch(self, asked: Asked) -> dict[str, Any]:  # noqa: N802
        """The numbers of the tickets that fit."""
        try:
            self._judge("TicketSearch", asked)
        except _Error as error:
            return _error(error.code)
        found = [ticket for ticket in self.tickets.values() if self._fits(ticket, asked)]
        found.sort(key=lambda ticket: (ticket.changed, ticket.id), reverse=asked["OrderBy"] != "Up")
        return {"TicketID": [ticket.id for ticket in found][: int(asked["Limit"] or 500)]}

    def on_TicketGet(self, asked: Asked) -> dict[str, Any]:  # noqa: N802
        """Tickets with their articles."""
        try:
            self._judge("TicketGet", asked)
            numbers = [int(one.text) for one in asked.all("TicketID")]
            if not numbers or not all(number in self.tickets for number in numbers):
                raise _Error("TicketGet.AccessDenied")
        except _Error as error:
            return _error(error.code)
        articles = asked["AllArticles"] == "1"
        return {"Ticket": [self._shown(self.tickets[number], articles=articles) for number in numbers]}

    def _judge(self, operation: str, asked: Asked) -> None:
        signed_in = asked["SessionID"] in self.sessions
        if not signed_in and (asked["UserLogin"], asked["Password"]) != (self._user, self._password):
            raise _Error(f"{operation}.AuthFail")
        for one in asked.all("DynamicField"):
            if one["Name"] not in self.fields:
                raise _Error(f"{operation}.InvalidParameter")

    @staticmethod
    def _judge_ticket(operation: str, wish: Asked, needed: set[str]) -> None:
        if any(not wish[name] for name in needed):
            raise _Error(f"{operation}.MissingParameter")
        known = {"Queue": QUEUES, "State": STATES, "Priority": PRIORITIES}
        if any(wish[name] and wish[name] not in values for name, values in known.items()):
            raise _Error(f"{operation}.InvalidParameter")

    @staticmethod
    def _article(operation: str, asked: Asked) -> Article | None:
        wishes = asked.all("Article")
        if not wishes:
            return None
        wish = wishes[0]
        if any(not wish[name] for name in ("Subject", "Body", "ContentType", "IsVisibleForCustomer")):
            raise _Error(f"{operation}.MissingParameter")
        files = [
            (one["Filename"], one["ContentType"], base64.b64decode(one["Content"])) for one in asked.all("Attachment")
        ]
        if any(not name or not kind for name, kind, _ in files):
            raise _Error(f"{operation}.MissingParameter")
        return Article(
            wish["Subject"], wish["Body"], wish["SenderType"] or "agent", wish["IsVisibleForCustomer"] == "1", files
        )

    def _fits(self, ticket: Ticket, asked: Asked) -> bool:
        for name in asked.names:
            field_name = name.removeprefix("DynamicField_")
            if field_name != name and field_name in self.fields:
                wanted = asked.all(name)[0]["Equals"]
                if ticket.fields.get(field_name) != wanted:
                    return False
        newer, older = asked["TicketLastChangeTimeNewerDate"], asked["TicketLastChangeTimeOlderDate"]
        after = not newer or ticket.changed >= self._moment(newer)
        return after and (not older or ticket.changed <= self._moment(older))

    def _moment(self, text: str) -> datetime:
        return datetime.strptime(text, _WRITTEN).replace(tzinfo=self._zone)

    @staticmethod
    def _shown(ticket: Ticket, *, articles: bool) -> dict[str, Any]:
        shown: list[dict[str, Any]] = [
            {
                "ArticleID": number,
                "Body": one.body,
                "IsVisibleForCustomer": int(one.visible),
                "SenderType": one.sender,
                "Subject": one.subject,
            }
            for number, one in enumerate(ticket.articles, 1)
        ]
        return {
            "Article": shown if articles else [],
            "Changed": ticket.changed.astimezone(UTC).strftime(_WRITTEN),
            "DynamicField": [{"Name": name, "Value": value} for name, value in ticket.fields.items()],
            "Priority": ticket.priority,
            "Queue": ticket.queue,
            "State": ticket.state,
            "TicketID": ticket.id,
            "TicketNumber": ticket.number,
            "Title": ticket.title,
        }


def _error(code: str, text: str = "") -> dict[str, Any]:
    return {"Error": {"ErrorCode": code, "ErrorMessage": text or f"{code}: the request was not processed!"}}
