"""Secrets of agency files: written as `${NAME}` in the file, kept in the environment, shown nowhere.

Promises: a file holds names and never values; an unset name is reported by its name before anything is called; the
text of a `Reference` or a `Secret` never holds a value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

NAME = r"[A-Z][A-Z0-9_]*"
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")


class UnsetVariable(Exception):
    """A variable that an agency file names is not set in the environment."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the environment variable {name} is not set; set it, or write another name in the agency's file"
        )
        self.name = name


@dataclass(frozen=True, slots=True)
class Reference:
    """A text with `${NAME}` in it, as the file has it: it may be shown."""

    text: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(_VARIABLE.findall(self.text))

    @property
    def is_whole(self) -> bool:
        """Whether the text is one `${NAME}` and nothing else, as every secret must be."""
        return re.fullmatch(rf"\$\{{{NAME}\}}", self.text) is not None

    def unset(self, environment: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(name for name in self.names if not environment.get(name))

    def resolved(self, environment: Mapping[str, str] | None = None) -> Secret:
        """The text with its variables filled in; an empty variable counts as unset. Raises UnsetVariable."""
        values = os.environ if environment is None else environment
        for name in self.unset(values):
            raise UnsetVariable(name)
        return Secret(_VARIABLE.sub(lambda match: values[match.group(1)], self.text))


@dataclass(frozen=True, slots=True)
class Secret:
    """A value from the environment. `repr` and `str` hide it; `reveal` is the one door."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        return self._value

    def __str__(self) -> str:
        return "‹secret›"


def bad_names(text: str) -> Iterable[str]:
    """Names in `${…}` that no environment variable should have."""
    return [name for name in _VARIABLE.findall(text) if not re.fullmatch(NAME, name)]
