"""The part of the agency file about what comes back: feeds, webhooks, questions about a case, and what states mean.

Promises: every key has a sentence and the safe default (notes are private, nothing is guessed, a missing case is not closed, a list that
shrank is not believed); what needs other parts of the file is judged in agencies/checks.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from adapters.times import bad_form
from agencies.model_scalars import Code, DurationS, Expr, Flag, Meaning, SecretText, WithVariables, Word, ZoneName
from agencies.model_sending import Sends
from agencies.source import FileModel


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _form(text: str) -> str:
    problem = bad_form(text)
    if problem is not None:
        raise PydanticCustomError("bad-time-form", "{problem}", {"problem": problem})
    return text


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        raise PydanticCustomError(
            "bad-address", "must be an address or a network such as `192.0.2.7` or `192.0.2.0/24`"
        ) from None
    return text


def _share(text: object) -> object:
    digits = text[:-1].strip() if isinstance(text, str) and text.endswith("%") else ""
    if not digits.isdecimal() or not 1 <= int(digits) <= 99:
        raise PydanticCustomError("bad-share", "must be a share such as `30%`, from `1%` to `99%`")
    return int(digits) / 100


TimeForms = Annotated[
    tuple[Annotated[Word, AfterValidator(_form)], ...],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=10),
]
Share = Annotated[float, BeforeValidator(_share), Field(json_schema_extra={"type": "string", "examples": ["30%"]})]
ReadName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Pattern = Annotated[str, Field(max_length=200)]


class ChangeAnswer(FileModel):
    """The agency's answer to the citizen inside an item."""

    text: Expr = Field(description="the answer's text")
    decision: Expr | None = Field(default=None, description="code of the decision")
    responsible: Expr | None = Field(default=None, description="who answers for it")


class StateRows(FileModel):
    """Where a state and everything told with it stand."""

    substate: Expr | None = Field(
        default=None, description="a second field that says more of the state; `decide` looks at it"
    )
    reason: Expr | None = Field(
        default=None, description="why it is so, a closing code for instance; `decide` looks at it"
    )
    at: Expr | None = Field(
        default=None,
        description="when it happened; without a zone it is the agency's clock. Without this the time of reading is all we know (Q14)",
    )
    at_form: TimeForms | None = Field(
        default=None,
        description="how `at` is written, one form or several that are tried in turn: `iso` (unless told), `epoch`, `epoch-ms`, `net`, or "
        "codes as `%d-%b-%Y %H:%M:%S` (Q13)",
    )
    at_zone: ZoneName | None = Field(
        default=None, description="the zone of an `at` that names none, where it is not the agency's"
    )
    note: Expr | None = Field(default=None, description="a remark")
    note_is_public: Expr | None = Field(
        default=None, description="whether the citizen may read the remark; without this never (Q38)"
    )
    answer: ChangeAnswer | None = Field(default=None, description="the answer to the citizen")


class Echo(FileModel):
    """How our own words and deeds are known when they come back (Q33)."""

    when: Expr | None = Field(
        default=None,
        description='the item is the echo of a deed of ours, such as `item.author == "okno"`: it is ignored',
    )
    marker: Word | None = Field(
        default=None, description="a text that we put into what we send: a remark that holds it is ours and is dropped"
    )
    own_words: Flag = Field(
        default=True, description="a remark that only repeats what the citizen wrote is dropped; `false` keeps it"
    )


class ChangeRows(StateRows):
    """Where one item of a feed or a webhook keeps what we want to know; `item` is the item."""

    case_id: Expr | None = Field(default=None, description="the agency's number of the case")
    state: Expr | None = Field(
        default=None, description="the state, in the agency's words; `means` and `decide` translate it"
    )
    reference: Expr | None = Field(
        default=None,
        description="our number, where the item holds it: a case whose number we never got is found by it (Q10)",
    )
    category: Expr | None = Field(
        default=None,
        description='our code of the topic under which the agency keeps the case now, such as `item.Kind | translate_back("kinds")`: another '
        "topic than ours is a line of the history and changes nothing; one without a row is left aside (Q24)",
    )
    event_key: Expr | None = Field(
        default=None,
        description="what tells repeats of this event apart; without it what was read, or a digest of the item",
    )
    only_when: Expr | None = Field(
        default=None, description="items for which this is not true are nobody's business of ours and left aside (Q17)"
    )
    fails_when: Expr | None = Field(
        default=None,
        description="the agency says that this one item failed: it waits for a person, the others go on (Q20)",
    )
    echo: Echo | None = Field(default=None, description="how our own words and deeds are known when they come back")


