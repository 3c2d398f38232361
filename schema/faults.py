"""Top-level errors: what a client did wrong or must wait for, under one of nine codes. What a person can mend is data in a payload instead.

Everything else that goes wrong is INTERNAL: `schema/extensions/masking.py` hides its text.
"""

from __future__ import annotations

from enum import StrEnum

from graphql import GraphQLError

from domain.bilingual import Bilingual


class Code(StrEnum):
    """The values of `extensions.code`."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    BAD_REQUEST = "BAD_REQUEST"
    DOCUMENT_UNKNOWN = "DOCUMENT_UNKNOWN"
    TOO_COSTLY = "TOO_COSTLY"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    UNAVAILABLE = "UNAVAILABLE"
    CONFLICT = "CONFLICT"
    INTERNAL = "INTERNAL"


class Fault(GraphQLError):
    """An error whose text a client may read. `problem` names the kind more closely where a code alone is too wide."""

    def __init__(self, code: Code, words: Bilingual, *, problem: str | None = None) -> None:
        extensions = {"code": code.value} if problem is None else {"code": code.value, "problem": problem}
        super().__init__(words.en, extensions=extensions)
        self.words = words


def sign_in_needed() -> Fault:
    return Fault(
        Code.UNAUTHENTICATED,
        Bilingual(
            "Войдите, чтобы продолжить: запросу нужен заголовок Authorization: Bearer <токен>.",
            "Sign in to go on: the request needs a header Authorization: Bearer <token>.",
        ),
    )


def message_not_found() -> Fault:
    """The same for a message that does not exist and for one of somebody else."""
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            "Среди ваших сообщений такого нет. Проверьте номер в поле reference.",
            "There is no such message among yours. Check the number in `reference`.",
        ),
        problem="NOT_FOUND",
    )


def not_storable(argument: str) -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            f"В аргументе {argument} есть знаки, которых не бывает в тексте. Удалите их.",
            f"The argument {argument} holds characters that no text has. Remove them.",
        ),
    )


def cursor_not_ours(argument: str) -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            f"Курсор в аргументе {argument} не читается. Возьмите его из pageInfo этого же списка или не указывайте.",
            f"The cursor in the argument {argument} cannot be read. Take it from pageInfo of the same list, or leave it out.",
        ),
    )


def page_not_possible(most: int) -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            f"Укажите либо first, либо last: целое число от 1 до {most}.",
            f"Give either first or last: a whole number from 1 to {most}.",
        ),
    )
