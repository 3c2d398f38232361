"""What the expressions of a call see: the message as this agency may have it, the case, finished steps, the time.

Promises: what the file hides is gone before an expression is evaluated; filters that cut see texts as they will be sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from adapters.context import AttachmentContext, Circumstances, MessageContext, as_scope
from adapters.functions import Words
from adapters.plan import AgencyPlan
from adapters.texts import TextRules


def scope_of(
    plan: AgencyPlan,
    circumstances: Circumstances,
    message: MessageContext | None = None,
    case_ids: Mapping[str, str] | None = None,
    item: AttachmentContext | None = None,
    **others: Mapping[str, object],
) -> dict[str, object]:
    """The roots of one call by name. `others` are roots of single steps, such as `comment`."""
    scope: dict[str, object] = {"steps": circumstances.steps}
    scope |= {name: _wish(root, plan.text) for name, root in others.items()}
    if circumstances.now is not None:
        scope["now"] = circumstances.now
    if message is not None:
        scope["message"] = as_scope(message if plan.text is None else _for_agency(message, plan.text))
        scope["our"] = {"reference": message.reference, "id": message.id}
    if case_ids is not None:
        scope["case"] = {
            "id": case_ids.get("case_id"),
            **{name: it for name, it in case_ids.items() if name != "case_id"},
        }
    if item is not None:
        scope["item"] = as_scope(item if plan.text is None else _renamed(item, plan.text))
    return scope


def words_for(plan: AgencyPlan, circumstances: Circumstances) -> Words:
    """The agency's words, with what is known only at the time of a call. A row of the file counts before a fetched one."""
    if not circumstances.tables and not circumstances.clock_ahead_s:
        return plan.words
    known = plan.words.tables
    fetched = {name: {**rows, **known.get(name, {})} for name, rows in circumstances.tables.items()}
    return replace(plan.words, tables={**known, **fetched}, clock_ahead_s=circumstances.clock_ahead_s)


def citizens_words(text: str, rules: TextRules | None) -> str:
    """Words of a citizen as this agency may have them."""
    return text if rules is None else _ready(rules.hidden(text), rules)


def _wish(said: Mapping[str, object], rules: TextRules | None) -> Mapping[str, object]:
    text = said.get("text")
    return {**said, "text": citizens_words(text, rules)} if isinstance(text, str) else said


def _for_agency(message: MessageContext, rules: TextRules) -> MessageContext:
    return replace(
        message,
        subject=citizens_words(message.subject, rules),
        text=citizens_words(message.text, rules),
        category_name=_ready(message.category_name, rules),
        address=None if message.address is None else _ready(message.address, rules),
        attachments=tuple(_renamed(item, rules) for item in message.attachments),
    )


def _renamed(item: AttachmentContext, rules: TextRules) -> AttachmentContext:
    return replace(item, name=citizens_words(item.name, rules))


def _ready(text: str, rules: TextRules) -> str:
    # A text that must not be sent at all is refused where a row sends it, and not where nobody asks for it.
    return text if rules.cannot_hold == "refuse" else rules.made_ready(text)
