"""The sending parts of an agency file, compiled: rows with their limits, steps and what their replies mean, tables, texts.

Promises: a file that passed the checks builds; nothing is read from the network, the database or the environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from adapters.expressions import Expression, parse
from adapters.plan import LookUpStep
from adapters.plan_sending import (
    NO_BOUNDS,
    AttachmentLimits,
    AttachmentsGo,
    Bounds,
    EachField,
    FaultRule,
    Field,
    FileFields,
    NamedStep,
    Reading,
    ResendRule,
    Row,
    Sending,
    TableStep,
    Verdict,
    WriteStep,
)
from adapters.texts import TextRules
from agencies import model, model_sending
from domain.outcome import WhenAnswerIsLost

PATH_EXPRESSION = re.compile(r"\{([^{}]*)\}")
_LINE_ENDS = {"lf": "\n", "crlf": "\r\n", "space": " "}
# A condition that speaks of trouble counts before one that speaks of success.
_ORDER = (Verdict.ALREADY_THERE, Verdict.REFUSED, Verdict.TRY_LATER, Verdict.ACCEPTED)


def write_step(file: model.AgencyFile, step: model_sending.Writes, *, needs_all_kept: bool = False) -> WriteStep:
    """A step that changes something."""
    lost = getattr(step, "when_answer_is_lost", None)
    safe = isinstance(step, model_sending.NamedStep) and step.reads_only
    return WriteStep(
        sending=sending(step, safe=safe),
        reading=_reading(file, step.answer, needs_all_kept=needs_all_kept),
        when_answer_is_lost=WhenAnswerIsLost(lost) if lost is not None else WhenAnswerIsLost.RESEND,
        resend_once=tuple(
            ResendRule(parse(rule.when), tuple(rows(rule.with_)), frozenset(rule.without)) for rule in step.resend_once
        ),
        before=named_steps(file, getattr(step, "before", ())),
    )


def maybe_write_step(file: model.AgencyFile, step: model_sending.Writes | None) -> WriteStep | None:
    return None if step is None else write_step(file, step)


def named_steps(file: model.AgencyFile, steps: Iterable[model_sending.NamedStep]) -> tuple[NamedStep, ...]:
    """The steps of `before` or `then`, in their order."""
    return tuple(
        NamedStep(step.name, write_step(file, step), maybe(step.when), step.if_it_fails == "go-on") for step in steps
    )


def _reading(file: model.AgencyFile, answer: model_sending.Answer, *, needs_all_kept: bool) -> Reading:
    rules = answer.outcome
    conditions = ((verdict, getattr(rules, f"{verdict.value}_when")) for verdict in _ORDER)
    return Reading(
        outcome_from=maybe(rules.from_),
        verdicts={code: verdict for verdict in Verdict for code in getattr(rules, verdict.value)},
        case_id=maybe(answer.case_id),
        code=maybe(answer.code),
        faults=tuple(
            FaultRule(Verdict(rule.means), rule.code, rule.text) for rule in (*answer.faults, *file.connection.faults)
        ),
        when=tuple((verdict, parse(text)) for verdict, text in conditions if text is not None),
        also_known_as={name: parse(text) for name, text in answer.also_known_as.items()},
        keep={name: parse(text) for name, text in answer.keep.items()},
        needs_all_kept=needs_all_kept,
        case_id_later=answer.case_id_comes == "later",
    )


def sending(step: model_sending.Sends, *, safe: bool) -> Sending:
    """How one call is written."""
    operation, path = request_line(step.request) if step.request else (step.operation or "", ())
    return Sending(
        operation=operation,
        body=tuple(rows(step.send)),
        path=path,
        query=tuple(_flat(step.query)),
        headers=tuple(_flat(step.headers)),
        form=tuple(_flat(step.form)),
        files=tuple(
            FileFields(row.field or "", parse(row.name), parse(row.media_type), parse(row.content), maybe(row.each))
            for row in step.files
        ),
        safe=safe,
    )


def request_line(text: str) -> tuple[str, tuple[Field, ...]]:
    """`POST /requests/{case.id}/files` as a template of plain names and the expressions they stand for."""
    found: list[Field] = []

    def name(match: re.Match[str]) -> str:
        found.append(Field((f"v{len(found)}",), parse(match.group(1))))
        return f"{{{found[-1].name}}}"

    template = PATH_EXPRESSION.sub(name, text)
    return template, tuple(found)


def rows(written: Mapping[str, model_sending.SendRow]) -> Iterator[Row]:
    """The rows of `send`, in their order."""
    for name, row in written.items():
        to = tuple(name.split("."))
        if isinstance(row, model_sending.EachRow):
            inner, value = tuple(rows(row.send)), maybe(row.value)
            yield EachField(to, parse(row.each), inner, value, row.at_most, row.when_empty == "send-empty")
        else:
            yield _field(to, row)


def _flat(written: Mapping[str, str] | Mapping[str, str | model_sending.BoundedRow]) -> Iterator[Field]:
    for name, row in written.items():
        yield _field((name,), row)


def _field(to: tuple[str, ...], row: str | model_sending.BoundedRow) -> Field:
    if isinstance(row, str):
        return Field(to, parse(row), NO_BOUNDS)
    bounds = Bounds(row.max_chars, row.max_bytes, maybe(row.when_cut), row.when_empty == "send-empty")
    return Field(to, parse(row.value), bounds)


def maybe(text: str | None) -> Expression | None:
    return parse(text) if text is not None else None


def limits(file: model.AgencyFile) -> AttachmentLimits:
    """What the agency takes, from the step that carries the bytes."""
    carrying = file.upload or file.attachment
    said = carrying.limits if carrying is not None else file.submit.limits
    if said is None:
        return AttachmentLimits()
    types = frozenset(said.media_types) if said.media_types is not None else None
    return AttachmentLimits(
        said.max_bytes, types, said.at_most, said.max_bytes_in_all, said.shrink_photos, said.link_lives
    )


def attachments_go(file: model.AgencyFile) -> AttachmentsGo:
    """How attachments reach the agency: the steps that are there say it."""
    if file.attachment is not None:
        return AttachmentsGo.AFTER if file.upload is None else AttachmentsGo.UPLOADED_AFTER
    if file.upload is not None:
        return AttachmentsGo.UPLOADED_BEFORE
    return AttachmentsGo.INSIDE if _names_attachments(sending(file.submit, safe=False)) else AttachmentsGo.NOT


def _names_attachments(call: Sending) -> bool:
    uses = [path.steps for expression in _expressions(call) for path in expression.paths]
    return any(steps[:2] == ("message", "attachments") for steps in uses)


def _expressions(call: Sending) -> Iterator[Expression]:
    for file in call.files:
        yield file.each or file.content
    for row in (*call.body, *call.form, *call.query, *call.headers):
        yield from _of_row(row)


def _of_row(row: Row) -> Iterator[Expression]:
    if isinstance(row, Field):
        yield row.value
        return
    yield row.each
    for inner in row.body:
        yield from _of_row(inner)


def look_up(step: model_sending.LookUp) -> LookUpStep:
    """How a message whose answer was lost is found."""
    answer = step.answer
    return LookUpStep(
        sending=sending(step, safe=True),
        settles_within_s=step.settles_within,
        each=parse(answer.each),
        case_id=parse(answer.case_id),
        reference=maybe(answer.reference),
        reference_inside=maybe(answer.reference_inside),
        ours_when=maybe(answer.ours_when),
        also_known_as={name: parse(text) for name, text in answer.also_known_as.items()},
    )


def fetched_tables(file: model.AgencyFile) -> tuple[TableStep, ...]:
    """The tables that are fetched from the agency."""
    return tuple(
        TableStep(
            name,
            sending(table, safe=True),
            table.every,
            parse(table.each),
            parse(table.ours),
            parse(table.theirs),
            table.may_lose,
        )
        for name, table in file.fetched_tables.items()
    )


def text_rules(said: model_sending.TextRules | None) -> TextRules | None:
    """What every text goes through."""
    if said is None:
        return None
    return TextRules(
        charset=said.charset,
        cannot_hold=said.cannot_hold.replace("-", "_"),
        replacement=said.replacement,
        line_ends=_LINE_ENDS[said.line_ends],
        straight_quotes=said.quotes == "straight",
        no_emoji=said.emoji == "leave-out",
        says=dict(said.says),
        hide=frozenset(said.hide),
    )


def sent_rows(written: Mapping[str, model_sending.SendRow]) -> Iterator[tuple[str, str]]:
    """Every value that rows send: the last name of its place, and its expression."""
    for name, row in written.items():
        last = name.split(".")[-1]
        if isinstance(row, str):
            yield last, row
        elif isinstance(row, model_sending.BoundedRow):
            yield last, row.value
        else:
            yield from sent_rows(row.send)
            if row.value is not None:
                yield last, row.value
