"""The agency file as a model: one description for loading, checking, editor completion (JSON Schema) and docs.

Promises: every key has a sentence; unknown keys are faults; the shapes a protocol cannot have are faults here, and what
needs another file (the WSDL, the rubricator, the samples) is judged in agencies/checks. Expressions are plain text
here: `Expr` marks them, and the checks read them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from agencies.model_examples import Example
from agencies.model_scalars import (
    Code,
    Codes,
    DurationS,
    Expr,
    Meaning,
    RequestLine,
    Rows,
    SizeBytes,
    WithVariables,
    Word,
    ZoneName,
)
from agencies.source import FileModel


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


class WsseUsername(FileModel):
    """WS-Security UsernameToken in every envelope."""

    kind: Literal["wsse-username"]
    username: WithVariables = Field(description="user name, best as ${NAME}")
    password: WithVariables = Field(description="the password, always as ${NAME}")
    digest: Annotated[bool, BeforeValidator(lambda text: {"true": True, "false": False}.get(text, text))] = Field(
        default=False, description="`true` sends PasswordDigest, `false` sends PasswordText"
    )


class Basic(FileModel):
    """HTTP Basic."""

    kind: Literal["basic"]
    username: WithVariables = Field(description="user name, best as ${NAME}")
    password: WithVariables = Field(description="the password, always as ${NAME}")


class Bearer(FileModel):
    """A token that does not change."""

    kind: Literal["bearer"]
    token: WithVariables = Field(description="the token, always as ${NAME}")


class ApiKey(FileModel):
    """A key in a header or in the query."""

    kind: Literal["api-key"]
    key: WithVariables = Field(description="the key, always as ${NAME}")
    name: Word = Field(description="name of the header or of the query parameter")
    place: Literal["header", "query"] = Field(default="header", description="where the key goes")


class ClientCredentials(FileModel):
    """OAuth2 client credentials: a token is fetched, kept and renewed."""

    kind: Literal["oauth2-client-credentials"]
    token_path: Annotated[str, Field(pattern=r"^/[^\s?#]*$")] = Field(
        description="path of the token endpoint on the host of `address`"
    )
    client_id: WithVariables = Field(description="client id, best as ${NAME}")
    client_secret: WithVariables = Field(description="client secret, always as ${NAME}")
    scope: Word | None = Field(default=None, description="scope to ask for")
    client_auth: Literal["basic", "form"] = Field(default="basic", description="how the client names itself")


Security = Annotated[WsseUsername | Basic | Bearer | ApiKey | ClientCredentials, Field(discriminator="kind")]


class FaultRule(FileModel):
    """What a SOAP fault means. At least one of `code` and `text`; `*` stands for anything inside them."""

    code: Word | None = Field(default=None, description="pattern of the fault code without prefix, such as `Client`")
    text: Word | None = Field(
        default=None, description="pattern of the fault text, such as `*deadlock*`; case does not matter"
    )
    means: Literal["already_there", "refused", "try_later"] = Field(description="what it comes to")

    @model_validator(mode="after")
    def _says_something(self) -> FaultRule:
        if self.code is None and self.text is None:
            raise PydanticCustomError("missing-key", "needs `code` or `text`")
        return self


class Environments(FileModel):
    """One address for each environment."""

    sandbox: WithVariables = Field(description="address of the test system")
    production: WithVariables = Field(description="address of the real system")


class Connection(FileModel):
    """How the agency's system is reached, and how gently."""

    protocol: Literal["soap", "rest"] = Field(description="soap or rest")
    wsdl: Word | None = Field(
        default=None, description="path of the WSDL, beside this file; never fetched while running"
    )
    version: Literal["1.1", "1.2"] = Field(default="1.1", description="version of SOAP")
    address: WithVariables | Environments = Field(
        description="address, or one each for `sandbox` and `production`; ${NAME} may stand in it"
    )
    security: Security | None = Field(default=None, description="how we sign in")
    timeout: DurationS = Field(default=20.0, description="longest time for one call in all")
    at_once: Annotated[int, Field(ge=1, le=64)] = Field(default=2, description="calls at the same time")
    per_minute: Annotated[int, Field(ge=1, le=60_000)] = Field(default=60, description="calls in a minute")
    max_reply: SizeBytes = Field(default=8 * 1024 * 1024, description="largest reply that is read")
    faults: tuple[FaultRule, ...] = Field(
        default=(), description="SOAP faults that mean the same at every step; the first match counts"
    )

    @model_validator(mode="after")
    def _fits_the_protocol(self) -> Connection:
        if self.protocol == "soap" and self.wsdl is None:
            raise PydanticCustomError("missing-key", "soap needs `wsdl`")
        if self.protocol == "rest" and (self.wsdl is not None or self.faults):
            raise PydanticCustomError("wrong-protocol", "`wsdl` and `faults` belong to soap")
        if self.security is not None and (self.protocol, self.security.kind) in _IMPOSSIBLE:
            raise PydanticCustomError("wrong-protocol", "this kind of `security` does not exist for this protocol")
        return self


