"""How one agency is written to, compiled: rows, steps that change something, what their replies mean. Plain data.

Promises: everything here is immutable and already judged; the order of rows is the order of the file, which is the
order on the wire (Q3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from adapters.expressions import Expression
from domain.outcome import WhenAnswerIsLost


class Verdict(StrEnum):
    """What a file says of one code. Three of them are outcomes; `already_there` is an acceptance that found earlier work (Q8)."""

    ACCEPTED = "accepted"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"
    TRY_LATER = "try_later"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one row may hold, beyond its expression. `when_cut` is put in place of what was cut off."""

    max_chars: int | None = None
    max_bytes: int | None = None
    when_cut: Expression | None = None
    send_empty: bool = False


NO_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a mapping: where the value goes in the agency's shape, and where it comes from."""

    to: tuple[str, ...]
    value: Expression
    bounds: Bounds = NO_BOUNDS

    @property
    def name(self) -> str:
        return ".".join(self.to)


@dataclass(frozen=True, slots=True)
class EachField:
    """One row that is a list: for each item of `each` the rows of `body`, or the one `value`. One lone item is a list of one (Q5)."""

    to: tuple[str, ...]
    each: Expression
    body: tuple[Row, ...] = ()
    value: Expression | None = None
    at_most: int | None = None
    send_empty: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.to)


Row: TypeAlias = "Field | EachField"


@dataclass(frozen=True, slots=True)
class FileFields:
    """One file of a multipart request; with `each` one for each item, `{number}` in the field's name counting from 1."""

    field: str
    name: Expression
    media_type: Expression
    content: Expression
    each: Expression | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """How one call is written. Rows keep the order of the file, it is the order on the wire (Q3)."""

    operation: str
    body: tuple[Row, ...] = ()
    path: tuple[Field, ...] = ()
    query: tuple[Field, ...] = ()
    headers: tuple[Field, ...] = ()
    form: tuple[Field, ...] = ()
    files: tuple[FileFields, ...] = ()
    safe: bool = False

    def changed(self, rule: ResendRule) -> Sending:
        """The same call with the rows that a rule replaces or leaves out; every other row keeps its place."""
        changed = {row.name: row for row in rule.rows}
        body = tuple(changed.get(row.name, row) for row in self.body if row.name not in rule.without)
        form = tuple(row for row in self.form if row.name not in rule.without)
        return replace(self, body=body, form=tuple(_text_row(changed.get(row.name, row), row) for row in form))


def _text_row(changed: Row, row: Field) -> Field:
    return changed if isinstance(changed, Field) else row


@dataclass(frozen=True, slots=True)
class FaultRule:
    """What a SOAP fault means, by wildcard patterns of its code and its text (both must match where both are given)."""

    verdict: Verdict
    code: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ResendRule:
    """An answer after which the call is made once more, changed (Q11): `rows` replace the rows of the same name."""

    when: Expression
    rows: tuple[Row, ...] = ()
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """How a reply becomes an outcome.

    `when` holds conditions, looked at before codes and in their order; a code that `verdicts` does not list is unknown. `case_id_later`: an
    acceptance brings no number, it is found afterwards (Q10). Every name of `needs` must be in `keep` and in the reply.
    """

    outcome_from: Expression | None
    verdicts: Mapping[str, Verdict]
    case_id: Expression | None = None
    code: Expression | None = None
    faults: tuple[FaultRule, ...] = ()
    when: tuple[tuple[Verdict, Expression], ...] = ()
    also_known_as: Mapping[str, Expression] | None = None
    keep: Mapping[str, Expression] | None = None
    needs_all_kept: bool = False
    case_id_later: bool = False


@dataclass(frozen=True, slots=True)
class WriteStep:
    """A step that changes something at the agency."""

    sending: Sending
    reading: Reading
    when_answer_is_lost: WhenAnswerIsLost
    resend_once: tuple[ResendRule, ...] = ()
    before: tuple[NamedStep, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedStep:
    """A step of the file's own beside the usual ones. `go_on`: its failure is noted and the rest goes on without it (Q40)."""

    name: str
    step: WriteStep
    when: Expression | None = None
    go_on: bool = False


@dataclass(frozen=True, slots=True)
class AttachmentLimits:
    """What the agency takes. `None` means that the file names no limit. `shrink_photos`: a photo over `max_bytes` is made smaller.

    `link_lives_s` is how long a link to a file is good, where it gets links.
    """

    max_bytes: int | None = None
    media_types: frozenset[str] | None = None
    at_most: int | None = None
    max_bytes_in_all: int | None = None
    shrink_photos: bool = False
    link_lives_s: float = 7 * 86400.0


class AttachmentsGo(StrEnum):
    """How attachments reach the agency."""

    NOT = "not"
    INSIDE = "inside"
    """In the call that makes the case."""
    UPLOADED_BEFORE = "uploaded_before"
    """Uploaded first; the call that makes the case names them."""
    AFTER = "after"
    """One call for each, after the case is made."""
    UPLOADED_AFTER = "uploaded_after"
    """Uploaded after the case is made, then added to it by a call that names the upload."""


@dataclass(frozen=True, slots=True)
class TableStep:
    """A table of `translate` that is fetched from the agency. One that lost more than `may_lose` of its rows is not believed (Q23)."""

    name: str
    sending: Sending
    every_s: float
    each: Expression
    ours: Expression
    theirs: Expression
    may_lose: float
