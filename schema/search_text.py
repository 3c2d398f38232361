"""From what somebody types into a search box to the text of a `tsquery`, in the syntax of `websearch_to_tsquery`.

Words together are all wanted, `"words in quotes"` beside each other, `-word` is left out, `or` takes either side. Each Russian word stands for
itself or any of the forms of `lemmas.py`. Promises: `to_tsquery` accepts what is made of any text that it can store, because every operand is
in quotes and holds neither a quote nor a backslash; each word that is wanted is wanted at least as it was typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from schema.lemmas import fold, forms_to_seek

MOST_EXPANDED_WORDS = 20

_SIGNS = re.compile(r"[\\'()|&!<>*]")
_PIECE = re.compile(r'(?P<minus>(?<!\S)-(?=["\w]))?(?:"(?P<phrase>[^"]*)"|(?P<chunk>[^\s"]+))')
_WORD = re.compile(r"\w+")
_RUSSIAN = re.compile(r"[а-яА-Я]+")
_EDGES = ".,;:?…«»„“”-–—№"


@dataclass(frozen=True, slots=True)
class _Term:
    """What stands between spaces or in quotes."""

    chunks: tuple[str, ...]
    is_left_out: bool

    def is_one_word(self) -> bool:
        return len(self.chunks) == 1 and len(_WORD.findall(self.chunks[0])) == 1


def tsquery_text(text: str) -> str | None:
    """The argument of `to_tsquery('russian', …)`; None when nothing is looked for. `text` holds no NUL."""
    choices = _choices(fold(text))
    if all(term.is_left_out for terms in choices for term in terms):
        return None
    writer = _Writer()
    return " | ".join(f"({writer.every(terms)})" for terms in choices)


def _choices(text: str) -> list[list[_Term]]:
    """The terms between one `or` and the next."""
    text = _SIGNS.sub(" ", text)
    if text.count('"') % 2:
        before, _, after = text.rpartition('"')
        text = f"{before} {after}"
    choices: list[list[_Term]] = [[]]
    for piece in _PIECE.finditer(text):
        if piece["minus"] is None and piece["chunk"] is not None and piece["chunk"].lower() == "or":
            choices.append([])
            continue
        source = piece["chunk"] if piece["phrase"] is None else piece["phrase"]
        chunks = tuple(chunk for chunk in source.split() if _WORD.search(chunk))
        if chunks:
            choices[-1].append(_Term(chunks, piece["minus"] is not None))
    return [terms for terms in choices if terms]


class _Writer:
    """Writes the operands of one query; the words after the first `MOST_EXPANDED_WORDS` as they were typed."""

    def __init__(self) -> None:
        self._left = MOST_EXPANDED_WORDS

    def every(self, terms: list[_Term]) -> str:
        wanted = [term for term in terms if not term.is_left_out]
        alone = len(wanted) == 1 and wanted[0].is_one_word()
        return " & ".join(
            f"!({self._term(term, alone=False)})" if term.is_left_out else f"({self._term(term, alone=alone)})"
            for term in terms
        )

    def _term(self, term: _Term, *, alone: bool) -> str:
        return " <-> ".join(self._chunk(chunk, alone=alone) for chunk in term.chunks)

    def _chunk(self, chunk: str, *, alone: bool) -> str:
        """Addresses, numbers and foreign words go to the parser as they are, as they went when the message was indexed."""
        words = _WORD.findall(chunk)
        if not all(_RUSSIAN.fullmatch(word) for word in words):
            return f"'{chunk}'"
        beside = " <-> ".join(self._word(word.lower(), alone=alone) for word in words)
        # Words joined by a hyphen are indexed also as one.
        return f"({beside})" if chunk.strip(_EDGES) == words[0] else f"('{chunk}' | ({beside}))"

    def _word(self, word: str, *, alone: bool) -> str:
        if self._left == 0:
            return f"'{word}'"
        self._left -= 1
        forms = " | ".join(f"'{form}'" for form in forms_to_seek(word, alone=alone))
        return f"({forms})"
