"""Whether words that come back are only the citizen's own (Q33): systems show what they were sent as the first remark of a case."""

from __future__ import annotations

_SHORTEST_PIECE = 30
"""A shorter beginning may be a coincidence; then it must be the whole text."""


def only_repeats(words: str, own: str) -> bool:
    """Whether `words` are `own`, or a longer beginning of it as a system that cuts texts would keep it."""
    said, known = _plain(words), _plain(own)
    piece = said.rstrip("….").rstrip()
    return said == known or (len(piece) >= _SHORTEST_PIECE and known.startswith(piece))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
