"""What the file sends and reads exists in the WSDL, in its order, with nothing required left out.

PASS  send: {case.ExternalId: …, case.Subject: …} in the order of the schema
FAIL  send: {case.Subjekt: …}                       unknown-element
FAIL  send: {case.Subject: …, case.ExternalId: …}   wrong-order
FAIL  send without `case.Kind`, which is required   element-not-sent
FAIL  `case.Subject: message.address`               may-be-missing: the element is required and an address is not
FAIL  answer: {case_id: CreateCaseReslt.CaseNumber} unknown-element
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from adapters.context import MessageContext
from adapters.expressions import PathSteps, parse
from agencies import model
from agencies.checks.protocol_fits import sending_steps
from agencies.checks.subject import Subject
from agencies.source import Fault, Path, did_you_mean
from connectors.base import BadConnection
from connectors.soap.shape import Shape
from connectors.soap.wsdl import Operation, Wsdl, load_wsdl

_NOT_OF_THE_REPLY = ("http", "fault", "reply", "item")
_MAY_BE_MISSING = {("message", one.name) for one in fields(MessageContext) if one.default is None}


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    connection = subject.file.connection
    if connection.wsdl is None:
        return
    path = (subject.folder / connection.wsdl).resolve()
    if not path.is_relative_to(subject.folder.resolve()):
        yield subject.source.fault(
            ("connection", "wsdl"), "outside-the-folder", "the WSDL lies beside this file or below"
        )
        return
    try:
        wsdl = load_wsdl(path, connection.version)
    except BadConnection as problem:
        yield subject.source.fault(("connection", "wsdl"), "bad-wsdl", str(problem))
        return
    for at, step in sending_steps(subject.file):
        yield from _of_step(subject, wsdl, at, step)


def _of_step(subject: Subject, wsdl: Wsdl, at: Path, step: model.Sends) -> Iterator[Fault]:
    name = step.operation or ""
    operation = wsdl.operations.get(name)
    if operation is None:
        near = did_you_mean(name, wsdl.operations)
        yield subject.source.fault((*at, "operation"), "unknown-operation", f"the WSDL has no such operation.{near}")
        return
    yield from _sent(subject, operation, (*at, "send"), step.send)
    for path, steps in _read(subject, at):
        if operation.reply is not None:
            yield from _unknown(subject, operation.reply, path, steps)


# What is sent


def _sent(subject: Subject, operation: Operation, at: Path, rows: Mapping[str, str]) -> Iterator[Fault]:
    if operation.request is None:
        if rows:
            yield subject.source.fault(at, "unknown-element", "the operation takes nothing")
        return
    known: dict[str, tuple[int, ...]] = {}
    for name in rows:
        place = _place(operation.request, name.split("."))
        if isinstance(place, str):
            yield subject.source.fault((*at, name), "unknown-element", place, of_key=True)
        else:
            known[name] = place
    yield from _order(subject, at, known)
    yield from _required(subject, operation.request, at, rows, ())
    for name in known:
        yield from _may_be_missing(subject, operation.request, (*at, name), name, rows[name])


def _place(request: Shape, steps: Sequence[str]) -> tuple[int, ...] | str:
    """Where an element stands in the order of the wire, or a sentence why it cannot be sent."""
    here, place = request, []
    for step in steps:
        inner = here.elements.get(step)
        if inner is None:
            return f"`{here.name}` has no element `{step}`.{did_you_mean(step, here.elements)}"
        place.append(list(here.elements).index(step))
        here = inner
    if here.kind is None:
        return f"`{here.name}` holds other elements; name one of them.{did_you_mean('', here.elements)}"
    return tuple(place)


def _order(subject: Subject, at: Path, known: Mapping[str, tuple[int, ...]]) -> Iterator[Fault]:
    before: tuple[str, tuple[int, ...]] | None = None
    for name, place in known.items():
        if before is not None and place < before[1]:
            yield subject.source.fault(
                (*at, name), "wrong-order", f"the WSDL wants it before `{before[0]}`", of_key=True
            )
        else:
            before = name, place


def _required(
    subject: Subject, shape: Shape, at: Path, rows: Mapping[str, str], above: tuple[str, ...]
) -> Iterator[Fault]:
    for name, inner in shape.elements.items():
        path = (*above, name)
        dotted = ".".join(path)
        is_sent = any(row == dotted or row.startswith(dotted + ".") for row in rows)
        if inner.required and not is_sent:
            yield subject.source.fault(at, "element-not-sent", f"the WSDL requires `{dotted}`")
        elif is_sent and inner.kind is None and len(path) < 20:
            yield from _required(subject, inner, at, rows, path)


def _may_be_missing(subject: Subject, request: Shape, at: Path, name: str, text: str) -> Iterator[Fault]:
    expression = parse(text)
    shape = request.at(name)
    names = {use.steps for use in expression.paths}
    has_other = any(use.name == "default" for use in expression.filters) or " else " in text
    if shape is not None and shape.required and names and names <= _MAY_BE_MISSING and not has_other:
        yield subject.source.fault(
            at, "may-be-missing", "the WSDL requires it and a message may lack it; add `| default(…)`"
        )


# What is read


def _read(subject: Subject, at: Path) -> Iterator[tuple[Path, PathSteps]]:
    """Paths into the reply of one step, those of items put below their list."""
    each: PathSteps = ()
    for place in subject.places():
        if (
            place.path[: len(at)] != at
            or not (place.of_reply or "item" in place.names)
            or (place.step == "attachment" and not place.of_reply)
        ):
            continue
        expression = parse(place.text)
        if place.path[-1] == "each":
            each = expression.only_path or ()
        for use in expression.paths:
            if use.steps[0] == "item" and each:
                yield place.path, (*each, *use.steps[1:])
            elif use.steps[0] not in _NOT_OF_THE_REPLY:
                yield place.path, use.steps


def _unknown(subject: Subject, reply: Shape, path: Path, steps: PathSteps) -> Iterator[Fault]:
    here = reply
    for step in steps:
        if isinstance(step, int):
            continue
        inner = here.elements.get(step)
        if inner is None:
            text = f"the reply `{here.name}` has no element `{step}`.{did_you_mean(step, here.elements)}"
            yield subject.source.fault(path, "unknown-element", text)
            return
        here = inner
    if path[-1] == "each" and not here.repeats:
        yield subject.source.fault(path, "not-a-list", f"`{here.name}` does not repeat in the WSDL")
