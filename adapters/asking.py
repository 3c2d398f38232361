"""What an agency answers when it is asked for the present state of one case: read, translated, and made harmless to show.

Promises: nothing is guessed (a state the file does not list is `Meaning.UNKNOWN`, a time that cannot be read is none, a
reply about another case is refused); whatever the agency wrote is cut to a length and freed of control characters; a
remark is kept only where the file says that the citizen may read it (Q38); no error text holds what the agency wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from adapters.answers import as_text, identifier, is_readable, reply_scope
from adapters.context import Scope
from adapters.expressions import Expression, ExpressionFailed
from adapters.feed import MAX_CODE_LENGTH, UnreadableItem, moment_of, words_of
from adapters.functions import Words
from adapters.plan import AgencyPlan, AskStep
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
    """The reply tells no state. `text` holds no content; `about_the_case` says that the system itself is well."""

    def __init__(self, text: str, *, about_the_case: bool) -> None:
        super().__init__(text)
        self.text = text
        self.about_the_case = about_the_case


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
        raise AskRefused(f"the question was answered with {named}", about_the_case=about_the_case)
    scope, words = reply_scope(reply), plan.words
    if step.case_id is not None:
        answered = identifier(step.case_id, scope, words)
        if answered is None or case_id not in (None, answered):
            raise AskRefused("the reply is not about the case that was asked for", about_the_case=True)
    code = _code(step.state, scope, words)
    if code is None:
        raise AskRefused("the reply holds no state where the file says", about_the_case=True)
    return CaseNow(
        code=shown(code, MAX_CODE_LENGTH) or "?",
        means=plan.means.get(code, Meaning.UNKNOWN),
        occurred_at=_moment(step.at, scope, words),
        note=_note(step, scope, words),
    )


def shown(text: str, most: int) -> str | None:
    """A foreign text as it may be shown: at most so many characters, lines ended by `\\n`, no other control characters."""
    # Cut first: what follows must not grow with what somebody sends.
    plain = _UNWANTED.sub("", _LINE_ENDS.sub("\n", text[: most * 2])).strip()
    return (plain if len(plain) <= most else plain[: most - 1].rstrip() + _ELLIPSIS) or None


def _code(expression: Expression, scope: Scope, words: Words) -> str | None:
    try:
        code = as_text(expression.evaluate(scope, words))
    except ExpressionFailed:
        # A reply of an unforeseen shape tells no state.
        return None
    return code if code is not None and len(code) <= MAX_CODE_LENGTH else None


def _moment(expression: Expression | None, scope: Scope, words: Words) -> datetime | None:
    try:
        return moment_of(expression, scope, words)
    except (UnreadableItem, ExpressionFailed):
        # The state is what was asked for; its time is told only when it is one.
        return None


def _note(step: AskStep, scope: Scope, words: Words) -> str | None:
    try:
        if step.note_is_public is None or step.note_is_public.evaluate(scope, words) is not True:
            return None
        note = words_of(step.note, scope, words)
    except (UnreadableItem, ExpressionFailed):
        # A remark of an unforeseen shape is not shown; the state is.
        return None
    return shown(note, MAX_REMARK_LENGTH) if note is not None else None
