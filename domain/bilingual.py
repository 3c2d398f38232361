"""A text that citizens read, in the two languages the hub speaks.

Promises: both languages are always there; nothing is translated at run time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bilingual:
    """The same text in Russian and in English."""

    ru: str
    en: str
