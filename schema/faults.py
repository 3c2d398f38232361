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


def argument_null(argument: str) -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(f"Аргумент {argument} не может быть null.", f"The argument {argument} must not be null."),
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


def cursor_of_other_order(argument: str) -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            f"Курсор в аргументе {argument} взят из списка с другим порядком. Начните без него или верните прежний orderBy.",
            f"The cursor in the argument {argument} was made under another order. Begin without it, or give the `orderBy` it came from.",
        ),
    )


def list_empty(path: str) -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            f"Список {path} пуст, ему ничего не соответствует. Уберите его или назовите хотя бы одно значение.",
            f"The list {path} is empty, which nothing can match. Leave it out, or name at least one value.",
        ),
    )


def list_too_long(path: str, most: int) -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            f"В списке {path} может быть не больше {most} значений.", f"The list {path} takes at most {most} values."
        ),
    )


def filter_too_large(depth: int, conditions: int) -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            f"Фильтр слишком велик: не больше {conditions} условий и не глубже {depth} уровней any и none.",
            f"The filter is too large: at most {conditions} conditions, and `any` and `none` at most {depth} levels deep.",
        ),
    )


def filter_not_possible(path: str, russian: str, english: str) -> Fault:
    """A value of a filter that cannot be looked for; the texts say why and what to do."""
    return Fault(Code.BAD_REQUEST, Bilingual(f"Условие {path}: {russian}", f"The condition {path}: {english}"))


def filter_not_yours(path: str) -> Fault:
    """The same whatever the value."""
    return Fault(
        Code.FORBIDDEN,
        Bilingual(
            f"Условие {path} доступно тем, кому роль разрешает видеть авторов сообщений. Уберите его.",
            f"The condition {path} is for those whose role may see who wrote a message. Leave it out.",
        ),
    )


def priority_not_yours() -> Fault:
    """For whoever may see a message and not work on it, and the same for whoever works nowhere."""
    return Fault(
        Code.FORBIDDEN,
        Bilingual(
            "Срочность назначают сотрудники организации, у которой сообщение. Обратитесь к ним или дополните сообщение (addComment).",
            "How urgent a message is, the people of the organisation that has it decide. Ask them, or add to it (`addComment`).",
        ),
    )


def order_not_possible(argument: str, most: int) -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            f"В {argument} укажите от 1 до {most} полей, каждое один раз, или не указывайте его.",
            f"Give {argument} 1 to {most} fields, each once, or leave it out.",
        ),
    )


def order_needs(argument: str, name: str, condition: str) -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            f"Порядок {name} в {argument} возможен только вместе с условием {condition} на верхнем уровне фильтра.",
            f"The order {name} in {argument} needs the condition `{condition}` at the top of the filter.",
        ),
    )


def newest_not_possible(argument: str, most: int) -> Fault:
    return Fault(
        Code.BAD_REQUEST,
        Bilingual(
            f"Аргумент {argument} — целое число от 1 до {most}.",
            f"The argument {argument} is a whole number from 1 to {most}.",
        ),
    )
