"""Which categories a rule is about: `roads/pothole`, `roads/*` or `*`.

Promises: a pattern is one of these three forms and nothing else, so a reader of a rule table needs no manual.
"""

from __future__ import annotations

import re

EVERY = "*"
_PATTERN = re.compile(r"\*|[a-z][a-z0-9-]*/(\*|[a-z][a-z0-9-]*)")


def is_category_pattern(pattern: str) -> bool:
    """Whether it has one of the three forms."""
    return _PATTERN.fullmatch(pattern) is not None


def matches_category(pattern: str, category: str | None) -> bool:
    """Whether a category (a leaf, or a branch alone) falls under a pattern; an unknown category only under `*`."""
    if pattern == EVERY or category is None:
        return pattern == EVERY
    return pattern == category or (pattern.endswith("/*") and category.partition("/")[0] == pattern[:-2])
