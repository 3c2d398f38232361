"""What a condition of the file comes to, where systems say yes and no in many ways.

Promises: what is missing, empty, `false`, `0` or `no` is no, as a JSON or an XML says it, and whatever else is there is yes; whether a remark
may be read by citizens is yes only for a plain `true`, so that nothing becomes public by a misunderstanding.
"""

from __future__ import annotations

from adapters.context import Scope
from adapters.expressions import Expression
from adapters.functions import Words

_NO = frozenset({"", "false", "0", "no"})


def holds(condition: Expression | None, scope: Scope, words: Words, *, without: bool = False) -> bool:
    """Whether a condition holds; `without` is the answer where the file has none. Raises ExpressionFailed."""
    if condition is None:
        return without
    value = condition.evaluate(scope, words)
    return value.strip().casefold() not in _NO if isinstance(value, str) else bool(value)


def plainly(condition: Expression | None, scope: Scope, words: Words) -> bool:
    """Whether a condition is `true` and nothing less. Raises ExpressionFailed."""
    value = condition.evaluate(scope, words) if condition is not None else None
    return value is True or (isinstance(value, str) and value.strip().casefold() == "true")
