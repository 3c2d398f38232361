"""Reads what an agency answered into one of the four outcomes.

Promises: a code the file does not list is *unknown*, never guessed; a case number in the reply beats an error code
(Q7); an acceptance that should carry a number and does not is unknown too; no text of an outcome holds what the agency
wrote in words, because agencies echo what citizens wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from typing import TypeAlias

from adapters.context import Scope, is_missing
from adapters.expressions import Expression, ExpressionFailed, follow
from adapters.functions import Words
from adapters.plan import FaultRule, LookUpStep, Reading, Verdict
from connectors.base import Fault, Reply
from domain.outcome import Outcome, OutcomeKind

MAX_CASE_ID_LENGTH = 200
MAX_RETRY_AFTER_S = 24 * 3600.0
_CODE_LIKE = re.compile(r"[\w.:-]{1,60}")
_KINDS = {
    Verdict.ACCEPTED: OutcomeKind.ACCEPTED,
    Verdict.ALREADY_THERE: OutcomeKind.ACCEPTED,
    Verdict.REFUSED: OutcomeKind.REFUSED,
    Verdict.TRY_LATER: OutcomeKind.TRY_LATER,
}
_SENTENCES = {
    Verdict.ACCEPTED: "the agency accepted it",
    Verdict.ALREADY_THERE: "the agency has it already",
    Verdict.REFUSED: "the agency refused it",
    Verdict.TRY_LATER: "the agency asks to come later",
}


@dataclass(frozen=True, slots=True)
class Found:
    """The agency has exactly one case with our reference."""

    case_ids: dict[str, str]


@dataclass(frozen=True, slots=True)
class NotFound:
    """The agency answered well, and has no case with our reference."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """The answer does not settle the question; `reason` is one sentence for operators."""

    reason: str


LookedUp: TypeAlias = Found | NotFound | Unclear


def reply_scope(reply: Reply) -> dict[str, object]:
    """What expressions of an answer see: the reply's own fields by name, `reply` (the whole), `http` and `fault`."""
    scope: dict[str, object] = dict(reply.tree) if isinstance(reply.tree, Mapping) else {}
    scope["reply"] = reply.tree
    scope["http"] = {"status": str(reply.status), "headers": reply.headers}
    scope["fault"] = {"code": reply.fault.code, "text": reply.fault.text} if reply.fault else None
    return scope


def read_outcome(reading: Reading, reply: Reply, words: Words) -> Outcome:
    """The outcome of one write step. Never raises: what cannot be read is unknown."""
    scope = reply_scope(reply)
    case_id = identifier(reading.case_id, scope, words) if reading.case_id else None
    case_ids = {"case_id": case_id} if case_id else {}
    shown = _shown_code(reading, reply, scope, words)
    verdict = _verdict(reading, reply, scope, words)
    named = f" (code {shown})" if shown else ""
    if verdict in (Verdict.ACCEPTED, Verdict.ALREADY_THERE):
        if reading.case_id and not case_id:
            return Outcome(OutcomeKind.UNKNOWN, f"{_SENTENCES[verdict]} but gave no case number{named}", code=shown)
        there = verdict is Verdict.ALREADY_THERE
        return Outcome(OutcomeKind.ACCEPTED, _SENTENCES[verdict] + named, case_ids, there, shown)
    if case_id:
        return Outcome(
            OutcomeKind.ACCEPTED,
            f"the agency made a case although it answered with an error{named}",
            case_ids,
            code=shown,
        )
    if verdict is None:
        return Outcome(
            OutcomeKind.UNKNOWN,
            f"the agency's file does not list this answer{named or f' (HTTP {reply.status})'}",
            code=shown,
        )
    after_s = retry_after_s(reply.headers) if verdict is Verdict.TRY_LATER else None
    return Outcome(_KINDS[verdict], _SENTENCES[verdict] + named, code=shown, retry_after_s=after_s)


