"""Which of our values an agency's field probably wants, by the field's name. A guess is written as a guess, never silently."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agencies.open_questions import SIGN

_WORDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("externalid", "external_id", "reference", "extid", "sourceid", "clientid", "requestid"), "message.reference"),
    (("subject", "title", "summary", "shorttext", "topic"), "message.subject | shorten(120)"),
    (("description", "text", "body", "content", "details", "message"), "message.text | shorten(4000)"),
    (
        ("servicecode", "kind", "category", "categoryid", "type", "typeid", "theme"),
        'message.category | translate("kinds")',
    ),
    (("lat", "latitude"), "message.latitude"),
    (("lon", "lng", "long", "longitude"), "message.longitude"),
    (("address", "addressstring", "location", "place"), "message.address | one_line"),
    (("oktmo", "territory", "district", "municipality"), "message.territory"),
    (
        ("createdat", "created", "receivedat", "date", "datetime", "time", "registeredat"),
        "message.received_at | {time}",
    ),
    (("photocount", "attachmentscount", "filecount"), "message.attachments_count"),
    (("channel", "source"), "message.channel"),
)
_OF_CASE = ("casenumber", "caseid", "requestid", "servicerequestid", "number", "ticketid", "issueid", "id")
_OF_RESULT = ("code", "resultcode", "errorcode", "statuscode", "result", "status", "success")
_MAKING = ("create", "submit", "register", "add", "new", "insert", "post", "send", "make")
_NOT_MAKING = ("comment", "file", "photo", "attachment", "user", "token", "login")
_OF_ADDRESS = ("message.address",)


def value_of(name: str, *, required: bool, time: str) -> tuple[str, bool]:
    """An expression for a field and whether it is a guess; else the question. `time` is the filter that writes a time here."""
    plain = _plain(name.rsplit(".", maxsplit=1)[-1])
    for words, expression in _WORDS:
        if plain in words:
            text = expression.format(time=time) if "{time}" in expression else expression
            may_lack = any(one in text for one in ("address", "latitude", "longitude", "territory"))
            return (f'{text} | default("-")' if required and may_lack else text), True
    return f"{SIGN} what goes into {name}", False


def case_id_among(names: Iterable[str]) -> str | None:
    """The field of a reply that probably holds the number of the case."""
    return _first_of(_OF_CASE, names)


def result_among(names: Iterable[str]) -> str | None:
    """The field of a reply that probably says how it went."""
    return _first_of(_OF_RESULT, names)


def making_among(names: Iterable[str]) -> str | None:
    """The operation that probably makes a case."""
    known = list(names)
    for word in _MAKING:
        for name in known:
            if _plain(name).startswith(word) and not any(other in _plain(name) for other in _NOT_MAKING):
                return name
    return None


def _first_of(words: tuple[str, ...], names: Iterable[str]) -> str | None:
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(_plain(name.split(".")[-1]), name)
    return next((by_plain[word] for word in words if word in by_plain), None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
