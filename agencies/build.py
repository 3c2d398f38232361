"""From an agency file to the plan its adapter obeys: expressions parsed, names of rows split, words made codes.

Promises: a file that passed the checks builds; nothing is read from the network, the database or the environment (a
secret is asked for when it is needed and not before).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from zoneinfo import ZoneInfo

from adapters.adapter import Adapter
from adapters.expressions import Expression, parse
from adapters.functions import Words
from adapters.plan import (
    AgencyPlan,
    AskStep,
    AttachmentLimits,
    ChangeFields,
    CursorFields,
    FaultRule,
    Field,
    FileFields,
    LookUpStep,
    PollStep,
    Reading,
    Sending,
    Signature,
    Verdict,
    WebhookStep,
    WriteStep,
)
from agencies import model
from agencies.secrets import Reference
from domain.foreign_change import Meaning
from domain.outcome import WhenAnswerIsLost
from domain.status import Status

MEANINGS: Mapping[str, Status | Meaning] = {
    "registered": Status.REGISTERED,
    "in_progress": Status.IN_PROGRESS,
    "waiting_for_citizen": Status.WAITING_FOR_CITIZEN,
    "planned": Status.PLANNED,
    "answered": Status.ANSWERED,
    # An agency that declines closes without a solution; only people call a message solved.
    "declined": Status.CLOSED_UNSOLVED,
    "ignore": Meaning.IGNORE,
    "unchanged": Meaning.UNCHANGED,
    "unknown": Meaning.UNKNOWN,
}
PATH_EXPRESSION = re.compile(r"\{([^{}]*)\}")


def build_adapter(file: model.AgencyFile, secret: Callable[[str], str] | None = None) -> Adapter:
    """The adapter of a checked file. `secret` gives the value of a text with `${NAME}`; the environment's unless told."""
    reveal = secret or _from_environment
    status = file.status
    plan = AgencyPlan(
        code=file.agency.code,
        words=Words(ZoneInfo(file.agency.timezone), file.translate),
        submit=_write_step(file, file.submit),
        attachment=_write_step(file, file.attachment) if file.attachment else None,
        attachment_limits=_limits(file.attachment),
        withdraw=_write_step(file, file.withdraw) if file.withdraw else None,
        look_up=_look_up(file.look_up) if file.look_up else None,
        ask=_ask(file.ask) if file.ask else None,
        poll=_poll(status.poll) if status and status.poll else None,
        webhook=_webhook(status.webhook, status.poll, reveal) if status and status.webhook else None,
        means={theirs.strip(): MEANINGS[ours] for theirs, ours in status.means.items()} if status else {},
        safe_names=frozenset(_safe_names(file)),
    )
    return Adapter(plan)


def _from_environment(text: str) -> str:
    return Reference(text).resolved().reveal()


def _write_step(file: model.AgencyFile, step: model.Submit | model.Attachment | model.Withdraw) -> WriteStep:
    answer = step.answer
    return WriteStep(
        sending=_sending(step, safe=False),
        reading=Reading(
            outcome_from=parse(answer.outcome.from_),
            verdicts=dict(_verdicts(answer.outcome)),
            case_id=_maybe(answer.case_id),
            code=_maybe(answer.code),
            faults=tuple(
                FaultRule(Verdict(rule.means), rule.code, rule.text)
                for rule in (*answer.faults, *file.connection.faults)
            ),
        ),
        when_answer_is_lost=WhenAnswerIsLost(step.when_answer_is_lost),
    )


def _verdicts(rules: model.OutcomeRules) -> Iterator[tuple[str, Verdict]]:
    for verdict in Verdict:
        for code in getattr(rules, verdict.value):
            yield code, verdict


def _sending(step: model.Sends, *, safe: bool) -> Sending:
    form, files = (step.form, step.files) if isinstance(step, model.Attachment) else ({}, ())
    operation, path = request_line(step.request) if step.request else (step.operation or "", ())
    return Sending(
        operation=operation,
        body=tuple(Field(tuple(name.split(".")), parse(text)) for name, text in step.send.items()),
        path=path,
        query=_flat(step.query),
        headers=_flat(step.headers),
        form=_flat(form),
        files=tuple(FileFields(row.field, parse(row.name), parse(row.media_type), parse(row.content)) for row in files),
        safe=safe,
    )