_IMPOSSIBLE = {
    ("rest", "wsse-username"),
    ("soap", "oauth2-client-credentials"),
    ("soap", "api-key"),
    ("soap", "bearer"),
}


class OutcomeRules(FileModel):
    """Which code means what. A code that is listed nowhere is unknown: nothing is guessed."""

    from_: Expr = Field(
        alias="from", description="where the code stands, such as `CreateCaseResult.Code` or `http.status`"
    )
    accepted: Codes = Field(default=(), description="it is done")
    already_there: Codes = Field(default=(), description="it was done before: a success")
    refused: Codes = Field(default=(), description="it will never be done like this")
    try_later: Codes = Field(default=(), description="not now; nothing was done")


class Answer(FileModel):
    """How the reply to a step that changes something is read."""

    case_id: Expr | None = Field(
        default=None, description="the agency's number of the case; where it is present, the case exists (Q7)"
    )
    code: Expr | None = Field(default=None, description="the agency's own error code, shown to operators")
    outcome: OutcomeRules = Field(description="what the reply means")
    faults: tuple[FaultRule, ...] = Field(
        default=(), description="SOAP faults of this step; looked at before those of `connection`"
    )


class FileRow(FileModel):
    """One file of a multipart request."""

    field: Word = Field(description="name of the form field")
    name: Expr = Field(description="file name")
    media_type: Expr = Field(default="item.media_type", description="media type")
    content: Expr = Field(default="item.content", description="the bytes")


class Sends(FileModel):
    """What every call has: the operation or the request, and the rows of its content."""

    operation: Word | None = Field(default=None, description="SOAP operation")
    request: RequestLine | None = Field(
        default=None, description="method and path; `{case.id}` in the path is an expression"
    )
    send: Rows = Field(default={}, description="agency's path: expression. The order here is the order on the wire")
    query: Rows = Field(default={}, description="query parameter: expression")
    headers: Rows = Field(default={}, description="header: expression")

    @model_validator(mode="after")
    def _one_way(self) -> Sends:
        if (self.operation is None) == (self.request is None):
            raise PydanticCustomError("missing-key", "needs one of `operation` (soap) and `request` (rest)")
        return self


WhenLost = Literal["resend", "look-up", "ask-a-person"]


class Submit(Sends):
    """Makes the case."""

    when_answer_is_lost: WhenLost = Field(
        description="`resend`: the agency recognises a repeat; `look-up`: we ask whether it arrived; `ask-a-person`: neither is possible"
    )
    repeats_known_by: Word | None = Field(
        default=None, description="the row of `send` or `headers` by which the agency itself recognises a repeat"
    )
    answer: Answer = Field(description="how the reply is read")


