"""The `examples:` of an agency file: what it must do, run as tests by agencies/checks/examples_run.py."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from agencies.model_scalars import Codes, Meaning, Word
from agencies.source import FileModel


class ExampleReply(FileModel):
    """A reply of the agency, written as it is read: the fields of the body, and what HTTP says."""

    step: Word = Field(
        default="submit",
        description="whose reply it is: `submit`, `attachment`, `ask` …, or a name of `before` and `then`",
    )
    http_status: Annotated[int, Field(ge=100, le=599)] = Field(default=200, description="HTTP status")
    body: dict[Word, object] | tuple[object, ...] = Field(
        default={}, description="the fields of the reply, or its list"
    )
    fault: FaultExample | None = Field(default=None, description="a SOAP fault")


class FaultExample(FileModel):
    """A SOAP fault of an example."""

    code: Word = Field(description="faultcode")
    text: Annotated[str, Field(max_length=2000)] = Field(description="faultstring")


class ExampleComes(FileModel):
    """What a reply must come to."""

    outcome: Literal["accepted", "already_there", "refused", "try_later", "unknown"] = Field(description="the outcome")
    case_id: Word | None = Field(default=None, description="the case number read from it")


class ExampleChange(FileModel):
    """What an item of the feed, or the reply to `ask`, must come to."""

    means: Meaning | Literal["unknown"] = Field(description="our word for the state")
    at: Word | None = Field(default=None, description="the time in UTC, such as 2026-01-31T09:00:00+00:00")
    note: Word | None = Field(default=None, description="the remark, where the citizen may read it")
    answer: Word | None = Field(default=None, description="the answer's text")


class Example(FileModel):
    """One thing this file must do, run as a test: a message and what is sent, a reply and what it comes to, or an item and what it means."""

    name: Word = Field(description="one sentence")
    message: Word | None = Field(default=None, description="a sample message, path beside this file")
    sends: dict[Word, Annotated[str, Field(max_length=20_000)]] = Field(
        default={}, description="row of `submit` (`send`, `form`, `query` or `headers`): the value it must have"
    )
    leaves_out: Codes = Field(default=(), description="rows of `submit` that must not be sent")
    reply: ExampleReply | None = Field(default=None, description="a reply of the agency")
    comes_to: ExampleComes | None = Field(default=None, description="what the reply must come to")
    item: dict[Word, object] | None = Field(default=None, description="an item of the feed")
    reads: ExampleChange | None = Field(default=None, description="what the item or the reply to `ask` must come to")

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Example:
        asked = self.reply is not None and self.reply.step == "ask"
        pairs = (
            (self.message is not None, bool(self.sends or self.leaves_out)),
            (self.reply is not None and not asked, self.comes_to is not None),
            (self.item is not None or asked, self.reads is not None),
        )
        count = sum(one is not None for one in (self.message, self.reply, self.item))
        if any(given != wanted for given, wanted in pairs) or count != 1:
            raise PydanticCustomError(
                "bad-example",
                "needs exactly one of `message` + `sends`, `reply` + `comes_to` (`reads` for the step `ask`), `item` + `reads`",
            )
        return self
