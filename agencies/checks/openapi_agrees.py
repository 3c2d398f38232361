"""What the file asks, sends and reads exists in the agency's OpenAPI description, with nothing required left out.

PASS  request: POST /requests         when the description has it
FAIL  request: POST /request          unknown-request
FAIL  send: {descripton: …}           unknown-field
FAIL  send without `kind`, which is required        field-not-sent
FAIL  query: {extern_id: …}           unknown-parameter
FAIL  translate: {kinds: {…: snw}} where `kind` may be `snow` or `other`    value-not-allowed
FAIL  answer: {case_id: ident}        unknown-field
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from adapters.expressions import PathSteps, parse
from agencies import model
from agencies.checks.protocol_fits import sending_steps
from agencies.checks.rows import SentRow, sent_rows
from agencies.checks.subject import Subject
from agencies.openapi import BadDescription, Description, Operation, Schema, load_openapi
from agencies.source import Fault, Path, did_you_mean

_NOT_OF_THE_REPLY = ("http", "fault", "reply", "item")


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    name = subject.file.connection.openapi
    if name is None:
        return
    path = subject.below(("connection", "openapi"), name)
    if path is None:
        text = "the description lies beside this file or below"
        yield subject.source.fault(("connection", "openapi"), "outside-the-folder", text)
        return
    try:
        description = load_openapi(path)
        for at, step in sending_steps(subject.file):
            yield from _of_step(subject, description, at, step)
    except BadDescription as problem:
        yield subject.source.fault(("connection", "openapi"), "bad-openapi", str(problem))


def _of_step(subject: Subject, described: Description, at: Path, step: model.Sends) -> Iterator[Fault]:
    method, _, path = (step.request or "").partition(" ")
    operation = described.find(method, path)
    if operation is None:
        near = did_you_mean(step.request or "", described.request_lines())
        text = f"the description has no such request.{near}"
        yield subject.source.fault((*at, "request"), "unknown-request", text)
        return
    yield from _parameters(subject, operation, (*at, "query"), step)
    yield from _body(subject, described, operation.body, at, "send", step)
    yield from _body(subject, described, operation.form, at, "form", step)
    replies = [reply for reply in operation.replies.values() if reply is not None]
    if replies:
        yield from _read(subject, described, replies, at)


def _parameters(subject: Subject, operation: Operation, at: Path, step: model.Sends) -> Iterator[Fault]:
    known = {one.name: one for one in operation.parameters if one.place == "query"}
    for name in step.query:
        if name not in known:
            text = f"the description has no such parameter.{did_you_mean(name, known)}"
            yield subject.source.fault((*at, name), "unknown-parameter", text, of_key=True)
    for name, one in known.items():
        if one.required and name not in step.query:
            yield subject.source.fault(at, "field-not-sent", f"the description requires the parameter `{name}`")


def _body(
    subject: Subject, described: Description, schema: Schema | None, step_at: Path, table: str, step: model.Sends
) -> Iterator[Fault]:
    rows = list(sent_rows((*step_at, table), getattr(step, table, None) or {}))
    files = {row.field for row in getattr(step, "files", ())} if table == "form" else set()
    if schema is None or not (rows or files):
        return
    for row in rows:
        yield from _field(subject, described, schema, row)
    yield from _required(subject, described, schema, (*step_at, table), {*(row.name for row in rows), *files}, ())


def _field(subject: Subject, described: Description, schema: Schema, row: SentRow) -> Iterator[Fault]:
    here = schema
    for step in row.name.split("."):
        inner = described.items(here)
        here = here if inner is None else inner
        fields = described.fields(here)
        if step not in fields:
            if not described.is_open(here):
                text = f"the description has no field `{step}` here.{did_you_mean(step, fields)}"
                yield subject.source.fault(row.path, "unknown-field", text, of_key=True)
            return
        here = fields[step]
    allowed = described.values(here)
    if allowed is not None:
        yield from _values(subject, row.path, row.text, allowed)


def _values(subject: Subject, at: Path, text: str, allowed: tuple[str, ...]) -> Iterator[Fault]:
    """Rows of a table whose word the agency does not know."""
    expression = parse(text)
    if len(expression.filters) != 1 or expression.filters[0].name != "translate":
        return
    table = expression.filters[0].literals[0]
    for row, word in subject.file.translate.get(table, {}).items():
        if word not in allowed:
            near = did_you_mean(word, allowed)
            said = f"the description does not allow this for `{at[-1]}`.{near}"
            yield subject.source.fault(("translate", table, row), "value-not-allowed", said)


def _required(
    subject: Subject, described: Description, schema: Schema, at: Path, rows: Collection[str], above: tuple[str, ...]
) -> Iterator[Fault]:
    if len(above) > 10:
        return
    fields = described.fields(schema)
    needed = described.required(schema)
    for name in dict.fromkeys((*needed, *fields)):
        dotted = ".".join((*above, name))
        below = [row for row in rows if row.startswith(dotted + ".")]
        if dotted not in rows and not below and name in needed:
            yield subject.source.fault(at, "field-not-sent", f"the description requires `{dotted}`")
        elif below and name in fields:
            yield from _required(subject, described, fields[name], at, rows, (*above, name))


def _read(subject: Subject, described: Description, replies: list[Schema], at: Path) -> Iterator[Fault]:
    each: PathSteps = ()
    places = [place for place in subject.places() if place.path[: len(at)] == at]
    places = [one for one in places if one.of_reply or ("item" in one.names and one.step != "attachment")]
    lists = [parse(one.text).only_path for one in places if one.path[len(at) :] in (("each",), ("answer", "each"))]
    each = lists[0] if lists and lists[0] is not None else ()
    for place in places:
        for use in parse(place.text).paths:
            if use.steps[0] == "item" and each:
                steps: PathSteps = (*each, *use.steps[1:])
            elif use.steps[0] not in _NOT_OF_THE_REPLY:
                steps = use.steps
            else:
                continue
            problem = _problem(described, replies[0], steps)
            if problem is not None and all(_problem(described, reply, steps) is not None for reply in replies[1:]):
                step, fields = problem
                text = f"no reply of the description has `{step}` there.{did_you_mean(step, fields)}"
                yield subject.source.fault(place.path, "unknown-field", text)


def _problem(described: Description, reply: Schema, steps: PathSteps) -> tuple[str, Mapping[str, Schema]] | None:
    """The step of the path that is not in this reply, and what is there instead; None where the path may be."""
    here = reply
    for step in steps:
        inner = described.items(here)
        if inner is not None:
            here = inner
            if isinstance(step, int):
                continue
        fields = described.fields(here)
        if str(step) not in fields:
            if described.is_open(here):
                return None
            return str(step), fields
        here = fields[str(step)]
    return None