class AttachmentLimits(FileModel):
    """What the agency takes."""

    max_bytes: SizeBytes | None = Field(default=None, description="largest file")
    media_types: Codes | None = Field(default=None, description="media types it takes")
    at_most: Annotated[int, Field(ge=1, le=1000)] | None = Field(default=None, description="files for one case")


class Attachment(Sends):
    """Adds one attachment to the case; called once for each, after the case is made."""

    when_answer_is_lost: Literal["resend", "ask-a-person"] = Field(
        description="as for `submit`; an attachment cannot be looked up"
    )
    repeats_known_by: Word | None = Field(default=None, description="as for `submit`")
    form: Rows = Field(default={}, description="form field: expression, beside the files")
    files: tuple[FileRow, ...] = Field(default=(), description="files of a multipart request")
    answer: Answer = Field(description="how the reply is read")
    limits: AttachmentLimits = Field(default=AttachmentLimits(), description="what the agency takes")


class Withdraw(Sends):
    """Withdraws the case on the citizen's wish."""

    when_answer_is_lost: Literal["resend", "ask-a-person"] = Field(description="as for `submit`")
    repeats_known_by: Word | None = Field(default=None, description="as for `submit`")
    answer: Answer = Field(description="how the reply is read")


class LookUpAnswer(FileModel):
    """How our case is found in the reply."""

    each: Expr = Field(description="the list of cases found")
    case_id: Expr = Field(description="the agency's number of one case (`item.…`)")
    reference: Expr = Field(
        description="our reference in one case; compared here too, whatever the agency's own filter did (Q18)"
    )


class LookUp(Sends):
    """Asks whether a message arrived whose answer was lost."""

    settles_within: DurationS = Field(
        description="how long an abandoned call may still arrive; nothing is asked before"
    )
    answer: LookUpAnswer = Field(description="how our case is found in the reply")


class AskAnswer(FileModel):
    """Where the reply keeps the present state of the case; `status.means` translates it."""

    state: Expr = Field(description="the state, in the agency's words")
    at: Expr | None = Field(default=None, description="since when it is so; without a zone it is the agency's clock")
    note: Expr | None = Field(default=None, description="a remark")
    note_is_public: Expr | None = Field(
        default=None, description="whether the citizen may read the remark; without this never (Q38)"
    )
    case_id: Expr | None = Field(
        default=None, description="the agency's number of the case in the reply; another case than ours is not shown"
    )


class Ask(Sends):
    """Asks for the state of one case now, while somebody looks at it. Changes nothing, here or there."""

    answer: AskAnswer = Field(description="how the reply is read")


class ChangeAnswer(FileModel):
    """The agency's answer to the citizen inside an item."""

    text: Expr = Field(description="the answer's text")
    decision: Expr | None = Field(default=None, description="code of the decision")
    responsible: Expr | None = Field(default=None, description="who answers for it")


class ChangeRows(FileModel):
    """Where one item of a feed or a webhook keeps what we want to know; `item` is the item."""

    case_id: Expr | None = Field(default=None, description="the agency's number of the case")
    state: Expr | None = Field(default=None, description="the state, in the agency's words; `means` translates it")
    at: Expr | None = Field(default=None, description="when it happened; without a zone it is the agency's clock")
    note: Expr | None = Field(default=None, description="a remark")
    note_is_public: Expr | None = Field(
        default=None, description="whether the citizen may read the remark; without this never (Q38)"
    )
    event_key: Expr | None = Field(
        default=None, description="what tells repeats of this event apart; without it a digest of the item"
    )
    answer: ChangeAnswer | None = Field(default=None, description="the answer to the citizen")


class Cursor(FileModel):
    """How a cursor feed goes on."""

    next: Expr = Field(description="the cursor for the next page")
    has_more: Expr | None = Field(default=None, description="whether there is a next page already")


