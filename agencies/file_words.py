"""The values that several files under `config/` share: slugs, OKTMO codes, bilingual texts, category patterns.

Promises: one word means and is checked the same in every file.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field

from agencies.source import Fault, FileModel, Path, Source, did_you_mean
from domain.bilingual import Bilingual
from domain.category_pattern import EVERY, is_category_pattern, matches_category
from domain.rubricator import Rubricator

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]
Words = Annotated[str, Field(min_length=1, max_length=300)]


def _oktmo(code: str) -> str:
    if len(code) != 8 or not code.isascii() or not code.isdigit():
        raise ValueError("must be the eight digits of an OKTMO, such as `29701000`")
    return code


def _pattern(pattern: str) -> str:
    if not is_category_pattern(pattern):
        raise ValueError("must be a category such as `roads/pothole`, a branch such as `roads/*`, or `*`")
    return pattern


Oktmo = Annotated[str, AfterValidator(_oktmo)]
CategoryPattern = Annotated[str, AfterValidator(_pattern)]


class BilingualFile(FileModel):
    """A text for citizens in both languages."""

    ru: Words
    en: Words

    def bilingual(self) -> Bilingual:
        """The domain's word for it."""
        return Bilingual(self.ru, self.en)


class RuleFile(FileModel):
    """What the rows of all rule tables have."""

    id: Slug
    category: CategoryPattern
    because: BilingualFile
    valid_from: date | None = None
    valid_until: date | None = None

    @property
    def is_for_ever(self) -> bool:
        """Whether the rule has no dates."""
        return self.valid_from is None and self.valid_until is None


def rule_faults(source: Source, place: int, rules: tuple[RuleFile, ...], rubricator: Rubricator) -> list[Fault]:
    """What is wrong with the row `rules[place]` that every rule table shares."""
    path: Path = ("rules", place)
    rule = rules[place]
    faults: list[Fault] = []
    if any(other.id == rule.id for other in rules[:place]):
        faults.append(source.fault((*path, "id"), "repeated-id", f"`{rule.id}` is the id of a rule above"))
    if rule.valid_from is not None and rule.valid_until is not None and rule.valid_until < rule.valid_from:
        faults.append(source.fault((*path, "valid_until"), "bad-value", "must not be before `valid_from`"))
    if not any(matches_category(rule.category, category.code) for category in rubricator.categories):
        known = [leaf.code for leaf in rubricator.leaves] + [f"{branch.code}/*" for branch in rubricator.branches]
        text = f"the rubricator has no `{rule.category}`.{did_you_mean(rule.category, known)}"
        faults.append(source.fault((*path, "category"), "unknown-category", text))
    return faults


def covers(wide: str, narrow: str) -> bool:
    """Whether every category under one pattern is under another: `*` covers all, `roads/*` covers `roads/pothole`."""
    return wide in (EVERY, narrow) or (narrow != EVERY and wide.endswith("/*") and narrow.startswith(wide[:-1]))
