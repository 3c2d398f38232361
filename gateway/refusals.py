"""What the door says when it does not let a request through: one JSON shape for every path, in the caller's language.

A refusal says what to do and never repeats what was sent: it may end up in a log or a bug report (P9). `code` is one
of the nine of the schema's top-level errors, so that a frontend handles the door and the schema alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

from starlette.responses import Response

from schema.context import LanguageCode as Language
from schema.faults import Code, Fault

__all__ = ["Code", "Language", "Refusal", "as_refusal", "bad_request", "internal", "preferred_language"]


class Refusal(Exception):
    """A request that goes no further. `status` is the HTTP status."""

    def __init__(
        self,
        status: int,
        code: Code,
        ru: str,
        en: str,
        headers: Mapping[str, str] | None = None,
        problem: str | None = None,
    ) -> None:
        """`problem` is a second, finer code, as in the schema's faults."""
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.ru = ru
        self.en = en
        self.headers = dict(headers or {})
        self.problem = problem

    def text(self, language: Language) -> str:
        return self.ru if language == "ru" else self.en

    def error(self, language: Language) -> dict[str, object]:
        """One entry of a GraphQL `errors` list. Who must wait is told how long here too: sockets have no headers."""
        extensions: dict[str, object] = {"code": self.code}
        if self.problem is not None:
            extensions["problem"] = self.problem
        if "retry-after" in self.headers:
            extensions["retryAfterS"] = int(self.headers["retry-after"])
        return {"message": self.text(language), "extensions": extensions}

    def response(self, language: Language, media: str = "application/json") -> Response:
        return Response(
            json.dumps({"errors": [self.error(language)]}, ensure_ascii=False),
            status_code=self.status,
            headers={**self.headers, "cache-control": "no-store"},
            # The charset is named because older clients guess it.
            media_type=f"{media}; charset=utf-8",
        )


def bad_request(ru: str, en: str, status: int = 400) -> Refusal:
    """A request that is wrong in itself: the same again will be refused again."""
    return Refusal(status, Code.BAD_REQUEST, ru, en)


def as_refusal(fault: Fault) -> Refusal:
    """What the schema says against a request before any of it is run."""
    extensions = fault.extensions or {}
    return Refusal(400, Code(extensions["code"]), fault.words.ru, fault.words.en, problem=extensions.get("problem"))


def internal(reference: str) -> Refusal:
    """Something of ours broke. The reference is all that leaves; the log has the rest."""
    return Refusal(
        500,
        Code.INTERNAL,
        f"Внутренняя ошибка. Повторите позже; если повторится, сообщите нам номер {reference}.",
        f"An internal error. Try again later; if it happens again, tell us the reference {reference}.",
    )


@lru_cache(maxsize=256)
def preferred_language(accept_language: str) -> Language:
    """Russian unless the caller prefers English: the better weighted of the two in an Accept-Language header."""
    weights = {"ru": 0.0, "en": 0.0}
    for part in accept_language[:200].split(","):
        name, _, rest = part.strip().partition(";")
        language = name.strip().lower().partition("-")[0]
        if language in weights:
            weights[language] = max(weights[language], _weight(rest))
    return "en" if weights["en"] > weights["ru"] else "ru"


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
