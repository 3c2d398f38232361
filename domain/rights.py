"""Roles, and what each of them may read. One table says it; `store/scope.py` compiles it into every statement.

Promises: a role counts only inside the subtree of the organisation it was granted on, and only between its dates; who has no role sees what is
their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody does at an organisation (A-131, A-136)."""

    REGISTRAR = "registrar"
    MODERATOR = "moderator"
    DISPATCHER = "dispatcher"
    EXECUTOR = "executor"
    APPROVER = "approver"
    HEAD = "head"
    CONTROLLER = "controller"
    ANALYST = "analyst"
    MFC_OPERATOR = "mfc-operator"
    INTEGRATOR = "integrator"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """What a role may read beyond what everybody may."""

    MESSAGES = "messages"
    """Messages of the organisation, with their history, files, answers and verdicts."""
    AUTHORS = "authors"
    """Who wrote a message."""
    SMALL_CELLS = "small_cells"
    """Statistics of so few messages that a person might be recognised."""


_WORKS_ON_MESSAGES = frozenset({Right.MESSAGES, Right.SMALL_CELLS})
_MEETS_PEOPLE = _WORKS_ON_MESSAGES | {Right.AUTHORS}

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.REGISTRAR: _MEETS_PEOPLE,
    Role.MODERATOR: _WORKS_ON_MESSAGES,
    Role.DISPATCHER: _MEETS_PEOPLE,
    Role.EXECUTOR: _MEETS_PEOPLE,
    Role.APPROVER: _WORKS_ON_MESSAGES,
    Role.HEAD: _WORKS_ON_MESSAGES,
    Role.CONTROLLER: _MEETS_PEOPLE,
    Role.ANALYST: frozenset({Right.SMALL_CELLS}),
    # Writes for others at a counter and sees, like a citizen, what went in under their own name.
    Role.MFC_OPERATOR: frozenset(),
    # Connects systems; the messages that pass through them are none of their business.
    Role.INTEGRATOR: frozenset(),
    Role.ADMINISTRATOR: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role at an organisation and everything below it."""

    role: Role
    organisation: str
