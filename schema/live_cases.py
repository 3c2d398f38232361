"""The port through which the schema learns how a case stands at an organisation at this moment. The gateway brings what implements it.

Promises: asking changes nothing, here or there; an organisation that cannot be asked or does not answer is no error but a `Silence` with words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.bilingual import Bilingual
from domain.status import Status

CANNOT_BE_ASKED = Bilingual(
    "Систему этой организации нельзя спросить о деле. Показано последнее, о чём она сообщила сама.",
    "The organisation's system cannot be asked about a case. What is shown is the last that it told by itself.",
)


@dataclass(frozen=True, slots=True)
class StateNow:
    """What the organisation's system says. `code` is its own word for the state, `status` ours, None where there is none.

    `since` is theirs and may be missing; `note` is there only where the citizen may read it. Texts are bounded and hold no control characters.
    """

    code: str
    status: Status | None
    since: datetime | None
    note: str | None
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Silence:
    """No state came. `asked_at` is None when the question was not put."""

    why: Bilingual
    asked_at: datetime | None = None


class LiveCases(Protocol):
    """Asks organisations' own systems."""

    async def ask(self, organisation: str, case_id: str) -> StateNow | Silence:
        """How the case stands now; both codes are as stored. Bounded in time; raises nothing for what an organisation does."""
        ...


class NobodyToAsk:
    """For a hub without connected systems."""

    async def ask(self, organisation: str, case_id: str) -> StateNow | Silence:
        return Silence(CANNOT_BE_ASKED)