class Poll(ChangeRows, Sends):
    """Reads the change feed."""

    every: DurationS = Field(description="how often")
    overlap: DurationS = Field(
        default=0.0, description="how far a dated feed looks back again, for clocks and late entries"
    )
    reaches_back: DurationS = Field(
        default=86400.0, description="how far the very first poll of a dated feed looks back"
    )
    page_size: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="most items the agency gives at once; a full page means that there is more"
    )
    each: Expr = Field(description="the list of changes")
    cursor: Cursor | None = Field(
        default=None, description="for feeds with a cursor; without it the feed is asked by date (`poll.since`)"
    )

    @model_validator(mode="after")
    def _can_be_read(self) -> Poll:
        if self.case_id is None or self.state is None:
            raise PydanticCustomError("missing-key", "needs `case_id` and `state`")
        return self


class Signature(FileModel):
    """Proves that a webhook comes from the agency."""

    header: Word = Field(description="header with the signature")
    timestamp_header: Word = Field(description="header with the seconds since 1970")
    algorithm: Literal["hmac-sha256"] = Field(description="how it is computed; written in hex")
    signed: Literal["timestamp.body"] = Field(description="what is signed")
    prefix: Annotated[str, Field(max_length=20)] = Field(
        default="", description="what stands before the hex, such as `sha256=`"
    )
    secret: WithVariables = Field(description="the shared secret, always as ${NAME}")
    tolerance: DurationS = Field(default=300.0, description="how far its clock may be from ours")


class Webhook(ChangeRows):
    """What the agency posts to us. Without rows of its own an item is read as the feed's."""

    signature: Signature = Field(description="how it is proved")
    each: Expr | None = Field(default=None, description="the list of changes; without it the body is one change")

    @model_validator(mode="after")
    def _all_or_nothing(self) -> Webhook:
        if self.has_rows and (self.case_id is None or self.state is None):
            raise PydanticCustomError("missing-key", "rows of its own need `case_id` and `state`")
        return self

    @property
    def has_rows(self) -> bool:
        """Whether it reads items in its own way."""
        return any(getattr(self, name) is not None for name in ChangeRows.model_fields)


class Status(FileModel):
    """How the agency's states come back."""

    poll: Poll | None = Field(default=None, description="the change feed we read")
    webhook: Webhook | None = Field(default=None, description="what they post to us")
    means: Annotated[dict[Word, Meaning], Field(min_length=1)] = Field(
        description="their state: ours. `ignore` skips the item, `unchanged` keeps our state; what is not listed waits for a person"
    )

    @model_validator(mode="after")
    def _has_fields(self) -> Status:
        if self.poll is None and self.webhook is None:
            raise PydanticCustomError("missing-key", "needs `poll`, `webhook` or both")
        if self.poll is None and self.webhook is not None and not self.webhook.has_rows:
            raise PydanticCustomError("missing-key", "`webhook` needs `case_id` and `state` where there is no `poll`")
        return self


Table = Annotated[dict[Word, Word], Field(min_length=1)]


class AgencyFile(FileModel):
    """One agency: how its system is reached, what is sent, and what its words mean."""

    version: Literal["1"] = Field(description="version of this language")
    agency: Agency = Field(description="who is connected")
    connection: Connection = Field(description="how its system is reached")
    submit: Submit = Field(description="makes the case")
    attachment: Attachment | None = Field(default=None, description="adds one attachment to the case")
    withdraw: Withdraw | None = Field(default=None, description="withdraws the case")
    look_up: LookUp | None = Field(default=None, description="asks whether a message arrived")
    ask: Ask | None = Field(default=None, description="asks for the state of one case now")
    status: Status | None = Field(default=None, description="how states and answers come back")
    translate: dict[Code, Table] = Field(
        default={}, description='tables for `translate("…")`; the row "*" is for everything else'
    )
    examples: tuple[Example, ...] = Field(default=(), description="what this file must do, run as tests")

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
