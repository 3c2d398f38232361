"""Errors as clients may see them: a code, a text without secrets, and for our own faults a reference to the log line.

Promises: the text of an unexpected exception leaves the process neither in the answer nor in the log, because drivers quote values in it (P9);
what is logged is the kind of exception and where it was raised.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
from graphql import GraphQLError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from domain.bilingual import Bilingual
from schema.context import LanguageCode
from schema.faults import Code, Fault

log = logging.getLogger(__name__)

_AWAY = (
    OperationalError,
    InterfaceError,
    PoolTimeout,
    psycopg.OperationalError,
    psycopg.InterfaceError,
    OSError,
    TimeoutError,
)
_FOR_THE_DOOR = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)
"""Errors of the request itself, which the gateway answers."""
_UNAVAILABLE = Bilingual(
    "Сервис временно недоступен. Повторите через несколько секунд.",
    "The service is unavailable for the moment. Try again in a few seconds.",
)
_TOO_DEEP = Bilingual(
    "Запрос вложен слишком глубоко. Упростите его.", "The operation is nested too deeply. Simplify it."
)
_INTERNAL = Bilingual(
    "Произошла ошибка на нашей стороне. Повторите позже; обращаясь в поддержку, назовите номер {reference}.",
    "Something went wrong on our side. Try again later; when you ask for help, name the number {reference}.",
)


# GraphQL's own words end with what exists instead: names that a caller may not be meant to learn.
_SUGGESTION = re.compile(r" Did you mean [^?]{1,2000}\?$")


class MaskErrors(SchemaExtension):
    """Gives every error of every result its code and its public text."""

    _streams = False

    def on_operation(self) -> Iterator[None]:
        try:
            yield
        except _FOR_THE_DOOR:
            raise
        except Exception as error:  # noqa: BLE001 - whatever was raised around the execution would leave with its text
            raise self._public(GraphQLError("", original_error=error)) from None
        if not self._streams:
            self._mask(self.execution_context.result)

    def on_stream_result(self, result: Any) -> Iterator[None]:  # noqa: ANN401 - one of three result classes of Strawberry
        self._streams = True
        self._mask(result)
        yield

    def _mask(self, result: Any) -> None:  # noqa: ANN401 - the same
        errors = getattr(result, "errors", None)
        if errors:
            result.errors = [self._public(error) for error in errors]

    def _public(self, error: GraphQLError) -> GraphQLError:
        context = self.execution_context
        documents = getattr(context.schema, "documents", None)
        suggestions = documents is None or documents.policy.suggestions
        return public_error(error, getattr(context.context, "language", "en"), suggestions=suggestions)


def public_error(error: GraphQLError, language: LanguageCode, *, suggestions: bool = True) -> GraphQLError:
    """An error as its client may see it. Our own faults are logged here, under the reference that the text names."""

    def say(words: Bilingual) -> str:
        return words.ru if language == "ru" else words.en

    cause = error if error.original_error is None else error.original_error
    if isinstance(cause, Fault):
        return _answer(error, say(cause.words), dict(cause.extensions or {}))
    if isinstance(cause, GraphQLError):
        # GraphQL's own words about the document or its variables point at nodes or at the source. An error
        # without either was made while our data was written out: that is a fault of ours.
        if cause.nodes or cause.source or error.path is None:
            # The outer words name the variable or the argument, the inner ones only what is wrong with it.
            words = error.message or cause.message
            text = words if suggestions else _SUGGESTION.sub("", words)
            return _answer(error, text, {"code": Code.BAD_REQUEST.value})
    elif isinstance(cause, RecursionError):
        return _answer(error, say(_TOO_DEEP), {"code": Code.TOO_COSTLY.value})
    elif isinstance(cause, _AWAY):
        log.warning("an operation found the database away: %s", type(cause).__name__)
        return _answer(error, say(_UNAVAILABLE), {"code": Code.UNAVAILABLE.value})
    reference = _logged(cause)
    text = say(_INTERNAL).format(reference=reference)
    return _answer(error, text, {"code": Code.INTERNAL.value, "reference": reference})


def _logged(cause: Exception) -> str:
    """The reference under which the log says what broke and where, without its text."""
    reference = str(uuid4())
    where = " < ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in reversed(traceback.extract_tb(cause.__traceback__)[-6:])
    )
    log.error("an operation failed: reference=%s kind=%s at=%s", reference, type(cause).__name__, where)
    return reference


def _answer(error: GraphQLError, text: str, extensions: dict[str, Any]) -> GraphQLError:
    """The same place in the document and the answer, with other words and without the cause."""
    return GraphQLError(
        text, nodes=error.nodes, source=error.source, positions=error.positions, path=error.path, extensions=extensions
    )
