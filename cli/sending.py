"""Many messages sent through the endpoint, several at a time; what became of each row.

A row that the endpoint refuses is kept with the endpoint's words and the others go on. When the endpoint itself fails,
everything stops: the rows keep their idempotency keys, so running the same again sends nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cli.endpoint import SUBMIT, Endpoint, Refused, form_errors
from cli.failure import Failure
from cli.message_table import Row


@dataclass(frozen=True, slots=True)
class Accepted:
    """A row that has its number now."""

    line: int
    reference: str
    status: str
    organisation: str | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken, and why."""

    line: int
    code: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {f'{self.field}: ' if self.field else ''}{self.message}{f' [{self.code}]' if self.code else ''}"


@dataclass(slots=True)
class Sending:
    """What was sent so far."""

    accepted: list[Accepted] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    async def send(self, endpoint: Endpoint, rows: Iterable[Row], at_once: int, advance: Callable[[], None]) -> None:
        """Send every row; `advance` is called after each. Raises Failure when the endpoint cannot go on."""
        waiting = iter(rows)
        failed: Failure | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(self._work_off(endpoint, waiting, advance))
        except* Failure as failures:
            failed = _first(failures)
        # Raised out here: inside `except*` some 3.11 releases wrap it into a group of its own.
        if failed is not None:
            raise failed

    async def _work_off(self, endpoint: Endpoint, waiting: Iterator[Row], advance: Callable[[], None]) -> None:
        for row in waiting:
            await self._send_one(endpoint, row)
            advance()

    async def _send_one(self, endpoint: Endpoint, row: Row) -> None:
        if row.fault is not None:
            self.rejected.append(Rejected(row.line, "ROW_NOT_READABLE", "", row.fault))
            return
        try:
            # The idempotency key makes a repeat harmless.
            payload: dict[str, Any] = (await endpoint.ask_again(SUBMIT, {"input": row.input}))["submitMessage"]
        except Refused as refused:
            self.rejected.append(Rejected(row.line, "", "", str(refused)))
            return
        self.rejected += [
            Rejected(row.line, one.code, ".".join(one.path), one.message) for one in form_errors(payload)[:1]
        ]
        message = payload["message"]
        if message is not None:
            organisation = message["organisation"]
            self.accepted.append(
                Accepted(
                    row.line,
                    message["reference"],
                    message["status"],
                    None if organisation is None else organisation["code"],
                )
            )


def _first(failures: ExceptionGroup[Failure]) -> Failure:
    """One of them: the rows fail for the same reason."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