class AskAnswer(StateRows):
    """Where the reply keeps the present state of the case; `status.means` translates it."""

    state: Expr = Field(description="the state, in the agency's words")
    case_id: Expr | None = Field(
        default=None, description="the agency's number of the case in the reply; another case than ours is not shown"
    )


class Ask(Sends):
    """Asks for the state of one case now, while somebody looks at it. Changes nothing, here or there."""

    answer: AskAnswer = Field(description="how the reply is read")


class Cursor(FileModel):
    """How a cursor feed goes on."""

    next: Expr = Field(description="the cursor for the next page")
    has_more: Expr | None = Field(default=None, description="whether there is a next page already")


class Pages(FileModel):
    """How one reading goes from page to page, from the start each time (Q19)."""

    by: Literal["page", "offset", "marker", "link"] = Field(
        description="`page`: send `poll.page`; `offset`: send `poll.offset`; `marker`: send `poll.marker`; `link`: follow the page's own link"
    )
    first: Annotated[int, Field(ge=0, le=1)] = Field(default=1, description="number of the first page")
    next: Expr | None = Field(
        default=None,
        description="where the page keeps the next marker or link; a link stands in the `Link` header unless told",
    )
    has_more: Expr | None = Field(
        default=None,
        description="whether there is a next page; without it pages are read until one is empty or comes again (Q47)",
    )
    at_most: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=100, description="most pages of one reading; more is an alarm, and nothing beyond them counts as seen"
    )


class Then(Sends):
    """One more read for an item of ours. What it brings stands in `item.<name>` for the rows and the reads after it (Q36)."""

    when: Expr | None = Field(default=None, description="only for items for which this is true")


class Acknowledge(Sends):
    """Tells the agency that what it gave is safe with us; called only after it is on disk (Q15)."""

    for_each: Literal["page", "item"] = Field(
        default="page", description="one call for a page (`items`, and the reply's own fields), or one for each `item`"
    )


class Poll(ChangeRows, Sends):
    """Reads the change feed."""

    every: DurationS = Field(description="how often")
    shows: Literal["changes", "everything", "cases-asked-for"] = Field(
        default="changes",
        description="`changes`: what happened; `everything`: all cases as they are now, and we find what changed (Q17); "
        "`cases-asked-for`: the cases that we name in `poll.case_ids`",
    )
    overlap: DurationS = Field(
        default=0.0, description="how far a dated feed looks back again, for clocks and late entries"
    )
    reaches_back: DurationS = Field(
        default=86400.0, description="how far the very first poll of a dated feed looks back"
    )
    clock_skew: DurationS = Field(
        default=0.0, description="how far the agency's clock may be from ours: spans are asked for wider by it (Q12)"
    )
    window: DurationS | None = Field(
        default=None, description="longest span that is asked for at once, from `poll.since` to `poll.until`"
    )
    page_size: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="most items the agency gives at once; a full page means that there is more"
    )
    at_most: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None,
        description="where the agency cuts a reply off without a word: an exactly full one is asked for again in halves, with `poll.until`, "
        "or is an alarm (Q18)",
    )
    each: Expr = Field(description="the list of changes; of a list of plain values each is `item.value`")
    empty_is_none: Flag = Field(
        default=False, description="`true`: no content at all is how the agency says that there is nothing (Q32)"
    )
    cursor: Cursor | None = Field(
        default=None, description="for feeds with a cursor; without it the feed is asked by date (`poll.since`)"
    )
    pages: Pages | None = Field(default=None, description="how one reading goes from page to page")
    batch: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=50, description="cases that are named in one call, where `shows: cases-asked-for` (Q20)"
    )
    then: Annotated[dict[ReadName, Then], Field(max_length=5)] = Field(
        default={}, description="further reads for each item of ours, one after the other, by name"
    )
    then_at_most: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=200, description="items of one page that are read further; the others wait for a person"
    )
    acknowledge: Acknowledge | None = Field(
        default=None, description="how the agency is told that what it gave is safe with us"
    )
    hands_out_once: Flag = Field(
        default=False,
        description="`true`: what was read once never comes again, so even an unreadable reply is kept, and a reading that was cut off is "
        "made good by `ask` (Q15)",
    )
    missing_means: Literal["unchanged", "ask", "answered", "declined"] = Field(
        default="unchanged",
        description="a case that `everything` no longer shows: `unchanged`; `ask`: what `ask` says of it; `answered`, `declined`: this, where "
        "`ask` does not know it either (Q35)",
    )
    shrinks_at_most: Share = Field(
        default=0.3,
        description="a full list that loses more than this share at once is not believed in what it lacks (Q23)",
    )

    @model_validator(mode="after")
    def _can_be_read(self) -> Poll:
        if self.case_id is None or self.state is None:
            raise PydanticCustomError("missing-key", "needs `case_id` and `state`")
        if self.cursor is not None and (self.pages is not None or self.shows != "changes"):
            raise PydanticCustomError("two-ways-to-go-on", "`cursor` goes without `pages` and shows changes")
        if self.shows == "cases-asked-for" and self.pages is not None:
            raise PydanticCustomError("two-ways-to-go-on", "cases are asked for in a `batch`; it has no `pages`")
        return self


