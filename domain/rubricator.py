"""The rubricator: what a message can be about, and a proposal of it from the citizen's own words.

Promises: a category's code is `branch/leaf` and does not change between versions; every branch has a leaf `other`, so
no message lacks a category (A-087). The proposer only proposes: it knows word beginnings, not meaning, says how sure it
is, and says nothing when no word is known to it.

A keyword is one or more word beginnings, with `ё` read as `е` and case ignored: `светофор` is in "светофоры",
`детск площадк` is in "площадка детская" (both within five words of each other, in any order). A beginning of up to
three letters may be followed by at most three more (`ям` is in "ямами", not in "ямайка"); one that ends in a full
stop is a whole word (`жэк.`).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from domain.bilingual import Bilingual

_WORD = re.compile(r"[a-zа-я0-9]+")
_WINDOW_WORDS = 5  # the words of one keyword stand this near to each other
_MOST_WORDS = 600  # what a message is about is said in its beginning; this bounds the work
_SHORT_BEGINNING = 3
_LONGEST_ENDING = 3  # -ами, -ого, -ыми: what inflection adds to a short beginning
_BRANCH_WEIGHT = 0.5  # a branch's own words support its leaves and cannot choose among them
_DOUBT = 1.0  # the weight of "something else": one vague word alone is never sure


@dataclass(frozen=True)
class Category:
    """A branch (`roads`, no parent) or a leaf (`roads/pothole`, parent `roads`) of the rubricator."""

    code: str
    name: Bilingual
    parent: str | None
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """A leaf and how sure the proposer is, 0 < confidence < 1."""

    category: Category
    confidence: float


@dataclass(frozen=True)
class Rubricator:
    """One version of the tree of categories, branches before their leaves. Raises `ValueError` for a broken tree."""

    version: str
    categories: tuple[Category, ...]

    def __post_init__(self) -> None:
        codes = [category.code for category in self.categories]
        if repeated := [code for code, times in Counter(codes).items() if times > 1]:
            raise ValueError(f"the rubricator has {', '.join(repeated)} more than once; codes are unique")
        for category in self.categories:
            branch, slash, _ = category.code.partition("/")
            if category.parent != (branch if slash else None) or (slash and branch not in codes):
                raise ValueError(f"category {category.code} must stand under its branch {branch}")
            if not slash and f"{branch}/other" not in codes:
                raise ValueError(f"branch {branch} has no leaf {branch}/other; no message may lack a category")

    @cached_property
    def _by_code(self) -> dict[str, Category]:
        return {category.code: category for category in self.categories}

    @cached_property
    def _index(self) -> _KeywordIndex:
        return _KeywordIndex(self.categories)

    @property
    def branches(self) -> tuple[Category, ...]:
        """The top categories, in the file's order."""
        return tuple(category for category in self.categories if category.parent is None)

    @property
    def leaves(self) -> tuple[Category, ...]:
        """The categories a message can have, in the file's order."""
        return tuple(category for category in self.categories if category.parent is not None)

    def get(self, code: str) -> Category | None:
        """The category of this code, or None when this version has no such code."""
        return self._by_code.get(code)

    def children(self, branch: str) -> tuple[Category, ...]:
        """The leaves under a branch."""
        return tuple(category for category in self.categories if category.parent == branch)

    def propose(self, text: str, limit: int = 3) -> list[Proposal]:
        """The likeliest leaves, surest first; empty when no keyword occurs in the text."""
        weights = self._leaf_weights(_words(text))
        total = sum(weights.values()) + _DOUBT
        ranked = sorted(weights.items(), key=lambda entry: (-entry[1], entry[0]))
        return [Proposal(self._by_code[code], round(weight / total, 3)) for code, weight in ranked[:limit]]

    def _leaf_weights(self, words: list[str]) -> dict[str, float]:
        found = self._index.weights(words)
        branch_weights = {code: weight * _BRANCH_WEIGHT for code, weight in found.items() if "/" not in code}
        leaf_weights = {code: weight for code, weight in found.items() if "/" in code}
        for code in leaf_weights:
            leaf_weights[code] += branch_weights.get(code.partition("/")[0], 0.0)
        answered = {code.partition("/")[0] for code in leaf_weights}
        for branch, weight in branch_weights.items():
            if branch not in answered:
                leaf_weights[f"{branch}/other"] = weight
        return leaf_weights


@dataclass(frozen=True)
class _Beginning:
    """One word of a keyword."""

    letters: str
    whole: bool

    def begins(self, word: str) -> bool:
        if self.whole:
            return word == self.letters
        if not word.startswith(self.letters):
            return False
        return len(self.letters) > _SHORT_BEGINNING or len(word) - len(self.letters) <= _LONGEST_ENDING


@dataclass(frozen=True)
class _Keyword:
    """Word beginnings that must all stand near to each other, and the categories they speak for."""

    beginnings: tuple[_Beginning, ...]
    codes: tuple[str, ...]

    @property
    def weight(self) -> float:
        """More words say more; a keyword that several categories claim says less about each."""
        return math.pow(len(self.beginnings), 1.25) / math.sqrt(len(self.codes))


class _KeywordIndex:
    """The keywords by the first letters of their first word, so that a message is read once."""

    def __init__(self, categories: Iterable[Category]) -> None:
        owners: dict[tuple[_Beginning, ...], list[str]] = {}
        for category in categories:
            for keyword in category.keywords:
                owners.setdefault(_beginnings(keyword), []).append(category.code)
        self._by_letters: dict[str, list[_Keyword]] = {}
        for beginnings, codes in owners.items():
            keyword_of_all = _Keyword(beginnings, tuple(dict.fromkeys(codes)))
            self._by_letters.setdefault(beginnings[0].letters[:2], []).append(keyword_of_all)

    def weights(self, words: list[str]) -> dict[str, float]:
        """The weight of each category whose keywords occur; every keyword counts once however often it occurs."""
        weights: dict[str, float] = {}
        for keyword in self._found(words):
            for code in keyword.codes:
                weights[code] = weights.get(code, 0.0) + keyword.weight
        return weights

    def _found(self, words: list[str]) -> Iterator[_Keyword]:
        seen: set[_Keyword] = set()
        for place, word in enumerate(words):
            for keyword in (*self._by_letters.get(word[:2], ()), *self._by_letters.get(word[:1], ())):
                if keyword not in seen and keyword.beginnings[0].begins(word) and _rest_is_near(keyword, words, place):
                    seen.add(keyword)
                    yield keyword


def _rest_is_near(keyword: _Keyword, words: list[str], place: int) -> bool:
    near = words[max(0, place - _WINDOW_WORDS + 1) : place + _WINDOW_WORDS]
    return all(any(beginning.begins(word) for word in near) for beginning in keyword.beginnings[1:])


def keyword_fault(keyword: str) -> str | None:
    """What is wrong with a keyword, or None when it can match."""
    parts = _plain(keyword).split()
    if parts and all(_WORD.fullmatch(part.removesuffix(".")) for part in parts):
        return None
    return "must be word beginnings of Russian or English letters and digits, such as `детск площадк` or `жэк.`"


def _beginnings(keyword: str) -> tuple[_Beginning, ...]:
    if fault := keyword_fault(keyword):
        raise ValueError(f"keyword {keyword!r} {fault}")
    parts = _plain(keyword).split()
    return tuple(_Beginning(part.removesuffix("."), part.endswith(".")) for part in parts)


def _words(text: str) -> list[str]:
    return _WORD.findall(_plain(text[: _MOST_WORDS * 20]))[:_MOST_WORDS]


def _plain(text: str) -> str:
    return text.lower().replace("ё", "е")
