"""Reads what an agency answered into one of the four outcomes.

Promises: a code the file does not list is *unknown*, never guessed; a case number in the reply beats an error code
(Q7); an acceptance that should carry a number and does not is unknown too; no text of an outcome holds what the agency
wrote in words, because agencies echo what citizens wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from typing import TypeAlias

from adapters.context import Scope, is_missing
from adapters.expressions import Expression, ExpressionFailed, follow
from adapters.functions import Words
from adapters.plan import LookUpStep
from adapters.plan_sending import FaultRule, Reading, ResendRule, TableStep, Verdict
from connectors.base import Fault, Reply
from domain.outcome import Outcome, OutcomeKind

MAX_CASE_ID_LENGTH = 200
MAX_TABLE_ROWS = 100_000
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


def reply_scope(reply: Reply, sent: Scope | None = None) -> dict[str, object]:
    """What expressions of an answer see: the reply's own fields by name, `reply` (the whole), `http`, `fault`, and what `sent` adds."""
    scope: dict[str, object] = dict(reply.tree) if isinstance(reply.tree, Mapping) else {}
    scope.update(sent or {})
    scope["reply"] = reply.tree
    scope["http"] = {"status": str(reply.status), "headers": reply.headers}
    scope["fault"] = {"code": reply.fault.code, "text": reply.fault.text} if reply.fault else None
    return scope


def read_outcome(reading: Reading, reply: Reply, words: Words, sent: Scope | None = None) -> Outcome:
    """The outcome of one write step. Never raises: what cannot be read is unknown."""
    scope = reply_scope(reply, sent)
    case_ids = ids_of(reading.case_id, reading.also_known_as, scope, words)
    kept = _identifiers(reading.keep, scope, words)
    shown = _shown_code(reading, reply, scope, words)
    verdict = _verdict(reading, reply, scope, words)
    named = f" (code {shown})" if shown else ""
    if verdict in (Verdict.ACCEPTED, Verdict.ALREADY_THERE):
        lacks = _lacks(reading, case_ids, kept)
        if lacks is not None:
            return Outcome(OutcomeKind.UNKNOWN, f"{_SENTENCES[verdict]} but gave no {lacks}{named}", code=shown)
        there = verdict is Verdict.ALREADY_THERE
        return Outcome(OutcomeKind.ACCEPTED, _SENTENCES[verdict] + named, case_ids, there, shown, kept=kept)
    if case_ids and _is_theirs(reading, scope, words):
        return Outcome(
            OutcomeKind.ACCEPTED,
            f"the agency made a case although it answered with an error{named}",
            case_ids,
            code=shown,
            kept=kept,
        )
    if verdict is None:
        return Outcome(
            OutcomeKind.UNKNOWN,
            f"the agency's file does not list this answer{named or f' (HTTP {reply.status})'}",
            code=shown,
        )
    after_s = retry_after_s(reply.headers) if verdict is Verdict.TRY_LATER else None
    return Outcome(_KINDS[verdict], _SENTENCES[verdict] + named, code=shown, retry_after_s=after_s)


def _is_theirs(reading: Reading, scope: Scope, words: Words) -> bool:
    """Whether the number stands in the reply: our own is always at hand and proves nothing (Q7, Q9)."""
    theirs = {name: value for name, value in scope.items() if name != "our"}
    return bool(ids_of(reading.case_id, None, theirs, words))


def _lacks(reading: Reading, case_ids: Mapping[str, str], kept: Mapping[str, str]) -> str | None:
    """What an acceptance should have brought and did not."""
    if reading.case_id and not case_ids and not reading.case_id_later:
        return "case number"
    if reading.needs_all_kept:
        return next((f"`{name}`" for name in reading.keep or () if name not in kept), None)
    return None


def ids_of(
    case_id: Expression | None, others: Mapping[str, Expression] | None, scope: Scope, words: Words
) -> dict[str, str]:
    """The agency's identifiers of one case (Q9); empty without its number."""
    number = identifier(case_id, scope, words) if case_id else None
    return {"case_id": number, **_identifiers(others, scope, words)} if number else {}


