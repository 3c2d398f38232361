"""What an agency answers when it is asked for the present state of one case: read, translated, and made harmless to show.

Promises: nothing is guessed (a state the file does not list is `Meaning.UNKNOWN`, a time that cannot be read is none, a
reply about another case is refused); whatever the agency wrote is cut to a length and freed of control characters; a
remark is kept only where the file says that the citizen may read it (Q38); no error text holds what the agency wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.answers import identifier, is_readable, reply_scope
from adapters.conditions import plainly
from adapters.context import Scope
from adapters.deciding import Foreign, decide
from adapters.expressions import ExpressionFailed
from adapters.feed import MAX_CODE_LENGTH, UnreadableItem, moment_of, state_of, words_of
from adapters.functions import Words
from adapters.hiding import hidden
from adapters.plan import AgencyPlan
from adapters.plan_status import AskStep, ChangeFields
from connectors.base import Reply
from domain.foreign_change import Meaning
from domain.status import Status

MAX_REMARK_LENGTH = 2_000
_LINE_ENDS = re.compile("\r\n?|[\u0085\u2028\u2029]")
# Control characters, halves of characters, and the marks that turn the direction of the text around them.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_ELLIPSIS = "…"
# Statuses by which HTTP says that this one case is the matter and not the whole system.
_ABOUT_THE_CASE = frozenset({400, 404, 410, 422})


class AskRefused(Exception):
    """The reply tells no state. `text` holds no content; `about_the_case` says that the system itself is well, `unknown_case` that it
    answered well and told of no such case.
    """

    def __init__(self, text: str, *, about_the_case: bool, unknown_case: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.about_the_case = about_the_case
        self.unknown_case = unknown_case


@dataclass(frozen=True, slots=True)
class CaseNow:
    """What the agency says of a case at this moment: `code` is the state in its words, `means` what its file makes of it.

    `occurred_at` is theirs and may be missing (Q14); `note` is there only where the citizen may read it.
    """

    code: str
    means: Status | Meaning
    occurred_at: datetime | None = None
    note: str | None = None


def read_ask(plan: AgencyPlan, step: AskStep, reply: Reply, case_id: str | None) -> CaseNow:
    """The state a reply tells. Raises AskRefused."""
    if not is_readable(reply):
        named = "a fault" if reply.fault else f"HTTP {reply.status}"
        about_the_case = reply.fault is None and reply.status in _ABOUT_THE_CASE
        raise AskRefused(
            f"the question was answered with {named}",
            about_the_case=about_the_case,
            unknown_case=about_the_case and reply.status in (404, 410),
        )
    scope, words, fields = reply_scope(reply), plan.words, step.fields
    said = _said(fields, scope, words)
    if fields.case_id is not None:
        answered = identifier(fields.case_id, scope, words)
        if answered is None or case_id not in (None, answered):
            raise AskRefused(
                "the reply is not about the case that was asked for",
                about_the_case=True,
                unknown_case=answered is None and said is None,
            )
    if said is None:
        raise AskRefused("the reply holds no state where the file says", about_the_case=True)
    return CaseNow(
        code=shown(said.code, MAX_CODE_LENGTH) or "?",
        means=decide(plan.decide, plan.means, said)[0],
        occurred_at=_moment(fields, scope, words),
        note=_note(plan, fields, scope),
    )


def kept_scope(tree: object, status: str) -> Scope:
    """The scope of a reply that was kept: what its rows see when it is read again."""
    fields: dict[str, object] = dict(tree) if isinstance(tree, Mapping) else {}
    return {**fields, "reply": tree, "http": {"status": status, "headers": {}}, "fault": None}


def shown(text: str, most: int) -> str | None:
    """A foreign text as it may be shown: at most so many characters, lines ended by `\\n`, no other control characters."""
    # Cut first: what follows must not grow with what somebody sends.
    plain = _UNWANTED.sub("", _LINE_ENDS.sub("\n", text[: most * 2])).strip()
    return (plain if len(plain) <= most else plain[: most - 1].rstrip() + _ELLIPSIS) or None


def _said(fields: ChangeFields, scope: Scope, words: Words) -> Foreign | None:
    try:
        return state_of(fields, scope, words)
    except ExpressionFailed:
        # A reply of an unforeseen shape tells no state.
        return None


def _moment(fields: ChangeFields, scope: Scope, words: Words) -> datetime | None:
    try:
        return moment_of(fields, scope, words)
    except (UnreadableItem, ExpressionFailed):
        # The state is what was asked for; its time is told only when it is one.
        return None


def _note(plan: AgencyPlan, fields: ChangeFields, scope: Scope) -> str | None:
    try:
        if not plainly(fields.note_is_public, scope, plan.words):
            return None
        note = words_of(fields.note, scope, plan.words)
    except (UnreadableItem, ExpressionFailed):
        # A remark of an unforeseen shape is not shown; the state is.
        return None
    return shown(hidden(note, plan.hides), MAX_REMARK_LENGTH) if note is not None else None
