"""The parts of an agency file that send: rows, steps that change something, what their replies mean, texts and tables.

Promises: every key has a sentence; every default is the safe one (nothing is sent twice, nothing is guessed, a photo that is
too large is left out and said aloud). What needs the whole file is judged in agencies/checks.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from adapters.charset import known
from agencies.model_connection import FaultRule
from agencies.model_scalars import Codes, DurationS, Expr, Flag, RequestLine, Rows, SizeBytes, Word
from agencies.source import FileModel

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Kept = Annotated[dict[Name, Expr], Field(max_length=50)]
WhenLost = Literal["resend", "look-up", "ask-a-person"]
WhenLostHere = Literal["resend", "ask-a-person"]


def _share(text: object) -> object:
    match = re.fullmatch(r"(\d{1,2}) ?%", text) if isinstance(text, str) else None
    if match is None:
        raise PydanticCustomError("bad-share", "must be a share such as `20%`")
    return int(match[1]) / 100


def _charset(name: object) -> object:
    try:
        return known(name) if isinstance(name, str) else name
    except LookupError:
        raise PydanticCustomError("unknown-charset", "must be the name of a charset such as `windows-1251`") from None


def _link_life(life_s: float) -> float:
    if not 3600 <= life_s <= 30 * 86400:
        raise PydanticCustomError("bad-duration", "must be from `1h` to `30d`, such as `7d`")
    return life_s


LinkLife = Annotated[DurationS, AfterValidator(_link_life)]
Share = Annotated[float, BeforeValidator(_share), Field(json_schema_extra={"type": "string", "examples": ["20%"]})]
Charset = Annotated[str, BeforeValidator(_charset), Field(json_schema_extra={"examples": ["windows-1251"]})]
Length = Annotated[int, Field(ge=1, le=1_000_000)]


# Rows


class BoundedRow(FileModel):
    """One value with its limits (Q27)."""

    value: Expr = Field(description="the value")
    max_chars: Length | None = Field(default=None, description="most characters; what is longer is cut")
    max_bytes: Length | None = Field(default=None, description="most bytes in the charset of `text`, utf-8 without one")
    when_cut: Expr | None = Field(
        default=None, description="what ends a text that was cut, within the limit; `…` unless told"
    )
    when_empty: Literal["leave-out", "send-empty"] = Field(
        default="leave-out",
        description="a field without a value is left out (Q26), or sent empty where the agency insists",
    )


class EachRow(FileModel):
    """A list: one entry for each item, also when there is only one (Q5)."""

    each: Expr = Field(description="the list, such as `message.attachments`; a lone value is a list of one")
    send: SendRows = Field(default={}, description="rows of one entry; `item` is the item, `number` its place from 1")
    value: Expr | None = Field(default=None, description="for a list of plain values: the value of one entry")
    at_most: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="most entries; the rest is left out"
    )
    when_empty: Literal["leave-out", "send-empty"] = Field(default="leave-out", description="as for a value")

    @model_validator(mode="after")
    def _one_way(self) -> EachRow:
        if bool(self.send) == (self.value is not None):
            raise PydanticCustomError("missing-key", "needs one of `send` (rows) and `value` (a list of plain values)")
        return self


def _kind_of_row(row: object) -> str:
    if isinstance(row, EachRow) or (isinstance(row, dict) and "each" in row):
        return "<each>"
    return "<bounded>" if isinstance(row, (BoundedRow, dict)) else "<expression>"


SendRow = Annotated[
    Annotated[Expr, Tag("<expression>")] | Annotated[BoundedRow, Tag("<bounded>")] | Annotated[EachRow, Tag("<each>")],
    Discriminator(_kind_of_row),
]
SendRows = Annotated[dict[Word, SendRow], Field(max_length=500)]
TextRow = Annotated[
    Annotated[Expr, Tag("<expression>")] | Annotated[BoundedRow, Tag("<bounded>")], Discriminator(_kind_of_row)
]
TextRows = Annotated[dict[Word, TextRow], Field(max_length=500)]
EachRow.model_rebuild()


class FileRow(FileModel):
    """One file of a multipart request, or one for each item."""

    field: Word | None = Field(
        default=None,
        description="name of the form field; `{number}` in it is the place of the item from 1. Without it the one file is the whole body",
    )
    each: Expr | None = Field(default=None, description="the list, such as `message.attachments`; without it one file")
    name: Expr = Field(description="file name")
    media_type: Expr = Field(default="item.media_type", description="media type")
    content: Expr = Field(default="item.content", description="the bytes, or a text that becomes a file")


class Sends(FileModel):
    """What every call has: the operation or the request, and the rows of its content."""

    operation: Word | None = Field(default=None, description="SOAP operation")
    request: RequestLine | None = Field(
        default=None, description="method and path; `{case.id}` in the path is an expression"
    )
    send: SendRows = Field(
        default={},
        description="agency's path: expression, or a value with limits, or `each`. The order here is the order on the wire",
    )
    query: Rows = Field(default={}, description="query parameter: expression")
    headers: Rows = Field(default={}, description="header: expression")
    form: TextRows = Field(default={}, description="form field: expression, instead of `send` or beside `files`")
    files: tuple[FileRow, ...] = Field(default=(), description="files of a multipart request")

    @model_validator(mode="after")
    def _one_way(self) -> Sends:
        if (self.operation is None) == (self.request is None):
            raise PydanticCustomError("missing-key", "needs one of `operation` (soap) and `request` (rest)")
        return self


# What replies mean


class OutcomeRules(FileModel):
    """Which answer means what: conditions first, then codes. What is listed nowhere is unknown: nothing is guessed."""

    from_: Expr | None = Field(
        default=None,
        alias="from",
        description="where the code stands, such as `CreateCaseResult.Code` or `http.status`",
    )
    accepted: Codes = Field(default=(), description="it is done")
    already_there: Codes = Field(default=(), description="it was done before: a success")
    refused: Codes = Field(default=(), description="it will never be done like this")
    try_later: Codes = Field(default=(), description="not now; nothing was done")
    already_there_when: Expr | None = Field(
        default=None, description='a condition instead of a code, such as `error.text | like("*already exists*")` (Q8)'
    )
    refused_when: Expr | None = Field(
        default=None, description="a condition; comes before every code, for an error inside a success (Q6)"
    )
    try_later_when: Expr | None = Field(default=None, description="a condition")
    accepted_when: Expr | None = Field(default=None, description="a condition; judged after the three above")

    @model_validator(mode="after")
    def _can_be_read(self) -> OutcomeRules:
        codes = any((self.accepted, self.already_there, self.refused, self.try_later))
        conditions = any((self.already_there_when, self.refused_when, self.try_later_when, self.accepted_when))
        if codes and self.from_ is None:
            raise PydanticCustomError("missing-key", "codes need `from`: where does the code stand?")
        if not codes and not conditions:
            raise PydanticCustomError("missing-key", "needs codes or conditions: `accepted`, `refused_when`, …")
        return self


class Answer(FileModel):
    """How the reply to a step that changes something is read."""

    case_id: Expr | None = Field(
        default=None,
        description="the agency's number of the case; where it is present, the case exists (Q7). `our.reference` where our number is the key (Q9)",
    )
    case_id_comes: Literal["now", "later"] = Field(
        default="now", description="`later`: an acceptance may lack the number; `look_up` or the feed finds it (Q10)"
    )
    also_known_as: Kept = Field(
        default={}, description="further identifiers of the case by names of your own: `case.name` in later steps (Q9)"
    )
    keep: Kept = Field(default={}, description="what later steps need from this reply: `steps.submit.name` there")
    code: Expr | None = Field(default=None, description="the agency's own error code, shown to operators")
    outcome: OutcomeRules = Field(description="what the reply means")
    faults: tuple[FaultRule, ...] = Field(
        default=(), description="SOAP faults of this step; looked at before those of `connection`"
    )


class ResendOnce(FileModel):
    """An answer that says what was wrong: the call is made once more with other rows (Q11)."""

    when: Expr = Field(description='condition over the reply, such as `fault.text | like("*unknown kind*")`')
    with_: SendRows = Field(
        default={},
        alias="with",
        description="rows of `send` or `form` by their names, with what they hold the second time",
    )
    without: Codes = Field(default=(), description="rows that are left out the second time")

    @model_validator(mode="after")
    def _changes_something(self) -> ResendOnce:
        if not self.with_ and not self.without:
            raise PydanticCustomError("missing-key", "needs `with` or `without`: the same call would be refused again")
        return self


class Writes(Sends):
    """A call that changes something."""

    repeats_known_by: Word | None = Field(
        default=None,
        description="the row of `send`, `form` or `headers` by which the agency itself recognises a repeat",
    )
    answer: Answer = Field(description="how the reply is read")
    resend_once: tuple[ResendOnce, ...] = Field(
        default=(), description="answers after which the call is made once more, changed; the first match counts"
    )


# Steps


class AttachmentLimits(FileModel):
    """What the agency takes."""

    max_bytes: SizeBytes | None = Field(default=None, description="largest file")
    max_bytes_in_all: SizeBytes | None = Field(
        default=None, description="all files of one case together; later ones are left out and said aloud"
    )
    media_types: Codes | None = Field(default=None, description="media types it takes")
    at_most: Annotated[int, Field(ge=1, le=1000)] | None = Field(default=None, description="files for one case")
    shrink_photos: Flag = Field(
        default=False,
        description="`true`: a photo over `max_bytes` is sent as the largest JPEG that fits, turned upright",
    )
    link_lives: LinkLife = Field(
        default=7 * 86400.0,
        description="how long `item.link` is good, from `1h` to `30d`; for systems that take an address and no file. Needs OKNO_PUBLIC_ADDRESS",
    )


class Submit(Writes):
    """Makes the case."""

    when_answer_is_lost: WhenLost = Field(
        description="`resend`: the agency recognises a repeat; `look-up`: we ask whether it arrived; `ask-a-person`: neither is possible"
    )
    limits: AttachmentLimits | None = Field(
        default=None,
        description="what the agency takes, where the files are inside this call (`each: message.attachments`)",
    )


class Upload(Writes):
    """Uploads one attachment and keeps what the answer calls it: `item.uploaded.name` where it is used.

    With `attachment` it comes before each of its calls; without, all uploads come before `submit` (Q51).
    """

    when_answer_is_lost: WhenLostHere = Field(description="as for `submit`")
    limits: AttachmentLimits = Field(default=AttachmentLimits(), description="what the agency takes")


class NamedStep(Writes):
    """A call of its own before or after `submit`, or before a wish: an address looked up, an edition read, a linked object followed."""

    name: Name = Field(description="its name; what its answer keeps is `steps.name.…` in later steps")
    when: Expr | None = Field(default=None, description="only where this condition holds")
    reads_only: Flag = Field(default=False, description="`true`: it changes nothing, so it may be repeated freely")
    when_answer_is_lost: WhenLostHere | None = Field(
        default=None, description="as for `submit`; not needed with `reads_only`"
    )
    repeat_harms_nobody: Flag = Field(
        default=False,
        description="`true`: made twice it leaves something that nobody sees, such as a text that no case names; then `resend` is safe without more",
    )
    if_it_fails: Literal["wait", "go-on"] = Field(
        default="wait",
        description="`wait`: the rest waits for it; `go-on`: the rest is done without it and it is noted (Q40)",
    )

    @model_validator(mode="after")
    def _is_safe(self) -> NamedStep:
        if not self.reads_only and self.when_answer_is_lost is None:
            raise PydanticCustomError("missing-key", "needs `when_answer_is_lost`, or `reads_only: true`")
        if self.name == "submit":
            raise PydanticCustomError("name-taken", "`submit` is the step that makes the case; choose another name")
        return self


class Attachment(Writes):
    """Adds one attachment to the case; called once for each, after the case is made."""

    when_answer_is_lost: WhenLostHere = Field(description="as for `submit`; an attachment cannot be looked up")
    limits: AttachmentLimits = Field(default=AttachmentLimits(), description="what the agency takes")
    before: Annotated[tuple[NamedStep, ...], Field(max_length=5)] = Field(
        default=(), description="what is read at once before each of these calls: an edition that must be named"
    )

    @model_validator(mode="after")
    def _only_reads_before(self) -> Attachment:
        if not all(step.reads_only for step in self.before):
            text = "`before` of an attachment needs `reads_only: true`; what makes something is `upload`"
            raise PydanticCustomError("missing-key", text)
        return self


class Operation(Writes):
    """Something the citizen wishes for a case that is there: `withdraw`, `add_comment`, `reopen`, `set_priority`."""

    when_answer_is_lost: WhenLostHere = Field(description="as for `submit`")
    before: Annotated[tuple[NamedStep, ...], Field(max_length=5)] = Field(
        default=(),
        description="calls before this one, in this order: an edition that must be named, a text to hang on. What only reads is read anew",
    )


class LookUpAnswer(FileModel):
    """How our case is found in the reply."""

    each: Expr = Field(description="the list of cases found")
    case_id: Expr = Field(description="the agency's number of one case (`item.…`)")
    also_known_as: Kept = Field(default={}, description="as in the answer to `submit`")
    reference: Expr | None = Field(
        default=None,
        description="our reference in one case; compared here too, whatever the agency's own filter did (Q18)",
    )
    reference_inside: Expr | None = Field(
        default=None,
        description="a text of one case in which our reference stands, where it has no field of its own (Q37)",
    )
    ours_when: Expr | None = Field(
        default=None, description="a condition over `item` and `our`, such as `item.Text | same_words(our.text)` (Q37)"
    )

    @model_validator(mode="after")
    def _one_way(self) -> LookUpAnswer:
        ways = (self.reference, self.reference_inside, self.ours_when)
        if sum(way is not None for way in ways) != 1:
            raise PydanticCustomError(
                "missing-key",
                "needs exactly one of `reference`, `reference_inside` and `ours_when`: which case is ours?",
            )
        return self


class LookUp(Sends):
    """Asks whether a message arrived whose answer was lost."""

    settles_within: DurationS = Field(
        description="how long an abandoned call may still arrive; nothing is asked before"
    )
    answer: LookUpAnswer = Field(description="how our case is found in the reply")


# Texts and tables


class TextRules(FileModel):
    """What every text goes through before this agency sees it."""

    charset: Charset = Field(default="utf-8", description="what the agency can hold, such as `windows-1251` (Q28)")
    cannot_hold: Literal["replace", "latin", "leave-out", "refuse"] = Field(
        default="replace",
        description="a sign that the charset lacks is said otherwise or replaced; `latin` spells letters in Latin ones; `refuse` sends nothing",
    )
    replacement: Annotated[str, Field(min_length=1, max_length=10)] = Field(
        default="?", description="what stands for a sign that cannot be held"
    )
    line_ends: Literal["lf", "crlf", "space"] = Field(default="lf", description="how lines end (Q29)")
    quotes: Literal["keep", "straight"] = Field(default="keep", description="whether «quotes» become straight ones")
    emoji: Literal["keep", "leave-out"] = Field(default="keep", description="whether pictures stay")
    says: Annotated[dict[Word, Annotated[str, Field(max_length=50)]], Field(max_length=200)] = Field(
        default={}, description='signs said otherwise, such as `"…": "..."` (Q27)'
    )
    hide: Annotated[tuple[Literal["phones", "emails", "names"], ...], Field(max_length=3)] = Field(
        default=(),
        description="what never goes to this agency in a citizen's words: `***` stands for it. Names are found by their Russian form",
    )

    @model_validator(mode="after")
    def _comes_to_an_end(self) -> TextRules:
        if any(sign in text for text in self.says.values() for sign in self.says):
            raise PydanticCustomError("bad-value", "a replacement in `says` must not hold a sign of the table itself")
        return self


class FetchedTable(Sends):
    """A table of `translate` that the agency itself keeps: fetched, kept, and used on when it cannot be fetched (Q22)."""

    every: DurationS = Field(default=86400.0, description="how old it may become before it is fetched anew")
    each: Expr = Field(description="the list of rows")
    ours: Expr = Field(description="our word in one row (`item.…`): what `translate` is asked with")
    theirs: Expr = Field(description="the agency's value in one row (`item.…`)")
    may_lose: Share = Field(
        default=0.2, description="a new table that lost more than this share of its rows is not believed (Q23)"
    )