class Signature(FileModel):
    """Proves that a webhook comes from the agency: a digest keyed with a shared secret."""

    header: Word = Field(description="header with the signature")
    timestamp_header: Word | None = Field(
        default=None, description="header with the seconds since 1970, where it is signed too"
    )
    algorithm: Literal["hmac-sha256", "hmac-sha512", "hmac-sha1"] = Field(description="how it is computed")
    signed: Literal["timestamp.body", "body"] = Field(
        description="what is signed; with a timestamp an old webhook cannot be sent again by a stranger"
    )
    written: Literal["hex", "base64"] = Field(default="hex", description="how the digest is written")
    prefix: Annotated[str, Field(max_length=20)] = Field(
        default="", description="what stands before it, such as `sha256=`"
    )
    secret: SecretText = Field(description="the shared secret, always as ${NAME}")
    tolerance: DurationS = Field(default=300.0, description="how far its clock may be from ours")

    @model_validator(mode="after")
    def _timestamp_is_signed(self) -> Signature:
        if (self.signed == "timestamp.body") != (self.timestamp_header is not None):
            raise PydanticCustomError("missing-key", "`timestamp_header` belongs to `signed: timestamp.body`")
        return self


class WebhookToken(FileModel):
    """A shared secret in a header."""

    header: Word = Field(description="the header, such as `Authorization` or `X-Token`")
    prefix: Annotated[str, Field(max_length=20)] = Field(
        default="", description="what stands before it, such as `Bearer `"
    )
    secret: SecretText = Field(description="the token, always as ${NAME}")


class WebhookLogin(FileModel):
    """HTTP Basic, as the agency shows it to us."""

    username: WithVariables = Field(description="user name, best as ${NAME}")
    password: SecretText = Field(description="the password, always as ${NAME}")


class WebhookReply(FileModel):
    """What the sender wants to hear when its body is safe with us."""

    status: Literal["200", "201", "202", "204"] = Field(default="202", description="HTTP status")
    body: Annotated[str, Field(max_length=4_000)] = Field(default="", description="the body, as it stands")
    media_type: Word = Field(default="text/plain; charset=utf-8", description="its Content-Type")


