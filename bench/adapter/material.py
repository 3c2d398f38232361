"""What is mapped, written and read: an invented message of usual length, the sample agency's replies, a page of its feed.

Promises: every contestant gets the very same values; the replies are those of the sample agency's own WSDL, in the form its service writes them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

from adapters.context import MessageContext
from bench.ground import ADDRESS, LATITUDE, LONGITUDE, POTHOLE
from connectors.base import Tree

PAGE_ITEMS = 50
_NAMESPACE = "urn:city-roads:cases:1"
_FIRST_CHANGE = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
_ANSWER = "Яма заделана, ограждение снято. Работы приняты комиссией, участок поставлен на наблюдение до конца сезона."
CASE_ID = "CR-000042"

MESSAGE = MessageContext(
    reference="26-0001-2345-8",
    id="0197b0a0-0000-7000-8000-000000000001",
    subject="Яма на улице Ленина напротив дома 12",
    text=POTHOLE,
    category="roads/pothole",
    category_name="Ямы на дорогах",
    received_at=datetime(2026, 3, 2, 6, 15, 7, 250_000, tzinfo=UTC),
    latitude=LATITUDE,
    longitude=LONGITUDE,
    address=ADDRESS,
    territory="29701000001",
    attachments_count=2,
)


def case_values(body: Tree) -> dict[str, str]:
    """The elements of the new case as plain texts, as somebody would have them who writes a client by hand."""
    case = cast("dict[str, dict[str, object]]", body)["case"]
    return {name: str(value) for name, value in case.items()}


def create_reply() -> bytes:
    """The reply to a case that was made."""
    return _envelope(
        "<CreateCaseResponse><CreateCaseResult><Code>0</Code><Message>Accepted</Message>"
        f"<CaseNumber>{CASE_ID}</CaseNumber></CreateCaseResult></CreateCaseResponse>"
    )


def page_reply() -> bytes:
    """A page of the feed: every fifth change is an answer, every third carries a remark."""
    changes = "".join(_change(number) for number in range(PAGE_ITEMS))
    return _envelope(f"<GetChangesResponse><GetChangesResult>{changes}</GetChangesResult></GetChangesResponse>")


def _change(number: int) -> str:
    answered = number % 5 == 0
    at = (_FIRST_CHANGE + timedelta(seconds=37 * number)).strftime("%Y-%m-%dT%H:%M:%S")
    remark = "<Remark>Передано мастеру участка</Remark>" if number % 3 == 0 else ""
    answer = f"<Answer>{_ANSWER}</Answer>" if answered else ""
    return (
        f"<Change><CaseNumber>CR-{number:06d}</CaseNumber><State>{4 if answered else 2}</State>"
        f"<ChangedAt>{at}</ChangedAt>{remark}{answer}</Change>"
    )


def _envelope(inside: str) -> bytes:
    head, _, rest = inside.partition(">")
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f'{head} xmlns="{_NAMESPACE}">{rest}</soap:Body></soap:Envelope>'
    ).encode()
