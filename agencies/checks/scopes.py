"""Which names an expression may use, by the place it stands at.

Promises: a place that no row describes is not judged (its names may be anything), so a new part of the language works
before its row is here; the rows are read from the top and the first that fits counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from adapters import context
from agencies import model
from agencies.source import Path

Names: TypeAlias = "Mapping[str, Mapping[str, str] | None]"
"""Root name → the names below it with their descriptions; None where anything may stand below."""


@dataclass(frozen=True, slots=True)
class Scope:
    """`names` are the known roots; with `of_reply` every other root is a field of the reply."""

    names: Names
    of_reply: bool = False


_MESSAGE: Names = {
    "message": context.described(context.MessageContext),
    "person": context.PERSON,
    "our": context.OUR,
    "steps": {},
    "now": None,
}
_CASE: Names = {**_MESSAGE, "case": context.CASE}
_ASK: Names = {"case": context.CASE}
_ATTACHMENT: Names = {**_CASE, "item": context.described(context.AttachmentContext)}
_POLL: Names = {"poll": context.POLL}
_REPLY: Names = {"http": context.HTTP, "fault": context.FAULT, "reply": None}
_ITEM: Names = {"item": None}

_ROWS = (
    "case_id", "reference", "state", "substate", "reason", "at", "note", "note_is_public", "event_key", "answer", "only_when",
    "fails_when", "echo",
)  # fmt: skip

_OF_REPLY = Scope(_REPLY, of_reply=True)
_OF_WRITE = Scope({**_REPLY, "our": context.OUR, "steps": {}}, of_reply=True)
_OF_LOOK_UP = {**_REPLY, "our": context.described(context.MessageContext), "steps": {}}


def _writing(at: tuple[str, ...], names: Names) -> Iterator[tuple[tuple[str, ...], Scope]]:
    """The places of a step that changes something; inside `each` an item has names of its own."""
    in_each = Scope({**names, "item": None, "number": None})
    yield (*at, "answer", "**"), _OF_WRITE
    yield (*at, "resend_once", "*", "when"), _OF_WRITE
    if len(at) == 1:
        yield (*at, "resend_once", "**"), in_each
        yield (*at, "send", "*", "send"), in_each
        yield (*at, "send", "*", "value"), in_each
    else:
        yield (*at, "resend_once", "**"), in_each
        yield (*at, "send", "**"), in_each
    if "item" not in names:
        yield (*at, "files", "**"), in_each
    yield (*at, "**"), Scope(names)


_WISHES: Mapping[str, Names] = {
    "withdraw": {},
    "add_comment": {"comment": context.COMMENT},
    "reopen": {"reopening": context.REOPENING},
    "set_priority": {"priority": context.PRIORITY},
}
_SENT = ("send", "query", "headers", "request", "form")

SCOPES: tuple[tuple[tuple[str, ...], Scope], ...] = (
    *_writing(("submit",), _MESSAGE),
    *_writing(("before", "*"), _MESSAGE),
    *_writing(("then", "*"), _CASE),
    *_writing(("upload",), _ATTACHMENT),
    *_writing(("attachment", "before", "*"), _CASE),
    *_writing(("attachment",), _ATTACHMENT),
    *(
        row
        for wish, names in _WISHES.items()
        for at in ((wish, "before", "*"), (wish,))
        for row in _writing(at, {**_CASE, **names})
    ),
    (("look_up", "answer", "each"), _OF_REPLY),
    (("look_up", "answer", "**"), Scope({**_OF_LOOK_UP, **_ITEM}, of_reply=True)),
    (("fetched_tables", "*", "each"), _OF_REPLY),
    (("fetched_tables", "*", "ours"), Scope({**_REPLY, **_ITEM}, of_reply=True)),
    (("fetched_tables", "*", "theirs"), Scope({**_REPLY, **_ITEM}, of_reply=True)),
    (("fetched_tables", "**"), Scope({})),
    (("look_up", "**"), Scope(_MESSAGE)),
    (("ask", "answer", "**"), _OF_REPLY),
    (("ask", "**"), Scope(_ASK)),
    *(
        row
        for feed in (("status", "poll"), ("status", "also_poll", "*"))
        for row in (
            *(((*feed, key, "**"), _OF_REPLY) for key in ("each", "cursor", "pages")),
            *(((*feed, table, "**"), Scope(_POLL)) for table in _SENT),
            *(((*feed, key, "**"), Scope(_ITEM)) for key in (*_ROWS, "then")),
            ((*feed, "acknowledge", "**"), Scope({**_REPLY, **_ITEM, "items": None}, of_reply=True)),
        )
    ),
    *(
        row
        for login in (("connection", "security"), ("connection", "security", "*"))
        for row in (
            *(((*login, key), _OF_REPLY) for key in ("token", "expired_when")),
            *(((*login, table, "**"), Scope({})) for table in _SENT),
        )
    ),
    (("status", "webhook", "each"), _OF_REPLY),
    *((("status", "webhook", row, "**"), Scope(_ITEM)) for row in _ROWS),
)
"""`*` stands for one step of the path, `**` for the rest of it, also for nothing."""

NOT_JUDGED = Scope({}, of_reply=True)


def with_own_names(names: Names, file: model.AgencyFile, step: str) -> Names:
    """The names of a place under the top key `step` with those this file makes up: identifiers of cases, steps."""
    case = names.get("case")
    if case:
        others = (file.submit.answer.also_known_as, file.look_up.answer.also_known_as if file.look_up else {})
        names = {**names, "case": {**case, **{name: "another identifier" for one in others for name in one}}}
    if "steps" in names:
        steps = {"submit": "what the answer to `submit` kept"} if file.submit.answer.keep else {}
        steps |= {step.name: "what the answer to this step kept" for step in own_steps(file, step)}
        names = {**names, "steps": steps}
    return names


def own_steps(file: model.AgencyFile, step: str) -> tuple[model.NamedStep, ...]:
    """The steps of the file's own that a place under the top key `step` may look back at."""
    if step in _WISHES:
        return tuple(getattr(file, step).before)
    return (*file.before, *file.then, *(file.attachment.before if file.attachment and step == "attachment" else ()))


def scope_at(path: Path) -> Scope:
    """What may be named at a place."""
    # Rows of a table and items of a list are judged alike: a handful of places for all files.
    return _scope_at(tuple(str(step) for step in path[:4]))


@lru_cache(maxsize=10_000)
def _scope_at(path: tuple[str, ...]) -> Scope:
    return next((scope for pattern, scope in SCOPES if _fits(pattern, path)), NOT_JUDGED)


def _fits(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    if pattern[-1] == "**":
        pattern = pattern[:-1]
        path = path[: len(pattern)]
    return len(pattern) == len(path) and all(one in ("*", step) for one, step in zip(pattern, path, strict=True))
