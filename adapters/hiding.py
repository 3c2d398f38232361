"""Hides in an agency's words what the public should not read: officials' phones and addresses, links, words the file lists.

Promises: what is hidden becomes one mark; numbers of documents, dates and codes of territories stay; the work grows with the length
of the text and with nothing else. What agencies sent stays whole in the inbox, where only operators look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MARK = "[скрыто]"
_GAP = "[ \\-\u00a0\u2010-\u2015]?"
_PHONE = (
    rf"(?<!\d)(?:\+7|8){_GAP}\(?\d{{3,5}}\)?{_GAP}\d{{1,3}}{_GAP}\d{{2}}{_GAP}\d{{2}}(?!\d)"
    rf"|(?<!\d)\(\d{{3,5}}\){_GAP}\d{{1,3}}{_GAP}\d{{2}}{_GAP}\d{{2}}(?!\d)"
    r"|(?<=тел\.) ?:? ?\d[\d \-]{3,14}\d|(?<=тел\. )\d[\d \-]{3,14}\d"
)
PATTERNS = {
    "phones": re.compile(_PHONE, re.IGNORECASE),
    "emails": re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"),
    "links": re.compile(r"(?:https?://|www\.)[^\s<>\"']{1,500}", re.IGNORECASE),
}
"""What a file can name under `hides:`."""


@dataclass(frozen=True, slots=True)
class Hiding:
    """Kinds out of PATTERNS, and texts that are hidden as they stand, whatever their case."""

    kinds: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.kinds or self.texts)


def hidden(text: str, hiding: Hiding) -> str:
    """The text without what is hidden."""
    for pattern in (*(PATTERNS[kind] for kind in hiding.kinds), *_literal(hiding.texts)):
        text = pattern.sub(MARK, text)
    return text


def _literal(texts: Iterable[str]) -> Iterable[re.Pattern[str]]:
    return (re.compile(re.escape(text), re.IGNORECASE) for text in texts)
