"""The demo with the messages of a CSV file: thousands at once, every one of them counted at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console

from cli.demo.audit import Audit, audit
from cli.demo.operators import Operator
from cli.demo.views import read_all
from cli.endpoint import Endpoint
from cli.message_table import Row
from cli.progress import progress_bar
from cli.sending import Sending

AT_ONCE = 16
LOOK_EVERY_S = 1.5
GIVE_UP_AFTER_S = 120.0
"""Without any progress for so long, what is missing counts as lost."""
ANSWER = "Ваше сообщение рассмотрено, работы включены в план и выполнены."


@dataclass(slots=True)
class Times:
    """How long it took, in seconds: to send all, from there until every delivery rested, and from the answers until all were home."""

    sending_s: float = 0.0
    delivering_s: float = 0.0
    answering_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Flood:
    """One citizen with many messages."""

    rows: Sequence[Row]
    citizen: Endpoint
    operators: Mapping[str, Operator]
    console: Console

    async def run(self) -> tuple[Audit, Sending, Times]:
        """Send, deliver, answer, bring home. Raises Failure when the endpoint or an agency cannot go on."""
        times, sending = Times(), Sending()
        begun = time.monotonic()
        with progress_bar(self.console) as bar:
            task = bar.add_task("citizens send", total=len(self.rows))
            await sending.send(self.citizen, self.rows, AT_ONCE, lambda: bar.advance(task))
        times.sending_s = time.monotonic() - begun
        numbers = [one.reference for one in sending.accepted]
        begun = time.monotonic()
        await self._bar("the hub delivers", len(numbers), self._resting)
        times.delivering_s = time.monotonic() - begun
        begun = time.monotonic()
        answered = sum([await one.answer_all(ANSWER) for one in self.operators.values()])
        await self._bar("answers come home", answered, self._answered)
        times.answering_s = time.monotonic() - begun
        found = await settled(lambda: audit(numbers, [self.citizen], self.operators))
        return found, sending, times

    async def _resting(self) -> int:
        return sum(view.rests for view in await read_all(self.citizen))

    async def _answered(self) -> int:
        return sum(bool(view.answers) for view in await read_all(self.citizen))

    async def _bar(self, name: str, total: int, count: Callable[[], Awaitable[int]]) -> None:
        """Look again and again until all have got there, or none has for long."""
        with progress_bar(self.console) as bar:
            task = bar.add_task(name, total=total)
            most, since = -1, time.monotonic()
            while True:
                done = await count()
                if done > most:
                    most, since = done, time.monotonic()
                bar.update(task, completed=done)
                if done >= total:
                    return
                if time.monotonic() - since > GIVE_UP_AFTER_S:
                    bar.console.print(f"No progress for {GIVE_UP_AFTER_S:g} s: {name}, {done} of {total}.", style="red")
                    return
                await asyncio.sleep(LOOK_EVERY_S)


async def settled(look: Callable[[], Awaitable[Audit]], give_up_after_s: float = GIVE_UP_AFTER_S) -> Audit:
    """Audit until all is well, or until nothing has come home for `give_up_after_s`."""
    fewest, since = None, time.monotonic()
    while True:
        found = await look()
        if not found.lost:
            return found
        if fewest is None or len(found.lost) < fewest:
            fewest, since = len(found.lost), time.monotonic()
        if time.monotonic() - since > give_up_after_s:
            return found
        await asyncio.sleep(LOOK_EVERY_S)


def tell(console: Console, found: Audit, sending: Sending, times: Times) -> None:
    """The summary with how long it took."""
    for one in sending.rejected[:20]:
        console.print(str(one), markup=False, style="red")
    found.print(console)
    if sending.rejected:
        console.print(f"{len(sending.rejected)} rows were not taken.", style="red")
    accepted_per_s = found.messages / max(times.sending_s, 0.001)
    console.print(
        f"Accepted {found.messages} in {times.sending_s:.1f} s ({accepted_per_s:.0f} per second) while they were being delivered."
    )
    console.print(f"The last delivery came to rest {times.delivering_s:.1f} s after the last message was accepted.")
    console.print(f"{found.answers} answers came home within {times.answering_s:.1f} s of being given.")
