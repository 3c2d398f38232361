"""What the file sends and reads exists in the WSDL, in its order, with nothing required left out.

PASS  send: {case.ExternalId: …, case.Subject: …} in the order of the schema
FAIL  send: {case.Subjekt: …}                       unknown-element
FAIL  send: {case.Subject: …, case.ExternalId: …}   wrong-order
FAIL  send without `case.Kind`, which is required   element-not-sent
FAIL  `case.Subject: message.address`               may-be-missing: the element is required and an address is not
FAIL  answer: {case_id: CreateCaseReslt.CaseNumber} unknown-element
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from adapters.context import MessageContext
from adapters.expressions import PathSteps, parse
from agencies import model, model_status
from agencies.checks.protocol_fits import sending_steps
from agencies.checks.rows import SentRow, sent_rows
from agencies.checks.subject import Subject
from agencies.model_connection import Connection
from agencies.model_security import Login
from agencies.model_sending import Sends
from agencies.source import Fault, Path, did_you_mean
from connectors.base import BadConnection
from connectors.soap.shape import Shape
from connectors.soap.wsdl import Operation, Wsdl, load_wsdl

_CALLS_OF_THEIR_OWN = ("then", "acknowledge", "send")
_NOT_OF_THE_REPLY = ("http", "fault", "reply", "item", "our", "steps")
_MAY_BE_MISSING = {("message", one.name) for one in fields(MessageContext) if one.default is None}


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    connection = subject.file.connection
    if connection.wsdl is None:
        return
    path = subject.below(("connection", "wsdl"), connection.wsdl)
    if path is None:
        yield subject.source.fault(
            ("connection", "wsdl"), "outside-the-folder", "the WSDL lies beside this file or below"
        )
        return
    try:
        wsdl = load_wsdl(path, connection.version, connection.service, connection.port)
    except BadConnection as problem:
        yield subject.source.fault(("connection", "wsdl"), "bad-wsdl", str(problem))
        return
    for at, step in (*sending_steps(subject.file), *_logins(connection)):
        yield from _of_step(subject, wsdl, at, step)


def _logins(connection: Connection) -> Iterator[tuple[Path, model.Sends]]:
    """The calls that sign in, read as any other step."""
    for number, way in enumerate(connection.securities):
        if isinstance(way, Login):
            at: Path = (
                ("connection", "security", number)
                if isinstance(connection.security, tuple)
                else ("connection", "security")
            )
            yield at, Sends(operation=way.operation, request=way.request, send=dict(way.send))


def _of_step(subject: Subject, wsdl: Wsdl, at: Path, step: model.Sends) -> Iterator[Fault]:
    name = step.operation or ""
    operation = wsdl.operations.get(name)
    if operation is None:
        near = did_you_mean(name, wsdl.operations)
        yield subject.source.fault((*at, "operation"), "unknown-operation", f"the WSDL has no such operation.{near}")
        return
    yield from _sent(subject, operation, (*at, "send"), list(sent_rows((*at, "send"), step.send)))
    followed = step.then if isinstance(step, model_status.Poll) else {}
    each = _list_of(subject, at)
    for path, steps in _read(subject, at):
        read = followed.get(str(steps[1])) if steps[0] == "item" and len(steps) > 1 else None
        source = operation if read is None else wsdl.operations.get(read.operation or "")
        if source is not None and source.reply is not None:
            yield from _unknown(subject, source.reply, path, _below(each, steps) if read is None else steps[2:])


# What is sent


def _sent(subject: Subject, operation: Operation, at: Path, rows: Sequence[SentRow]) -> Iterator[Fault]:
    if operation.request is None:
        if rows:
            yield subject.source.fault(at, "unknown-element", "the operation takes nothing")
        return
    known: list[tuple[SentRow, tuple[int, ...]]] = []
    for row in rows:
        place = _place(operation.request, row.name.split("."))
        if isinstance(place, str):
            yield subject.source.fault(row.path, "unknown-element", place, of_key=True)
        elif place:
            known.append((row, place))
    yield from _order(subject, known)
    yield from _required(subject, operation.request, at, [row.name for row in rows], ())
    for row, _ in known:
        yield from _may_be_missing(subject, operation.request, row)


def _place(request: Shape, steps: Sequence[str]) -> tuple[int, ...] | str:
    """Where an element stands in the order of the wire, nowhere for an attribute, or a sentence why it cannot be sent."""
    here, place = request, []
    for step in steps:
        if step.startswith("@"):
            names = [f"@{one.name}" for one in here.attributes]
            return () if step in names else f"`{here.name}` has no attribute `{step}`.{did_you_mean(step, names)}"
        if step == "#text" and here.kind is not None:
            break
        inner = here.elements.get(step)
        if inner is None:
            return f"`{here.name}` has no element `{step}`.{did_you_mean(step, here.elements)}"
        place.append(list(here.elements).index(step))
        here = inner
    if here.kind is None:
        return f"`{here.name}` holds other elements; name one of them.{did_you_mean('', here.elements)}"
    return tuple(place)


def _order(subject: Subject, known: Sequence[tuple[SentRow, tuple[int, ...]]]) -> Iterator[Fault]:
    before: tuple[str, tuple[int, ...]] | None = None
    for row, place in known:
        if before is not None and place < before[1]:
            text = f"the WSDL wants it before `{before[0]}`"
            yield subject.source.fault(row.path, "wrong-order", text, of_key=True)
        else:
            before = row.name, place


def _required(subject: Subject, shape: Shape, at: Path, rows: Sequence[str], above: tuple[str, ...]) -> Iterator[Fault]:
    for name, inner in shape.elements.items():
        path = (*above, name)
        dotted = ".".join(path)
        is_sent = any(row == dotted or row.startswith(dotted + ".") for row in rows)
        if inner.required and not is_sent:
            yield subject.source.fault(at, "element-not-sent", f"the WSDL requires `{dotted}`")
        elif is_sent and inner.kind is None and len(path) < 20:
            yield from _required(subject, inner, at, rows, path)


def _may_be_missing(subject: Subject, request: Shape, row: SentRow) -> Iterator[Fault]:
    expression = parse(row.text)
    shape = request.at(row.name)
    names = {use.steps for use in expression.paths}
    has_other = any(use.name == "default" for use in expression.filters) or " else " in row.text
    if shape is not None and shape.required and names and names <= _MAY_BE_MISSING and not has_other:
        yield subject.source.fault(
            row.path, "may-be-missing", "the WSDL requires it and a message may lack it; add `| default(…)`"
        )


# What is read


def _read(subject: Subject, at: Path) -> Iterator[tuple[Path, PathSteps]]:
    """Paths into the reply of one step; those that begin with `item` go into its list."""
    places = [
        place
        for place in subject.places()
        if place.path[: len(at)] == at
        and place.path[len(at)] not in _CALLS_OF_THEIR_OWN
        and (place.of_reply or ("item" in place.names and place.step == "status"))
    ]
    for place in places:
        for use in parse(place.text).paths:
            if use.steps[0] == "item" or use.steps[0] not in _NOT_OF_THE_REPLY:
                yield place.path, use.steps


def _list_of(subject: Subject, at: Path) -> PathSteps | None:
    """The path of the list whose items a step reads; None where it is no plain path."""
    wanted = (*at, "each"), (*at, "answer", "each")
    texts = [place.text for place in subject.places() if place.path in wanted]
    return parse(texts[0]).only_path if texts else None


def _below(each: PathSteps | None, steps: PathSteps) -> PathSteps:
    """The path of an item put below the list it comes from; empty where there is none."""
    if steps[0] != "item":
        return steps
    return (*each, *steps[1:]) if each is not None else ()


def _unknown(subject: Subject, reply: Shape, path: Path, steps: PathSteps) -> Iterator[Fault]:
    here = reply
    for step in steps:
        if isinstance(step, int):
            continue
        inner = here.elements.get(step)
        if inner is None and step == "value" and not here.elements:
            # Of a list of plain values each is `item.value`.
            return
        if inner is None:
            text = f"the reply `{here.name}` has no element `{step}`.{did_you_mean(step, here.elements)}"
            yield subject.source.fault(path, "unknown-element", text)
            return
        here = inner
    if path[-1] == "each" and not here.repeats:
        yield subject.source.fault(path, "not-a-list", f"`{here.name}` does not repeat in the WSDL")
