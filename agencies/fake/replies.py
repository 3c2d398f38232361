"""What the system answers at each step, made from how the file reads it, and read back by the adapter's own reader before it is trusted.

Promises: a reply that is used was read by the adapter as what it is meant to be; where no such reply can be made CannotFake says for which step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.answers import read_outcome
from adapters.asking import AskRefused, read_ask
from adapters.deciding import Foreign, decide
from adapters.expressions import Expression, PathSteps
from adapters.feed import read_fields
from adapters.plan import AgencyPlan, AskStep, ChangeFields, LookUpStep, Reading, Sending, TableStep, Verdict
from adapters.times import moment_from
from adapters.written_times import written as time_written
from agencies.fake.draft import Draft, Placing, places_of, put, spelt, ways_to_make_true
from agencies.fake.ledger import Case, Change, names
from agencies.fake.wires import CannotFake, FakeWire
from domain.foreign_change import Meaning
from domain.outcome import OutcomeKind
from domain.status import Status

UNHEARD_STATE = "no-such-state-0x80"
"""A state that no file lists."""
_KINDS = {
    Verdict.ACCEPTED: OutcomeKind.ACCEPTED,
    Verdict.ALREADY_THERE: OutcomeKind.ACCEPTED,
    Verdict.REFUSED: OutcomeKind.REFUSED,
    Verdict.TRY_LATER: OutcomeKind.TRY_LATER,
}


class Replies:
    """The answers of one agency's system."""

    def __init__(self, plan: AgencyPlan, wire: FakeWire, *, zulu: bool) -> None:
        """`zulu`: times are written in UTC where the file allows it, as JSON services do; else by the agency's clock."""
        self._plan = plan
        self._wire = wire
        self._zulu = zulu
        self._found: dict[tuple[int, Verdict], Placing | None] = {}

    # Writing steps

    def knows(self, sending: Sending, reading: Reading, verdict: Verdict) -> bool:
        """Whether the file has a reply with this meaning."""
        return self._way(sending, reading, verdict) is not None

    def outcome(self, sending: Sending, reading: Reading, verdict: Verdict, case_id: str) -> Draft:
        """The reply that means this. Raises CannotFake."""
        way = self._way(sending, reading, verdict)
        if way is None:
            raise CannotFake(f"`{sending.operation}`: the file's `answer` lists nothing that means {verdict}")
        return _draft_of(way, reading, verdict, case_id)

    def _way(self, sending: Sending, reading: Reading, verdict: Verdict) -> Placing | None:
        key = (id(reading), verdict)
        if key not in self._found:
            ways = (way for way in _ways(reading, verdict) if self._means(sending, reading, verdict, way))
            self._found[key] = next(ways, None)
        return self._found[key]

    def _means(self, sending: Sending, reading: Reading, verdict: Verdict, way: Placing) -> bool:
        draft = _draft_of(way, reading, verdict, "100000")
        try:
            reply = self._wire.read_back(sending, self._wire.written(sending, draft))
        except CannotFake:
            return False
        outcome = read_outcome(reading, reply, self._plan.words)
        there = verdict is Verdict.ALREADY_THERE
        return outcome.kind is _KINDS[verdict] and outcome.already_there is there

    # Reading steps

    def look_up(self, step: LookUpStep, cases: Sequence[Case], wanted: str | None) -> Draft:
        draft = Draft()
        items: list[Any] = []
        for case in cases:
            whole: dict[str, Any] = {"item": {}}
            if step.ours_when is not None:
                for steps, value in next(ways_to_make_true(step.ours_when)).items():
                    put(whole, steps, value)
            for name, expression in (step.also_known_as or {}).items():
                put(whole, _first(expression), f"{name}-{case.id}")
            if step.reference is not None:
                put(whole, _first(step.reference), case.reference or "")
            if step.reference_inside is not None:
                inside = next((text for text in case.created.texts if wanted and names(wanted, text)), case.reference)
                put(whole, _first(step.reference_inside), inside or "")
            put(whole, _first(step.case_id), case.id)
            items.append(whole["item"])
        draft.put(_first(step.each), items)
        return draft

    def table(self, step: TableStep, rows: Mapping[str, str]) -> Draft:
        draft = Draft()
        items: list[Any] = []
        for ours, theirs in rows.items():
            whole: dict[str, Any] = {"item": {}}
            put(whole, _first(step.ours), ours)
            put(whole, _first(step.theirs), theirs)
            items.append(whole["item"])
        draft.put(_first(step.each), items)
        return draft

    def ask(self, step: AskStep, case_id: str, change: Change) -> Draft:
        """The present state of a case. Raises CannotFake."""
        for at in self._times(step.fields, change.at):
            draft = Draft()
            for steps, value in self._facts(step.fields, case_id, change, at):
                draft.put(steps, value)
            reply = self._wire.read_back(step.sending, self._wire.written(step.sending, draft))
            try:
                now = read_ask(self._plan, step, reply, case_id)
            except AskRefused:
                continue
            if now.occurred_at == change.at or step.fields.at is None:
                return draft
        raise CannotFake("`ask`: no reply can be made that its `answer` reads")

    def item(self, fields: ChangeFields, case: Case, change: Change, *, exact: bool = True) -> dict[str, Any]:
        """One item of a feed or a webhook. What a further read brings stands below its name. Raises CannotFake.

        Without `exact` the time may be one that is read as another moment (an hour that comes twice).
        """
        for at in self._times(fields, change.at):
            whole: dict[str, Any] = {"item": {}}
            for steps, value in self._facts(fields, case.id, change, at):
                put(whole, steps, value)
            if fields.reference is not None:
                put(whole, _first(fields.reference), case.reference or "")
            if fields.event_key is not None:
                put(whole, _first(fields.event_key), f"event-{change.seq}")
            item: dict[str, Any] = whole["item"]
            read = read_fields(self._plan, fields, item, {"item": item}, case.id)
            if read.change is not None and (not exact or fields.at is None or read.change.occurred_at == change.at):
                return item
        raise CannotFake("`status`: no item can be made that its rows read")

    def _facts(self, fields: ChangeFields, case_id: str, change: Change, at: str) -> Iterator[tuple[PathSteps, Any]]:
        conditions = [fields.only_when] if fields.only_when else []
        if change.note is not None and change.note_is_public and fields.note_is_public is not None:
            conditions.append(fields.note_is_public)
        for condition in conditions:
            yield from next(ways_to_make_true(condition)).items()
        said = self.foreign(change.status)
        rows: tuple[tuple[Expression | None, str | None], ...] = (
            (fields.case_id, case_id),
            (fields.state, said.state),
            (fields.substate, said.substate or None),
            (fields.reason, said.reason or None),
            (fields.at, at),
            (fields.note, change.note),
            (fields.answer_text, change.answer.text if change.answer else None),
            (fields.answer_decision, change.answer.decision if change.answer else None),
            (fields.answer_responsible, change.answer.responsible if change.answer else None),
        )
        for expression, value in rows:
            if expression is not None and value is not None:
                yield _first(expression), spelt(expression, value)

    def foreign(self, status: Status | None) -> Foreign:
        """The agency's words for one of our states; words nobody ever heard for None. Raises CannotFake."""
        if status is None:
            return Foreign(UNHEARD_STATE)
        if not self._plan.means and not self._plan.decide:
            return Foreign("open")
        for said in self._words():
            if decide(self._plan.decide, self._plan.means, said) == (status, 0.0):
                return said
        raise CannotFake(f"`status.means` has no word for {status}")

    def says(self, status: Status) -> bool:
        """Whether the agency has a word for this state."""
        try:
            self.foreign(status)
        except CannotFake:
            return False
        return True

    def first_status(self) -> Status:
        """What a new case is: registered, or the nearest to it that the agency has a word for."""
        nearest = (Status.REGISTERED, Status.IN_PROGRESS, Status.PLANNED, Status.WAITING_FOR_CITIZEN)
        return next((one for one in nearest if self.says(one)), Status.REGISTERED)

    def _words(self) -> Iterator[Foreign]:
        for code in self._plan.means:
            yield Foreign(code)
        for row in self._plan.decide:
            parts = [
                pattern.replace("*", "x") if pattern != "*" else "" for pattern in (row.state, row.substate, row.reason)
            ]
            yield Foreign(parts[0] or "x", parts[1], parts[2])

    def _times(self, fields: ChangeFields, moment: datetime) -> Iterator[str]:
        zone = fields.at_zone or self._plan.words.timezone
        local, utc = moment.astimezone(zone).replace(tzinfo=None), moment.astimezone(UTC)
        seconds = int(moment.timestamp())
        named: dict[str, list[str]] = {
            "iso": [local.isoformat(), utc.strftime("%Y-%m-%dT%H:%M:%S.000Z")],
            "epoch": [str(seconds)],
            "epoch-ms": [str(seconds * 1000)],
            "net": [f"/Date({seconds * 1000}+0000)/"],
        }
        for form in fields.at_forms:
            texts = named.get(form) or [time_written(moment, form, zone)]
            for text in reversed(texts) if self._zulu else texts:
                # What cannot be read as this very moment (an hour that comes twice) is still a time the agency could write.
                if moment_from(text, fields.at_forms, zone) is not None:
                    yield text

    def means_nothing(self, change: Change) -> bool:
        """Whether this change is one that the file tells us to pass over."""
        said = self.foreign(change.status)
        return decide(self._plan.decide, self._plan.means, said)[0] in (Meaning.IGNORE, Meaning.UNCHANGED)


