"""The demo checks itself: what the citizens see against what the agencies really hold.

Cases and duplicates are counted on the agencies' own side, by our numbers. A message is lost when we gave a number and do not
know it any more, when its body has a system and no case, or when what the agency decided did not come home.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from cli.demo.operators import ANSWERED, DECLINED, WITHDRAWN, HeldCase, Operator
from cli.demo.views import MessageView, read_all
from cli.endpoint import Endpoint

_TOLD = 10


@dataclass(slots=True)
class Audit:
    """The summary of one run. `lost` and `wrong` hold a sentence for every message concerned."""

    messages: int = 0
    cases: int = 0
    answers: int = 0
    on_desk: int = 0
    in_moderation: int = 0
    withdrawn: int = 0
    refused: int = 0
    duplicates: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    open_cases: int = 0
    """Cases that the agencies have not closed."""

    @property
    def well(self) -> bool:
        return not (self.lost or self.wrong or self.duplicates or self.refused)

    def print(self, console: Console) -> None:
        table = Table("", "messages", title="Summary")
        table.columns[1].justify = "right"
        rows = [
            ("messages in", self.messages),
            ("cases made (counted at the agencies)", self.cases),
            ("answers back", self.answers),
            ("on the desk of bodies without a system", self.on_desk),
            ("in moderation", self.in_moderation),
            ("withdrawn", self.withdrawn),
            ("refused by an agency", self.refused),
            ("duplicates", self.duplicates),
            ("lost", len(self.lost)),
        ]
        for name, count in rows:
            bad = count > 0 and name in {"refused by an agency", "duplicates", "lost"}
            table.add_row(name, f"[red]{count}[/]" if bad else str(count))
        console.print(table)
        for sentence in [*self.lost[:_TOLD], *self.wrong[:_TOLD]]:
            console.print(sentence, markup=False, style="red")


async def audit(numbers: Sequence[str], citizens: Iterable[Endpoint], operators: Mapping[str, Operator]) -> Audit:
    """Look at both sides now. `numbers` are those the endpoint gave out."""
    # Ours first: what an agency makes known between the two readings counts as not yet home, and the caller looks again.
    ours = {view.reference: view for endpoint in citizens for view in await read_all(endpoint)}
    theirs = {code: await operator.cases() for code, operator in operators.items()}
    return compare(numbers, ours, theirs)


def compare(numbers: Sequence[str], ours: Mapping[str, MessageView], theirs: Mapping[str, Sequence[HeldCase]]) -> Audit:
    """The summary of both sides."""
    found = Audit(messages=len(numbers))
    wanted = set(numbers)
    held: dict[str, list[tuple[str, HeldCase]]] = {}
    for code, cases in theirs.items():
        for case in cases:
            if case.external_id in wanted:
                held.setdefault(case.external_id, []).append((code, case))
    found.cases = sum(len(cases) for cases in held.values())
    found.duplicates = sum(len(cases) - 1 for cases in held.values())
    found.wrong += [f"{number} was given out twice" for number, times in Counter(numbers).items() if times > 1]
    found.wrong += [f"{number} is shown but was never given out" for number in ours.keys() - wanted]
    for number in numbers:
        view = ours.get(number)
        if view is None:
            found.lost.append(f"{number}: the number was given out, and the endpoint does not know it")
        else:
            _judge(found, view, held.get(number, []))
    return found


def _judge(found: Audit, view: MessageView, held: Sequence[tuple[str, HeldCase]]) -> None:
    found.answers += bool(view.answers)
    found.withdrawn += view.status == "WITHDRAWN"
    submission = view.submission
    if submission == "REFUSED":
        found.refused += 1
    elif view.status == "ON_MODERATION":
        found.in_moderation += 1
    elif submission == "ON_DESK":
        found.on_desk += 1
    elif submission == "CANCELLED" and view.status == "WITHDRAWN":
        return
    elif not held:
        found.lost.append(f"{view.reference}: {view.body} has no case of it (the delivery is {submission})")
    else:
        found.lost += [
            f"{view.reference}: {fault}"
            for code, case in held[:1]
            if (fault := _not_home(view, code, case)) is not None
        ]
        found.open_cases += sum(
            case.state not in (ANSWERED[code], DECLINED[code], WITHDRAWN[code]) for code, case in held
        )


def _not_home(view: MessageView, code: str, case: HeldCase) -> str | None:
    """What the agency knows and we do not, or the other way round."""
    if code != view.body:
        return f"the case is at {code}, and the citizen is told of {view.body}"
    if view.cases != (case.case_id,):
        return f"the agency calls its case {case.case_id}, and the citizen sees {', '.join(view.cases) or 'none'}"
    if view.submission != "DELIVERED":
        return f"the agency has case {case.case_id}, and the delivery is {view.submission}"
    if not view.rests:
        return f"something is still on its way to {code}: {', '.join(f'{purpose} {state}' for purpose, state in view.deliveries)}"
    if case.files != view.attachments:
        return f"the citizen gave {view.attachments} files, and case {case.case_id} of {code} has {case.files}"
    if case.state == ANSWERED[code] and not (view.answers and view.status == "ANSWERED"):
        return f"case {case.case_id} is answered, and the citizen sees {view.status} with {len(view.answers)} answers"
    if case.state == DECLINED[code] and view.status != "CLOSED_UNSOLVED":
        return f"case {case.case_id} is declined, and the citizen sees {view.status}"
    if (case.state == WITHDRAWN[code]) != (view.status == "WITHDRAWN"):
        return f"the agency's case {case.case_id} is in state {case.state}, and the citizen sees {view.status}"
    return None
