"""`config/systems/<product>.yaml`: how a known product speaks, said once for every organisation that has it.

A profile is an agency file without its `agency:`, with questions in it. `<name>` stands where the answer to a question
of `asks:` goes: as a whole value, or inside a text. What an agency answers stands under `with:` of its own file.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from agencies.model import BilingualName
from agencies.model_scalars import Code, Codes, Word
from agencies.secrets import Reference
from agencies.source import FileModel

QUESTION = re.compile(r"<([a-z][a-z0-9_]*)>")
_UNFIT_IN_TEXT = re.compile(r"[\"'\\\n<>]")

Kind = Literal["address", "secret", "text", "number", "choice", "table", "file"]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
YesNo = Annotated[bool, BeforeValidator(lambda text: {"true": True, "false": False}.get(text, text))]


class System(FileModel):
    """Which product it is, and how far this profile has been proved."""

    code: Code = Field(description="short name of the product, the same as the name of the file")
    version: Annotated[int, Field(ge=1, le=9999)] = Field(
        description="raised with every change that an agency would notice; agencies pin it: `uses: open311@1`"
    )
    name: BilingualName = Field(description="what the product is called")
    verified: Codes = Field(default=(), description="what was tried against the real product, one sentence each")
    not_verified: Codes = Field(default=(), description="what was not, one sentence each")


class Question(FileModel):
    """One thing that differs from organisation to organisation."""

    says: Text = Field(description="the question, for the integrator")
    kind: Kind = Field(
        description="`address`; `secret` (always `${NAME}`); `text`; `number`; `choice`; `table` of words; `file` beside the agency file"
    )
    choices: Codes = Field(default=(), description="the answers of a `choice`")
    example: object = Field(description="an answer that works: the profile itself is checked with it")
    default: object = Field(default=None, description="the answer of an agency that gives none")
    optional: YesNo = Field(default=False, description="`true`: without an answer its row is left out")

    @model_validator(mode="after")
    def _can_be_answered(self) -> Question:
        if (self.kind == "choice") != bool(self.choices):
            raise PydanticCustomError("bad-question", "`choices` belong to the kind `choice`, and it needs them")
        for answer in (self.example, self.default):
            if answer is not None and (problem := self.why_not(answer)):
                raise PydanticCustomError(
                    "bad-question", "its example or default is no answer: {why}", {"why": problem}
                )
        return self

    def why_not(self, answer: object) -> str | None:
        """One sentence why this is no answer, or None."""
        if self.kind == "table":
            fits = isinstance(answer, dict) and all(isinstance(word, str) for word in answer.values()) and answer
            return None if fits else "must be a table of `word: word` with a row at least"
        if not isinstance(answer, str) or not answer:
            return "must be one value"
        return self._why_not_text(answer)

    def _why_not_text(self, answer: str) -> str | None:
        if self.kind == "secret":
            return None if Reference(answer).is_whole else "a secret is written `${NAME}` and nothing else"
        if self.kind == "address":
            fits = answer.startswith(("http://", "https://", "${"))
            return None if fits else "must be an address such as `https://cases.example/api`, or `${NAME}`"
        if self.kind == "number":
            return None if answer.isdecimal() else "must be a whole number"
        if self.kind == "choice":
            return None if answer in self.choices else "must be one of " + ", ".join(f"`{one}`" for one in self.choices)
        return "must hold no quotes, backslashes, `<`, `>` and line ends" if _UNFIT_IN_TEXT.search(answer) else None


class ProfileHead(FileModel):
    """What a profile says of itself; its other keys are those of an agency file and are judged when they are used."""

    model_config = ConfigDict(extra="allow", frozen=True)

    version: Literal["1"] = Field(description="version of this language")
    system: System = Field(description="which product")
    asks: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)], Question] = Field(
        description="what an agency must answer under `with:`"
    )
    uses: Word | None = Field(default=None, description="the profile this one builds on")
    examples: tuple[object, ...] = Field(default=(), description="run with the questions' examples")
