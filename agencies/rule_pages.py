"""A page for every fault code: what it means, why it is a fault, and an example that passes beside one that fails.

Promises: the examples are real. Each is an edit of one of the files in agencies/pages/examples, and a test makes the
edit: the passing one has no fault, the failing one exactly the fault the page is about.
"""

from __future__ import annotations

import pathlib
from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from agencies.source import FileModel, load

FOLDER = pathlib.Path(__file__).parent / "pages"
EXAMPLES = FOLDER / "examples"

_Text = Annotated[str, Field(min_length=1, max_length=3000)]


class RulePage(FileModel):
    """One fault code."""

    says: _Text = Field(description="what the fault means")
    why: _Text = Field(description="why it is one, and what to do")
    example: Literal["agencies/roads", "agencies/yards", "agencies/works", "systems/desk"] = Field(
        default="agencies/roads", description="the file that is edited"
    )
    passes: str = Field(description="lines without the fault")
    fails: str = Field(description="the same place with the fault")
    at: str | None = Field(default=None, description="what both stand in place of; else `passes` is in the file")
    checked_as: Literal["agencies/works"] | None = Field(
        default=None, description="the file that is checked, where it is not the edited one"
    )

    def spoilt(self, text: str) -> str:
        """The example file with the failing lines."""
        return text.replace(self.at or self.passes, self.fails)

    def sound(self, text: str) -> str:
        """The example file with the passing lines."""
        return text.replace(self.at or self.passes, self.passes)


class _PageFile(FileModel):
    pages: dict[str, RulePage] = Field(description="code: page")


@cache
def rule_pages() -> dict[str, RulePage]:
    """All pages by code, in alphabetical order."""
    found: dict[str, RulePage] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        found |= load(path, _PageFile).pages
    return dict(sorted(found.items()))


def as_text(code: str, page: RulePage) -> str:
    """A page as the command line shows it."""
    parts = [code, "", page.says.strip(), "", page.why.strip(), "", "PASS", _indented(page.passes), "", "FAIL"]
    return "\n".join([*parts, _indented(page.fails)])


def _indented(text: str) -> str:
    visible = text.replace("\t", "→").replace("\ufeff", "‹byte order mark›").strip("\n")
    return "\n".join(f"    {line}" for line in (visible or "(nothing)").split("\n"))
