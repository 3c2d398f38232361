"""Values of the variables a file names, for a stand-in: the environment's where they are set, made up where they are not.

Promises: a made-up value is the same at every start and is no secret, so it may be printed; a value of the environment never is.
"""

from __future__ import annotations

from collections.abc import Mapping

from agencies.secrets import Reference


class Values:
    """Answers every `${NAME}`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """`environment` holds what is set."""
        self._environment = environment

    def of(self, name: str) -> str:
        """The value of one variable."""
        return self._environment.get(name) or f"stand-in-{name.lower().replace('_', '-')}"

    def reveal(self, text: str) -> str:
        """A text with its variables filled in."""
        reference = Reference(text)
        return reference.resolved({name: self.of(name) for name in reference.names}).reveal()

    def is_made_up(self, name: str) -> bool:
        """Whether the environment lacks it."""
        return not self._environment.get(name)
