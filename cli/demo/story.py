"""What happens in the demo: citizens send, clerks work, answers come home, citizens rate and withdraw. All messages live at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cli.demo.board import Board
from cli.demo.citizens import Citizen
from cli.demo.operators import Operator
from cli.demo.samples import Sample, Step
from cli.demo.views import MessageView
from cli.failure import Failure

HOME_WITHIN_S = 120.0
"""How long a status may take to come home; the slower of the two agencies is asked every five seconds."""

_AFTER: Mapping[Step, str] = {
    "begin": "IN_PROGRESS",
    "ask": "WAITING_FOR_CITIZEN",
    "resume": "IN_PROGRESS",
    "plan": "PLANNED",
    "decline": "CLOSED_UNSOLVED",
    "answer": "ANSWERED",
}


@dataclass(frozen=True, slots=True)
class Story:
    """The samples and everybody in them. `pause_s` lies between two steps, so that eyes can follow."""

    samples: Sequence[Sample]
    citizens: Mapping[str, Citizen]
    operators: Mapping[str, Operator]
    board: Board
    pause_s: float

    async def run(self) -> list[str]:
        """Live through all of it; the numbers of the messages. Raises Failure when a message does not get where it should."""
        numbers: list[str] = []
        failed: Failure | None = None
        try:
            async with asyncio.TaskGroup() as group:
                numbers = await self._run(group)
        except* Failure as failures:
            failed = Failure("\n".join(dict.fromkeys(_texts(failures))))
        # Raised out here: inside `except*` some 3.11 releases wrap it into a group of its own.
        if failed is not None:
            raise failed
        return numbers

    async def _run(self, group: asyncio.TaskGroup) -> list[str]:
        numbers, lives, followers = [], [], []
        for seed, sample in enumerate(self.samples):
            citizen = self.citizens[sample.citizen]
            number = await citizen.send(sample, seed)
            numbers.append(number)
            followers.append(group.create_task(citizen.follow([number], self.board.update)))
            lives.append(group.create_task(self._live(citizen, sample, number)))
            await asyncio.sleep(self.pause_s / 3)
        await asyncio.gather(*lives)
        for one in followers:
            one.cancel()
        return numbers

    async def _live(self, citizen: Citizen, sample: Sample, number: str) -> None:
        if not sample.clerks and not sample.withdraw:
            await self._until(number, lambda view: view.rests, "rest")
            return
        view = await self._until(
            number, lambda view: bool(view.cases) and view.submission == "DELIVERED", "a case at the body"
        )
        if sample.withdraw:
            await asyncio.sleep(self.pause_s)
            await citizen.withdraw(number)
            # Whether the body heard of it is seen at the body, when both sides are compared.
            await self._until(number, lambda view: view.status == "WITHDRAWN", "WITHDRAWN")
            return
        await self._be_worked_on(sample, view)
        if sample.verdict is not None:
            view = await self._until(number, lambda view: bool(view.answers), "an answer")
            await asyncio.sleep(self.pause_s)
            await citizen.rate(view.answers[-1].id, sample)
            await self._until(number, lambda view: view.answers[-1].verdict is not None, "a verdict")

    async def _be_worked_on(self, sample: Sample, view: MessageView) -> None:
        operator = self.operators.get(view.body or "")
        if operator is None:
            raise Failure(f"Message {view.reference} went to {view.body}, where the demo has no clerks.")
        for step, words in sample.clerks:
            await asyncio.sleep(self.pause_s)
            await operator.take_step(view.cases[-1], step, words)
            wanted = _AFTER[step]
            await self._until(view.reference, lambda seen, wanted=wanted: seen.status == wanted, wanted)  # type: ignore[misc]

    async def _until(self, number: str, is_there: Callable[[MessageView], bool], what: str) -> MessageView:
        return await self.board.until(number, is_there, what, HOME_WITHIN_S)


def _texts(failures: ExceptionGroup[Failure]) -> list[str]:
    found: list[str] = []
    for one in failures.exceptions:
        found += _texts(one) if isinstance(one, ExceptionGroup) else [str(one)]
    return found
