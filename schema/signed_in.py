"""Asks for a viewer where an operation needs one."""

from __future__ import annotations

from domain.viewer import Viewer
from schema.context import Context
from schema.faults import sign_in_needed


def signed_in(context: Context) -> Viewer:
    """The viewer. Raises the fault UNAUTHENTICATED when nobody is signed in."""
    if context.viewer is None:
        raise sign_in_needed()
    return context.viewer