class Webhook(ChangeRows):
    """What the agency posts to us. Without rows of its own an item is read as the feed's."""

    signature: Signature | None = Field(default=None, description="a keyed digest that proves it")
    token: WebhookToken | None = Field(default=None, description="a token that proves it")
    basic: WebhookLogin | None = Field(default=None, description="a login that proves it")
    addresses: Annotated[tuple[Annotated[Word, AfterValidator(_network)], ...], Field(max_length=100)] = Field(
        default=(), description="addresses and networks it must come from; alone or beside another proof"
    )
    format: Literal["json", "form", "xml"] = Field(
        default="json", description="what the body is; of a SOAP envelope it is what stands in its Body"
    )
    inside: Word | None = Field(default=None, description="the form field whose text is the JSON")
    each: Expr | None = Field(default=None, description="the list of changes; without it the body is one change")
    replies: WebhookReply = Field(default=WebhookReply(), description="what the sender wants to hear")
    only_wakes: Flag = Field(
        default=False, description="`true`: it only says that something happened; the feeds are read at once"
    )

    @model_validator(mode="after")
    def _all_or_nothing(self) -> Webhook:
        if self.has_rows and (self.case_id is None or self.state is None):
            raise PydanticCustomError("missing-key", "rows of its own need `case_id` and `state`")
        if not (self.signature or self.token or self.basic or self.addresses):
            raise PydanticCustomError("missing-key", "needs a proof: `signature`, `token`, `basic` or `addresses`")
        if self.inside is not None and self.format != "form":
            raise PydanticCustomError("wrong-format", "`inside` belongs to `format: form`")
        return self

    @property
    def has_rows(self) -> bool:
        """Whether it reads items in its own way."""
        return any(getattr(self, name) is not None for name in ChangeRows.model_fields)


class DecideRow(FileModel):
    """One row: what the three fields look like, and what that means. `*` stands for anything inside them, `""` for nothing there."""

    state: Pattern = Field(default="*", description="pattern of the state")
    substate: Pattern = Field(default="*", description="pattern of the substate")
    reason: Pattern = Field(default="*", description="pattern of the reason")
    means: Meaning = Field(description="our word; `ignore` skips the item, `unchanged` keeps our state")
    after: DurationS | None = Field(
        default=None, description="counts only once it has stood so long without another change of the case"
    )


class Status(FileModel):
    """How the agency's states come back."""

    poll: Poll | None = Field(default=None, description="the change feed we read")
    also_poll: Annotated[dict[Code, Poll], Field(max_length=10)] = Field(
        default={}, description="further feeds by name, such as an archive or remarks (Q16, Q35)"
    )
    webhook: Webhook | None = Field(default=None, description="what they post to us")
    means: Annotated[dict[Word, Meaning], Field(max_length=2_000)] = Field(
        default={},
        description="their state: ours. `ignore` skips the item, `unchanged` keeps our state; what is not listed waits for a person",
    )
    decide: Annotated[tuple[DecideRow, ...], Field(max_length=2_000)] = Field(
        default=(),
        description="ordered rows over `state`, `substate` and `reason`; the first that fits counts, then `means` is asked",
    )
    collapse_repeats: Flag = Field(
        default=True,
        description="an event that says again what the last one said is not told twice (Q34); `false` records every one",
    )
    hides: Annotated[tuple[Literal["phones", "emails", "links"], ...], Field(max_length=3)] = Field(
        default=(), description="what is hidden in remarks and answers before anybody reads them"
    )
    hides_texts: Annotated[tuple[Word, ...], Field(max_length=200)] = Field(
        default=(), description="texts that are hidden too, names of officials for instance"
    )

    @model_validator(mode="after")
    def _has_fields(self) -> Status:
        if self.poll is None and self.webhook is None:
            raise PydanticCustomError("missing-key", "needs `poll`, `webhook` or both")
        needs_rows = self.webhook is not None and not self.webhook.has_rows and not self.webhook.only_wakes
        if self.poll is None and needs_rows:
            raise PydanticCustomError("missing-key", "`webhook` needs `case_id` and `state` where there is no `poll`")
        if self.poll is None and self.webhook is not None and self.webhook.only_wakes:
            raise PydanticCustomError("missing-key", "a webhook that only wakes needs a `poll` that it wakes")
        if not self.means and not self.decide:
            raise PydanticCustomError("missing-key", "needs `means`, `decide` or both")
        return self


class Pause(FileModel):
    """Leaves the agency alone for a while, in one direction or both; nothing is lost meanwhile (Q42)."""

    sending: Flag = Field(default=False, description="`true`: nothing is sent")
    reading: Flag = Field(default=False, description="`true`: no feed is read; webhooks are kept and read")
    because: Word = Field(description="one sentence for whoever finds it")
