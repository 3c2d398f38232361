"""A credential stands alone: the connector puts it in when the request is made, so no expression can work on it.

PASS  Login.Password: credentials.password
FAIL  Login.Password: credentials.password | shorten(8)       credential-in-expression
FAIL  Authorization: '"Token " ~ credentials.token'           credential-in-expression: `goes_to` has a `prefix`
"""

from __future__ import annotations

from collections.abc import Iterator

from adapters.expressions import ExpressionFault, parse
from agencies.checks.subject import Subject
from agencies.source import Fault


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    for place in subject.places():
        try:
            expression = parse(place.text)
        except ExpressionFault:
            # Said by another rule already.
            continue
        if expression.only_path is None and any(use.steps[0] == "credentials" for use in expression.paths):
            text = "a credential must be the whole expression; what stands before a token is the `prefix` of `goes_to`"
            yield subject.source.fault(place.path, "credential-in-expression", text)