def _verdict(reading: Reading, reply: Reply, scope: Scope, words: Words) -> Verdict | None:
    if reply.fault is not None:
        return next((rule.verdict for rule in reading.faults if _matches(rule, reply.fault)), None)
    code = as_text(_evaluated(reading.outcome_from, scope, words))
    return reading.verdicts.get(code) if code is not None else None


def _matches(rule: FaultRule, fault: Fault) -> bool:
    code_matches = rule.code is None or fnmatchcase(_local(fault.code), _local(rule.code))
    return code_matches and (rule.text is None or fnmatchcase(fault.text.casefold(), rule.text.casefold()))


def _local(code: str) -> str:
    """A fault code without its namespace prefix, which is the sender's free choice."""
    return code.rpartition(":")[2].casefold()


def _shown_code(reading: Reading, reply: Reply, scope: Scope, words: Words) -> str | None:
    """The agency's code, where it is one: words could be a citizen's."""
    if reply.fault is not None:
        shown: str | None = reply.fault.code
    else:
        shown = as_text(_evaluated(reading.code, scope, words)) if reading.code else None
        shown = shown or as_text(_evaluated(reading.outcome_from, scope, words))
    return shown if shown is not None and _CODE_LIKE.fullmatch(shown) else None


def _evaluated(expression: Expression, scope: Scope, words: Words) -> object:
    try:
        return expression.evaluate(scope, words)
    except ExpressionFailed:
        # A reply of an unforeseen shape is an unlisted answer.
        return None


def as_text(value: object) -> str | None:
    """A code or an identifier as text; anything but a text or a whole number is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


def identifier(expression: Expression, scope: Scope, words: Words) -> str | None:
    """A case number; what is too long to be one, or holds control characters, is none."""
    text = as_text(_evaluated(expression, scope, words))
    return text if text is not None and len(text) <= MAX_CASE_ID_LENGTH and text.isprintable() else None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header in either of its two forms, at most a day."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isdecimal():
        return min(float(text), MAX_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), MAX_RETRY_AFTER_S)


def is_readable(reply: Reply) -> bool:
    """Whether a reading call was answered at all."""
    return reply.fault is None and 200 <= reply.status < 300


def items_of(each: Expression, scope: Scope, words: Words) -> list[object] | None:
    """The items of a list in a reply; None when the reply has no such list.

    A parent that is there but empty holds an empty list (an empty XML element has no children to show); one lone structure is a list
    of one (Q5).
    """
    value = _evaluated(each, scope, words)
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, Mapping):
        return [value]
    if value is None and each.only_path is not None and _is_empty_parent(scope, each.only_path[:-1]):
        return []
    return None


def _is_empty_parent(scope: Scope, path: tuple[str | int, ...]) -> bool:
    if not path:
        return False
    above = follow(scope, path[:-1])
    return isinstance(above, Mapping) and path[-1] in above and is_missing(above[str(path[-1])])


def read_look_up(step: LookUpStep, reply: Reply, reference: str, words: Words) -> LookedUp:
    """Whether the agency has our message. Items of other references are left aside, whatever the agency's own filter did (Q18)."""
    if not is_readable(reply):
        return Unclear(f"the look-up was not answered (HTTP {reply.status})")
    scope = reply_scope(reply)
    items = items_of(step.each, scope, words)
    if items is None:
        return Unclear("the answer to the look-up has no list of cases")
    numbers: set[str] = set()
    for item in items:
        number, theirs = _case_of(step, {**scope, "item": item}, words)
        if number is None or theirs is None:
            # Taking it for a foreign case could make a second one of ours.
            return Unclear("a case in the answer to the look-up cannot be read")
        if theirs == reference:
            numbers.add(number)
    if len(numbers) > 1:
        return Unclear(f"{len(numbers)} cases carry our reference")
    return Found({"case_id": numbers.pop()}) if numbers else NotFound()


def _case_of(step: LookUpStep, scope: Scope, words: Words) -> tuple[str | None, str | None]:
    return identifier(step.case_id, scope, words), as_text(_evaluated(step.reference, scope, words))
