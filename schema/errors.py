"""What a person can mend, as data: the types in the `errors` of every payload."""

from __future__ import annotations

from collections.abc import Iterable

import strawberry

from domain.problem import Problem
from schema.context import Context


@strawberry.interface(description="Something about the input that the person can mend.")
class UserError:
    message: str = strawberry.field(
        description="What is wrong and what to do, in the person's language (Accept-Language)."
    )
    code: str = strawberry.field(description="A stable name of the problem, for programs.")
    path: list[str] = strawberry.field(description="Which field of the input it is about, from the outside in.")


@strawberry.type(description="A field of the input cannot be taken as it is.")
class InvalidInput(UserError):
    pass


@strawberry.type(description="What the input names does not exist, or is not yours. Which of the two, is not said.")
class NotFound(UserError):
    pass


@strawberry.type(description="The idempotency key was used before, with other words. Use a new key for a new message.")
class IdempotencyKeyReused(UserError):
    reference: str = strawberry.field(description="The number of your message that the key belongs to.")


def invalid(context: Context, problems: Iterable[Problem]) -> list[InvalidInput]:
    """The domain's problems in the viewer's language."""
    return [InvalidInput(message=context.say(one), code=one.code, path=list(one.path)) for one in problems]


def not_found(context: Context, path: str) -> NotFound:
    problem = Problem(
        "NOT_FOUND",
        (path,),
        "Среди ваших такого нет. Проверьте значение поля.",
        "There is no such thing among yours. Check the value of the field.",
    )
    return NotFound(message=context.say(problem), code=problem.code, path=[path])