def _ways(reading: Reading, verdict: Verdict) -> Iterator[Placing]:
    codes = [code for code, meant in reading.verdicts.items() if meant is verdict]
    if reading.outcome_from is not None:
        for code in codes:
            for steps in places_of(reading.outcome_from):
                yield {steps: code}
    for meant, condition in reading.when:
        if meant is verdict:
            yield from ways_to_make_true(condition)
    for rule in reading.faults:
        if rule.verdict is verdict:
            yield {
                ("fault", "code"): (rule.code or "Server").replace("*", ""),
                ("fault", "text"): (rule.text or "refused").replace("*", ""),
            }


def _draft_of(way: Placing, reading: Reading, verdict: Verdict, case_id: str) -> Draft:
    draft = Draft()
    draft.put_all(way)
    if verdict in (Verdict.ACCEPTED, Verdict.ALREADY_THERE):
        ids: list[tuple[Expression | None, str]] = [(reading.case_id, case_id)]
        ids += [(expression, f"{name}-{case_id}") for name, expression in (reading.also_known_as or {}).items()]
        ids += [(expression, f"{name}-{case_id}") for name, expression in (reading.keep or {}).items()]
        for expression, value in ids:
            if expression is not None:
                draft.put(_first(expression), value)
    return draft


def _first(expression: Expression) -> PathSteps:
    steps = next(places_of(expression), None)
    if steps is None:
        raise CannotFake(f"`{expression.text}` names no place in a reply")
    return steps
