"""The other forms of a Russian word whose stems differ from its own: «человек» for «люди», «идти» for «шёл».

PostgreSQL finds a word by its stem, and a stem is made by cutting endings off, so forms that grew from another root or lost a vowel are strangers
to it. The dictionary of pymorphy3 knows them all; here one form is chosen for each stem. Promises: the word itself comes first; a word that the
dictionary does not know has no other forms; never more than `MOST_FORMS`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable
from typing import Any

import Stemmer

MOST_FORMS = 8
_LIKELY = 0.1  # «стали» is hardly ever of «сталь»: a reading rarer than one in ten would find more wrong than right
_REMEMBERED_WORDS = 4_096
_CONTENT = frozenset({"NOUN", "ADJF", "ADJS", "COMP", "VERB", "INFN", "PRTF", "PRTS", "GRND", "NUMR"})
_SELDOM = frozenset(
    {"PRTF", "PRTS", "GRND", "impr", "2per", "Cmp2", "voct"}
)  # first to go when a word has too many stems

_COMMONEST = """
    и в с со к по было о из ли уже быть был уж потом может тут есть для была раз под будет того почти мой тем нее
    были куда при два об после больше про какая много три моя хорошо перед лучше том им конечно
"""
COMMONEST = frozenset(_COMMONEST.split())
"""The words that PostgreSQL does not index (`russian.stop`) and the dictionary may read as a form of a noun, a verb or an adjective. To stand for
a stem they are useless, and beside other words they are no condition; a test compares this with the server's list."""

_one_at_a_time = threading.Lock()  # neither the stemmer nor the loading is made for two threads


def fold(text: str) -> str:
    """Е for Ё: people write one for the other, and the indexes hold only Е."""
    return text.translate({0x451: "е", 0x401: "Е"})


def load_dictionary() -> None:
    """Reads the dictionary now, so that nobody's search waits for it. For the start of a process, in a thread; repeating it is free."""
    with _one_at_a_time:
        _analyser()


@functools.lru_cache(_REMEMBERED_WORDS)
def forms_to_seek(word: str, *, alone: bool = False) -> tuple[str, ...]:
    """The word, folded and in small letters, and one form for each further stem of the words it may be a form of.

    A word that is not indexed stays itself, unless it is all that is looked for (`alone`): then its other forms are the only way to find anything.
    """
    if word in COMMONEST and not alone:
        return (word,)
    with _one_at_a_time:
        return _one_for_each_stem([word, *_other_forms(word)])


def content_readings(word: str) -> list[Any]:
    """What the dictionary says a word may be, function words and pronouns left out. Empty for a word it does not know."""
    analyser = _analyser()
    if not analyser.word_is_known(word):
        return []
    return [one for one in analyser.parse(word) if one.tag.POS in _CONTENT and "Apro" not in one.tag]


def _other_forms(word: str) -> list[str]:
    """All forms of the likely readings, the likeliest reading first and seldom forms last."""
    likely: dict[tuple[str, str], float] = {}
    forms: dict[tuple[str, str], list[Any]] = {}
    for reading in content_readings(word):
        lemma = reading.normalized
        key = (lemma.word, str(lemma.tag))
        likely[key] = likely.get(key, 0.0) + reading.score
        forms.setdefault(key, reading.lexeme)
    order = sorted((key for key, score in likely.items() if score >= _LIKELY), key=lambda key: -likely[key])
    found = [form for key in order for form in forms[key]]
    return [fold(form.word) for form in sorted(found, key=_is_seldom) if fold(form.word) not in COMMONEST]


def _is_seldom(form: Any) -> bool:  # noqa: ANN401 - pymorphy3 has no types
    return any(grammeme in form.tag for grammeme in _SELDOM)


def _one_for_each_stem(words: Iterable[str]) -> tuple[str, ...]:
    """The first of each stem. A word that is not indexed stands for nobody but itself."""
    stemmer, chosen = _stemmer(), dict[str, str]()
    for word in words:
        chosen.setdefault(word if word in COMMONEST else stemmer.stemWord(word), word)
        if len(chosen) == MOST_FORMS:
            break
    return tuple(chosen.values())


@functools.cache
def _stemmer() -> Any:  # noqa: ANN401 - PyStemmer has no types
    """The algorithm of PostgreSQL's `russian_stem`, from the same source."""
    return Stemmer.Stemmer("russian", 0)


@functools.cache
def _analyser() -> Any:  # noqa: ANN401 - pymorphy3 has no types
    import pymorphy3  # late: most commands never search, and reading it takes longer than starting them

    return pymorphy3.MorphAnalyzer(lang="ru")