def request_line(text: str) -> tuple[str, tuple[Field, ...]]:
    """`POST /requests/{case.id}/files` as a template of plain names and the expressions they stand for."""
    rows: list[Field] = []

    def name(match: re.Match[str]) -> str:
        rows.append(Field((f"v{len(rows)}",), parse(match.group(1))))
        return f"{{{rows[-1].name}}}"

    template = PATH_EXPRESSION.sub(name, text)
    return template, tuple(rows)


def _flat(rows: Mapping[str, str]) -> tuple[Field, ...]:
    return tuple(Field((name,), parse(text)) for name, text in rows.items())


def _maybe(text: str | None) -> Expression | None:
    return parse(text) if text is not None else None


def _limits(step: model.Attachment | None) -> AttachmentLimits:
    if step is None:
        return AttachmentLimits()
    types = frozenset(step.limits.media_types) if step.limits.media_types is not None else None
    return AttachmentLimits(step.limits.max_bytes, types, step.limits.at_most)


def _look_up(step: model.LookUp) -> LookUpStep:
    return LookUpStep(
        sending=_sending(step, safe=True),
        settles_within_s=step.settles_within,
        each=parse(step.answer.each),
        case_id=parse(step.answer.case_id),
        reference=parse(step.answer.reference),
    )


def _ask(step: model.Ask) -> AskStep:
    return AskStep(
        sending=_sending(step, safe=True),
        state=parse(step.answer.state),
        at=_maybe(step.answer.at),
        note=_maybe(step.answer.note),
        note_is_public=_maybe(step.answer.note_is_public),
        case_id=_maybe(step.answer.case_id),
    )


def _poll(poll: model.Poll) -> PollStep:
    cursor = CursorFields(parse(poll.cursor.next), _maybe(poll.cursor.has_more)) if poll.cursor else None
    return PollStep(
        sending=_sending(poll, safe=True),
        interval_s=poll.every,
        overlap_s=poll.overlap,
        reaches_back_s=poll.reaches_back,
        each=parse(poll.each),
        fields=_change(poll),
        cursor=cursor,
        page_size=poll.page_size,
    )


def _webhook(webhook: model.Webhook, poll: model.Poll | None, reveal: Callable[[str], str]) -> WebhookStep:
    rows: model.ChangeRows = webhook if webhook.has_rows or poll is None else poll
    signature = webhook.signature
    return WebhookStep(
        signature=Signature(
            header=signature.header,
            timestamp_header=signature.timestamp_header,
            prefix=signature.prefix,
            tolerance_s=signature.tolerance,
            secret=lambda: reveal(signature.secret),
        ),
        each=_maybe(webhook.each),
        fields=_change(rows),
    )


def _change(rows: model.ChangeRows) -> ChangeFields:
    if rows.case_id is None or rows.state is None:
        raise ValueError("the model lets no rows pass without `case_id` and `state`")
    answer = rows.answer
    return ChangeFields(
        case_id=parse(rows.case_id),
        state=parse(rows.state),
        at=_maybe(rows.at),
        note=_maybe(rows.note),
        note_is_public=_maybe(rows.note_is_public),
        event_key=_maybe(rows.event_key),
        answer_text=_maybe(answer.text) if answer else None,
        answer_decision=_maybe(answer.decision) if answer else None,
        answer_responsible=_maybe(answer.responsible) if answer else None,
    )


def _safe_names(file: model.AgencyFile) -> Iterator[str]:
    """Last names of the paths that hold codes and numbers, in what is sent and in what comes back."""
    for step in (file.submit, file.attachment, file.withdraw):
        if step is not None:
            yield from _ends(step.answer.outcome.from_, step.answer.case_id, step.answer.code)
    if file.look_up is not None:
        yield from _ends(file.look_up.answer.case_id, file.look_up.answer.reference)
    if file.status is not None:
        for rows in (file.status.poll, file.status.webhook):
            if rows is not None:
                yield from _ends(rows.case_id, rows.state, rows.event_key)
    for sends in (file.submit, file.attachment, file.withdraw, file.look_up):
        for name, text in sends.send.items() if sends is not None else ():
            if any(use.steps in _CODES_OF_OURS for use in parse(text).paths):
                yield name.split(".")[-1]


_CODES_OF_OURS = {("message", "reference"), ("message", "category"), ("case", "id")}


def _ends(*texts: str | None) -> Iterator[str]:
    for text in texts:
        for use in parse(text).paths if text is not None else ():
            if use.steps[0] not in ("http", "fault") and isinstance(use.steps[-1], str):
                yield use.steps[-1]
