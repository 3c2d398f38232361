"""What a rule gets to see, and where the expressions of a file stand.

Promises: every expression of the file is visited once, with the path it is written at and the names it may use.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from adapters import context
from agencies import model
from agencies.build import PATH_EXPRESSION
from agencies.source import Path, Source

Names: TypeAlias = "Mapping[str, Mapping[str, str] | None]"
"""Root name → the names below it with their descriptions; None where anything may stand below."""


@dataclass(frozen=True)
class Subject:
    """One agency file under judgement. `folder` is the one it stands in; `categories` None means: do not judge categories."""

    source: Source
    file: model.AgencyFile
    folder: pathlib.Path
    categories: frozenset[str] | None = None

    def places(self) -> Iterator[Place]:
        """Every expression of the file."""
        yield from _places(self.file)


@dataclass(frozen=True, slots=True)
class Place:
    """One expression: where it stands, its text, and what it may name. `of_reply`: any other root is a field of the reply."""

    path: Path
    text: str
    names: Names
    of_reply: bool = False

    @property
    def step(self) -> str:
        """The top key it stands under: `submit`, `status`, …"""
        return str(self.path[0])


_MESSAGE: Names = {"message": context.described(context.MessageContext), "person": context.PERSON}
_CASE: Names = {**_MESSAGE, "case": context.CASE}
_ASK: Names = {"case": context.CASE}
_ATTACHMENT: Names = {**_CASE, "item": context.described(context.AttachmentContext)}
_POLL: Names = {"poll": context.POLL}
_REPLY: Names = {"http": context.HTTP, "fault": context.FAULT, "reply": None}
_ITEM: Names = {"item": None}


def _places(file: model.AgencyFile) -> Iterator[Place]:
    steps: tuple[tuple[str, model.Submit | model.Attachment | model.Withdraw | None, Names], ...] = (
        ("submit", file.submit, _MESSAGE),
        ("attachment", file.attachment, _ATTACHMENT),
        ("withdraw", file.withdraw, _CASE),
    )
    for name, step, names in steps:
        if step is not None:
            yield from _sent((name,), step, names)
            yield from _answer((name, "answer"), step.answer)
    if file.look_up is not None:
        yield from _sent(("look_up",), file.look_up, _MESSAGE)
        answer = file.look_up.answer
        yield Place(("look_up", "answer", "each"), answer.each, _REPLY, of_reply=True)
        yield Place(("look_up", "answer", "case_id"), answer.case_id, {**_REPLY, **_ITEM}, of_reply=True)
        yield Place(("look_up", "answer", "reference"), answer.reference, {**_REPLY, **_ITEM}, of_reply=True)
    if file.ask is not None:
        yield from _sent(("ask",), file.ask, _ASK)
        for name in model.AskAnswer.model_fields:
            text = getattr(file.ask.answer, name)
            if text is not None:
                yield Place(("ask", "answer", name), text, _REPLY, of_reply=True)
    if file.status is not None:
        yield from _status(file.status)


def _sent(at: Path, step: model.Sends, names: Names) -> Iterator[Place]:
    for match in PATH_EXPRESSION.finditer(step.request or ""):
        yield Place((*at, "request"), match.group(1), names)
    tables = ["send", "query", "headers"] + (["form"] if isinstance(step, model.Attachment) else [])
    for table in tables:
        for row, text in getattr(step, table).items():
            yield Place((*at, table, row), text, names)
    if isinstance(step, model.Attachment):
        for number, row in enumerate(step.files):
            for name in ("name", "media_type", "content"):
                yield Place((*at, "files", number, name), getattr(row, name), names)


def _answer(at: Path, answer: model.Answer) -> Iterator[Place]:
    yield Place((*at, "outcome", "from"), answer.outcome.from_, _REPLY, of_reply=True)
    for name in ("case_id", "code"):
        text = getattr(answer, name)
        if text is not None:
            yield Place((*at, name), text, _REPLY, of_reply=True)


def _status(status: model.Status) -> Iterator[Place]:
    if status.poll is not None:
        at: Path = ("status", "poll")
        yield from _sent(at, status.poll, _POLL)
        yield Place((*at, "each"), status.poll.each, _REPLY, of_reply=True)
        if status.poll.cursor is not None:
            yield Place((*at, "cursor", "next"), status.poll.cursor.next, _REPLY, of_reply=True)
            if status.poll.cursor.has_more is not None:
                yield Place((*at, "cursor", "has_more"), status.poll.cursor.has_more, _REPLY, of_reply=True)
        yield from _rows(at, status.poll)
    if status.webhook is not None:
        if status.webhook.each is not None:
            yield Place(("status", "webhook", "each"), status.webhook.each, _REPLY, of_reply=True)
        yield from _rows(("status", "webhook"), status.webhook)


def _rows(at: Path, rows: model.ChangeRows) -> Iterator[Place]:
    for name in ("case_id", "state", "at", "note", "note_is_public", "event_key"):
        text = getattr(rows, name)
        if text is not None:
            yield Place((*at, name), text, _ITEM)
    if rows.answer is not None:
        for name in ("text", "decision", "responsible"):
            text = getattr(rows.answer, name)
            if text is not None:
                yield Place((*at, "answer", name), text, _ITEM)
