"""What comes back, from the file to the plan: feeds, webhooks, questions and what states mean. The rest: agencies/build.py.

Promises: a file that passed the checks builds; a secret is asked for when it is needed and not before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from adapters.deciding import Decision
from adapters.expressions import Expression, parse
from adapters.hiding import Hiding
from adapters.plan_sending import Sending
from adapters.plan_status import (
    MAIN_FEED,
    NO_ECHO,
    Acknowledge,
    AskStep,
    ChangeFields,
    CursorFields,
    Echo,
    Follow,
    Login,
    Missing,
    Pages,
    PollStep,
    Shows,
    Signature,
    Token,
    WebhookReply,
    WebhookStep,
)
from adapters.times import ISO
from agencies import model_status as model
from agencies.model_sending import Sends
from domain.foreign_change import Meaning
from domain.status import Status

Send: TypeAlias = Callable[[Sends], Sending]
Reveal: TypeAlias = Callable[[str], str]
Means: TypeAlias = "Mapping[str, Status | Meaning]"
_CALL_TABLES = ("send", "query", "headers", "form")
_ALGORITHMS: Mapping[str, Literal["sha256", "sha1", "sha512"]] = {
    "hmac-sha256": "sha256",
    "hmac-sha512": "sha512",
    "hmac-sha1": "sha1",
}


def edition_of(status: model.Status | None, ask: model.Ask | None) -> str:
    """A name that changes with everything that decides how an item is read: what was held is read again under a new one."""
    parts = [one.model_dump(mode="json", by_alias=True) if one is not None else None for one in (status, ask)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def ask_step(ask: model.Ask, send: Send) -> AskStep:
    return AskStep(send(ask), _state_fields(ask.answer, ask.answer.state, case_id=_maybe(ask.answer.case_id)))


def feeds(status: model.Status | None, send: Send, means: Means) -> list[PollStep]:
    """Every feed; the one under `poll` is the first."""
    if status is None or status.poll is None:
        return []
    return [
        _poll(MAIN_FEED, status.poll, send, means),
        *(_poll(name, poll, send, means) for name, poll in status.also_poll.items()),
    ]


def decisions(status: model.Status | None, means: Means) -> tuple[Decision, ...]:
    return tuple(
        Decision(means[row.means], row.state, row.substate, row.reason, row.after or 0.0)
        for row in (status.decide if status else ())
    )


def hiding(status: model.Status | None) -> Hiding:
    return Hiding(status.hides, status.hides_texts) if status is not None else Hiding()


def webhook_step(webhook: model.Webhook, poll: model.Poll | None, reveal: Reveal) -> WebhookStep:
    rows: model.ChangeRows | None = webhook if webhook.has_rows or poll is None else poll
    return WebhookStep(
        fields=_change(rows) if rows is not None and rows.state is not None else ChangeFields(parse("item")),
        each=_maybe(webhook.each),
        signature=_signature(webhook.signature, reveal) if webhook.signature else None,
        token=_token(webhook.token, reveal) if webhook.token else None,
        login=_login(webhook.basic, reveal) if webhook.basic else None,
        networks=tuple(ip_network(text) for text in webhook.addresses),
        format=webhook.format,
        inside=webhook.inside,
        reply=WebhookReply(int(webhook.replies.status), webhook.replies.body, webhook.replies.media_type),
        only_wakes=webhook.only_wakes,
    )


def _signature(signature: model.Signature, reveal: Reveal) -> Signature:
    return Signature(
        header=signature.header,
        secret=lambda: reveal(signature.secret),
        algorithm=_ALGORITHMS[signature.algorithm],
        timestamp_header=signature.timestamp_header,
        written=signature.written,
        prefix=signature.prefix,
        tolerance_s=signature.tolerance,
    )


def _token(token: model.WebhookToken, reveal: Reveal) -> Token:
    return Token(token.header, lambda: reveal(token.secret), token.prefix)


def _login(login: model.WebhookLogin, reveal: Reveal) -> Login:
    return Login(lambda: reveal(login.username), lambda: reveal(login.password))


def _poll(name: str, poll: model.Poll, send: Send, means: Means) -> PollStep:
    sending = send(poll)
    asked = names_asked_for(poll)
    cursor = CursorFields(parse(poll.cursor.next), _maybe(poll.cursor.has_more)) if poll.cursor else None
    is_queue = poll.hands_out_once or poll.acknowledge is not None
    return PollStep(
        sending=sending,
        interval_s=poll.every,
        each=parse(poll.each),
        fields=_change(poll),
        name=name,
        shows=Shows(poll.shows),
        overlap_s=poll.overlap,
        reaches_back_s=poll.reaches_back,
        clock_skew_s=poll.clock_skew,
        window_s=poll.window,
        has_until="until" in asked,
        cursor=cursor,
        pages=_pages(poll.pages) if poll.pages else None,
        page_size=poll.page_size,
        at_most=poll.at_most,
        is_dated=poll.shows == "changes" and cursor is None and ("since" in asked or not is_queue),
        batch=poll.batch,
        empty_is_none=poll.empty_is_none,
        follow=tuple(Follow(read, send(one), _maybe(one.when)) for read, one in poll.then.items()),
        follow_at_most=poll.then_at_most,
        acknowledge=_acknowledge(poll.acknowledge, send) if poll.acknowledge else None,
        hands_out_once=poll.hands_out_once,
        missing=_missing(poll.missing_means, means),
        shrinks_at_most=poll.shrinks_at_most,
    )


def names_asked_for(poll: model.Poll) -> set[str]:
    """The names below `poll.` that its call uses."""
    texts = [text for table in _CALL_TABLES for text in _texts(getattr(poll, table))]
    found = {
        str(use.steps[1]) for text in texts for use in parse(text).paths if use.steps[0] == "poll" and use.steps[1:]
    }
    return found | {name for name in POLL_NAMES if f"poll.{name}}}" in (poll.request or "")}


POLL_NAMES = ("since", "until", "cursor", "page", "offset", "marker", "case_ids", "case_id")


def _texts(rows: object) -> list[str]:
    """Every expression in the rows of a call, however they are written."""
    if isinstance(rows, str):
        return [rows]
    if isinstance(rows, Mapping):
        return [text for inner in rows.values() for text in _texts(inner)]
    if isinstance(rows, (list, tuple)):
        return [text for inner in rows for text in _texts(inner)]
    fields = getattr(type(rows), "model_fields", {})
    return [text for name in fields for text in _texts(getattr(rows, name)) if name in ("value", "each", "send")]


def _pages(pages: model.Pages) -> Pages:
    return Pages(pages.by, pages.first, _maybe(pages.next), _maybe(pages.has_more), pages.at_most)


def _acknowledge(acknowledge: model.Acknowledge, send: Send) -> Acknowledge:
    return Acknowledge(send(acknowledge), acknowledge.for_each == "item")


def _missing(word: str, means: Means) -> Missing | None:
    if word == "unchanged":
        return None
    meant = means.get(word)
    return Missing(meant if isinstance(meant, Status) else None)


def _change(rows: model.ChangeRows) -> ChangeFields:
    if rows.state is None:
        raise ValueError("the model lets no rows pass without `case_id` and `state`")
    return _state_fields(
        rows,
        rows.state,
        case_id=_maybe(rows.case_id),
        reference=_maybe(rows.reference),
        category=_maybe(rows.category),
        event_key=_maybe(rows.event_key),
        only_when=_maybe(rows.only_when),
        fails_when=_maybe(rows.fails_when),
        echo=Echo(_maybe(rows.echo.when), rows.echo.marker, rows.echo.own_words) if rows.echo else NO_ECHO,
    )


def _state_fields(
    rows: model.StateRows,
    state: str,
    *,
    case_id: Expression | None,
    reference: Expression | None = None,
    category: Expression | None = None,
    event_key: Expression | None = None,
    only_when: Expression | None = None,
    fails_when: Expression | None = None,
    echo: Echo = NO_ECHO,
) -> ChangeFields:
    answer = rows.answer
    return ChangeFields(
        state=parse(state),
        case_id=case_id,
        reference=reference,
        category=category,
        substate=_maybe(rows.substate),
        reason=_maybe(rows.reason),
        at=_maybe(rows.at),
        at_forms=rows.at_form or (ISO,),
        at_zone=ZoneInfo(rows.at_zone) if rows.at_zone else None,
        note=_maybe(rows.note),
        note_is_public=_maybe(rows.note_is_public),
        event_key=event_key,
        answer_text=_maybe(answer.text) if answer else None,
        answer_decision=_maybe(answer.decision) if answer else None,
        answer_responsible=_maybe(answer.responsible) if answer else None,
        only_when=only_when,
        fails_when=fails_when,
        echo=echo,
    )


def _maybe(text: str | None) -> Expression | None:
    return parse(text) if text is not None else None
