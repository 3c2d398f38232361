"""What several adapter tests need: an agency's words, a message, replies."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from adapters.context import MessageContext
from adapters.functions import Words
from connectors.base import Fault, Reply, Request, Tree

MOSCOW = Words(ZoneInfo("Europe/Moscow"), {"kinds": {"roads/pothole": "0412"}})
NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)

MESSAGE = MessageContext(
    reference="24-000017-K",
    id="0197b0a0-0000-7000-8000-000000000001",
    subject="Яма у остановки",
    text="Глубокая яма.",
    category="roads/pothole",
    category_name="Ямы",
    received_at=datetime(2026, 3, 2, 6, 15, 7, 250_000, tzinfo=UTC),
    latitude=54.507041,
    longitude=36.252277,
    address="Калуга, улица Суворова, 121",
    territory="29701000001",
    attachments_count=2,
)


def reply(
    tree: Tree = None, status: int = 200, fault: Fault | None = None, headers: dict[str, str] | None = None
) -> Reply:
    """A whole reply as a connector would bring it."""
    return Reply(status, headers or {}, b"", tree, Request("POST", "http://agency.example/", {}, b""), fault)
