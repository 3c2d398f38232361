"""Strawberry's decorators with types: the originals return Any, which would leave every decorated field unchecked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry

from schema.plan.declare import Shown, shows

_Declared = TypeVar("_Declared", bound=Callable[..., Any])


def field(description: str, shown: Shown | None = None) -> Callable[[_Declared], _Declared]:
    """A field with arguments. With `shown` the plan answers it and the body is never run."""
    metadata = None if shown is None else shows(shown)
    return cast("Callable[[_Declared], _Declared]", strawberry.field(description=description, metadata=metadata))


def mutation(description: str) -> Callable[[_Declared], _Declared]:
    return cast("Callable[[_Declared], _Declared]", strawberry.mutation(description=description))


def subscription(description: str) -> Callable[[_Declared], _Declared]:
    return cast("Callable[[_Declared], _Declared]", strawberry.subscription(description=description))
