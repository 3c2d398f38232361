"""The agency file as a model: one description for loading, checking, editor completion (JSON Schema) and docs.

Promises: every key has a sentence; unknown keys are faults; the shapes a protocol cannot have are faults here, and what
needs another file (the WSDL, the rubricator, the samples) is judged in agencies/checks. Expressions are plain text
here: `Expr` marks them, and the checks read them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from agencies.model_connection import Connection, Environments, FaultRule
from agencies.model_examples import Example
from agencies.model_scalars import (
    Code,
    Word,
    ZoneName,
)
from agencies.model_sending import (
    Answer,
    Attachment,
    AttachmentLimits,
    BoundedRow,
    EachRow,
    FetchedTable,
    FileRow,
    LookUp,
    LookUpAnswer,
    Name,
    NamedStep,
    Operation,
    OutcomeRules,
    ResendOnce,
    Sends,
    Submit,
    TextRules,
    Upload,
    Writes,
)
from agencies.model_status import (
    Ask,
    Pause,
    Status,
)
from agencies.source import FileModel

__all__ = [
    "Answer",
    "Attachment",
    "AttachmentLimits",
    "BoundedRow",
    "Connection",
    "EachRow",
    "Environments",
    "Example",
    "FaultRule",
    "FetchedTable",
    "FileRow",
    "LookUp",
    "LookUpAnswer",
    "NamedStep",
    "Operation",
    "OutcomeRules",
    "ResendOnce",
    "Sends",
    "Submit",
    "TextRules",
    "Upload",
    "Writes",
]


class BilingualName(FileModel):
    """A name for citizens in both languages."""

    ru: Word = Field(description="in Russian")
    en: Word = Field(description="in English")


class Agency(FileModel):
    """Who is connected."""

    code: Code = Field(description="short name of the agency, the same as the name of the file")
    name: BilingualName = Field(description="what citizens call it")
    owner: Word = Field(description="mail address of whoever answers for this file")
    timezone: ZoneName = Field(description="name of the zone the agency's clock shows")
    receives: Annotated[tuple[Word, ...], Field(min_length=1, max_length=500)] = Field(
        description="categories it takes: codes such as `roads/pothole`, or a branch as `roads/*`"
    )


Table = Annotated[dict[Word, Word], Field(min_length=1)]


class AgencyFile(FileModel):
    """One agency: how its system is reached, what is sent, and what its words mean."""

    version: Literal["1"] = Field(description="version of this language")
    agency: Agency = Field(description="who is connected")
    uses: Word | None = Field(
        default=None,
        description="profile of a known product and its version, such as `open311@1`: it says what this file leaves out",
    )
    with_: dict[Word, object] = Field(
        default={},
        alias="with",
        description="answers to the questions of the profile (`okno agency new CODE --like open311` writes them)",
    )
    connection: Connection = Field(description="how its system is reached")
    submit: Submit = Field(description="makes the case")
    before: Annotated[tuple[NamedStep, ...], Field(max_length=20)] = Field(
        default=(), description="calls before the case is made, in this order (Q40)"
    )
    then: Annotated[tuple[NamedStep, ...], Field(max_length=20)] = Field(
        default=(), description="calls after the case is made, in this order: case, inspection, job (Q36)"
    )
    upload: Upload | None = Field(default=None, description="uploads one attachment before it is used")
    attachment: Attachment | None = Field(default=None, description="adds one attachment to the case")
    withdraw: Operation | None = Field(default=None, description="withdraws the case on the citizen's wish")
    add_comment: Operation | None = Field(default=None, description="adds the citizen's words to the case")
    reopen: Operation | None = Field(default=None, description="opens the case again after an answer that did not help")
    set_priority: Operation | None = Field(default=None, description="says how urgent the case is")
    look_up: LookUp | None = Field(default=None, description="asks whether a message arrived")
    ask: Ask | None = Field(default=None, description="asks for the state of one case now")
    status: Status | None = Field(default=None, description="how states and answers come back")
    pause: Pause | None = Field(default=None, description="leaves the agency alone for a while")
    translate: dict[Code, Table] = Field(
        default={}, description='tables for `translate("…")`; the row "*" is for everything else'
    )
    translate_back: dict[Code, Table] = Field(
        default={},
        description='for `translate_back("…")`: their value: our word, where a table of `translate` alone does not decide (Q24)',
    )
    fetched_tables: dict[Code, FetchedTable] = Field(
        default={},
        description="tables of `translate` that the agency keeps itself; rows of `translate` count before theirs",
    )
    text: TextRules | None = Field(default=None, description="what every text goes through")
    hooks: Annotated[
        dict[Name, Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*:[a-z_][a-z0-9_]*$")]], Field(max_length=20)
    ] = Field(
        default={},
        description='where this language ends: name: module:function of adapters/hooks, for `hook("name")`; OKNO_HOOKS must allow it',
    )
    examples: tuple[Example, ...] = Field(default=(), description="what this file must do, run as tests")

    @model_validator(mode="after")
    def _names_differ(self) -> AgencyFile:
        names = [step.name for step in (*self.before, *self.then)]
        if len(set(names)) < len(names):
            raise PydanticCustomError("name-taken", "two steps of `before` and `then` have one name")
        return self

    @model_validator(mode="after")
    def _can_translate(self) -> AgencyFile:
        if self.ask is not None and self.status is None:
            raise PydanticCustomError("missing-key", "`ask` needs `status`: its `means` translates the state")
        return self


def agency_schema() -> dict[str, object]:
    """The JSON Schema of an agency file, for editor completion (`config/agency.schema.json`)."""
    schema = AgencyFile.model_json_schema(by_alias=True)
    models = [schema, *schema["$defs"].values()]
    for field in (field for one in models for field in one["properties"].values()):
        # A duration is written `20s` and kept as seconds: its default in seconds would mislead an editor.
        if field.get("type") == "string" and not isinstance(field.get("default", ""), str):
            del field["default"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