def _identifiers(rows: Mapping[str, Expression] | None, scope: Scope, words: Words) -> dict[str, str]:
    found = {name: identifier(expression, scope, words) for name, expression in (rows or {}).items()}
    return {name: value for name, value in found.items() if value is not None}


def find_resend_rule(rules: Sequence[ResendRule], reply: Reply, words: Words, sent: Scope | None = None) -> int | None:
    """The place of the first rule whose condition the reply fulfils."""
    scope = reply_scope(reply, sent)
    return next((place for place, rule in enumerate(rules) if _evaluated(rule.when, scope, words) is True), None)


def _verdict(reading: Reading, reply: Reply, scope: Scope, words: Words) -> Verdict | None:
    for verdict, condition in reading.when:
        if _evaluated(condition, scope, words) is True:
            return verdict
    if reply.fault is not None:
        return next((rule.verdict for rule in reading.faults if _matches(rule, reply.fault)), None)
    code = as_text(_evaluated(reading.outcome_from, scope, words)) if reading.outcome_from else None
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
        shown = shown or (as_text(_evaluated(reading.outcome_from, scope, words)) if reading.outcome_from else None)
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


def read_look_up(step: LookUpStep, reply: Reply, reference: str, words: Words, sent: Scope | None = None) -> LookedUp:
    """Whether the agency has our message. Items of other references are left aside, whatever the agency's own filter did (Q18)."""
    if not is_readable(reply):
        return Unclear(f"the look-up was not answered (HTTP {reply.status})")
    scope = reply_scope(reply, sent)
    items = items_of(step.each, scope, words)
    if items is None:
        return Unclear("the answer to the look-up has no list of cases")
    cases: dict[str, dict[str, str]] = {}
    for item in items:
        inner = {**scope, "item": item}
        ours = _is_ours(step, inner, reference, words)
        ids = ids_of(step.case_id, step.also_known_as, inner, words)
        if ours is None or (ours and not ids) or (not ids and step.reference is not None):
            # Taking it for a foreign case could make a second one of ours.
            return Unclear("a case in the answer to the look-up cannot be read")
        if ours:
            cases[ids["case_id"]] = ids
    if len(cases) > 1:
        return Unclear(f"{len(cases)} cases carry our reference")
    return Found(cases.popitem()[1]) if cases else NotFound()


def _is_ours(step: LookUpStep, scope: Scope, reference: str, words: Words) -> bool | None:
    """Whether one case of a look-up is ours; None when that cannot be read."""
    if step.ours_when is not None:
        judged = _evaluated(step.ours_when, scope, words)
        return judged if isinstance(judged, bool) else None
    if step.reference_inside is not None:
        text = _evaluated(step.reference_inside, scope, words)
        return names_reference(text, reference) if isinstance(text, str) else None if text is not None else False
    theirs = as_text(_evaluated(step.reference, scope, words)) if step.reference is not None else None
    return None if theirs is None else theirs == reference


def names_reference(text: str, reference: str) -> bool:
    """Whether a text names our number, and not a longer one that begins or ends with it."""
    pattern = rf"(?<![\w-]){re.escape(reference)}(?![\w-])"
    return bool(reference) and re.search(pattern, text) is not None


def read_table(table: TableStep, reply: Reply, words: Words) -> dict[str, str] | None:
    """The rows of a fetched table, ours to theirs; None where the reply holds none. An item that lacks either is left aside."""
    items = items_of(table.each, reply_scope(reply), words) if is_readable(reply) else None
    if not items or len(items) > MAX_TABLE_ROWS:
        return None
    scope = reply_scope(reply)
    rows: dict[str, str] = {}
    for item in items:
        inner = {**scope, "item": item}
        ours, theirs = identifier(table.ours, inner, words), identifier(table.theirs, inner, words)
        if ours is not None and theirs is not None:
            rows.setdefault(ours, theirs)
    return rows or None
