"""The examples of the file come out as the file says.

PASS  {name: a pothole, message: city-roads/samples/pothole.yaml, sends: {case.Kind: "0412"}} when that is what is sent
FAIL  the same when `0499` is sent
FAIL  {item: {…}, reads: {means: answered}} when the item cannot be read
FAIL  {reply: {step: ask, body: {…}}, reads: {means: answered}} when another state is read
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapters.adapter import Adapter, AskRefused, CannotBuild, CaseNow, NotSupported
from adapters.expressions import follow
from agencies import model_examples as model
from agencies.build import MEANINGS, build_adapter
from agencies.checks.subject import Subject
from agencies.sample import load_sample
from agencies.source import Fault, FileFaults, Path
from connectors.base import Call, Reply, Request, Tree
from connectors.base import Fault as SoapFault
from domain.foreign_change import ForeignChange
from domain.outcome import Outcome

_SHOWN = 60
_NO_REQUEST = Request("POST", "", {}, b"")


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    adapter = build_adapter(subject.file)
    for number, example in enumerate(subject.file.examples):
        at: Path = ("examples", number)
        if example.message is not None:
            yield from _sends(subject, adapter, at, example)
        elif example.reply is not None and example.comes_to is not None:
            yield from _comes_to(subject, adapter, at, example.reply, example.comes_to)
        elif example.item is not None and example.reads is not None:
            yield from _reads(subject, adapter, at, example.item, example.reads)
        elif example.reply is not None and example.reads is not None:
            yield from _asked(subject, adapter, at, example.reply, example.reads)


def _sends(subject: Subject, adapter: Adapter, at: Path, example: model.Example) -> Iterator[Fault]:
    path = subject.below((*at, "message"), str(example.message))
    if path is None:
        yield subject.source.fault((*at, "message"), "outside-the-folder", "the sample lies beside this file or below")
        return
    try:
        call = adapter.submit_call(load_sample(path))
    except FileFaults as faults:
        yield from faults.faults
        return
    except CannotBuild as problem:
        yield subject.source.fault(at, "example-fails", problem.text)
        return
    for name, wanted in example.sends.items():
        sent = _sent(call, name)
        if sent is None or _text(sent) != wanted:
            yield subject.source.fault((*at, "sends", name), "example-fails", f"sends {_shown(sent)}")
    for place, name in enumerate(example.leaves_out):
        sent = _sent(call, name)
        if sent is not None:
            yield subject.source.fault((*at, "leaves_out", place), "example-fails", f"sends {_shown(sent)}")


def _sent(call: Call, name: str) -> object:
    """What a row of the step came to, wherever in the call it goes."""
    for table in (call.form, call.query, call.headers):
        if name in table:
            return table[name]
    return follow(call.body, [int(step) if step.isdecimal() else step for step in name.split(".")])


def _comes_to(
    subject: Subject, adapter: Adapter, at: Path, reply: model.ExampleReply, wanted: model.ExampleComes
) -> Iterator[Fault]:
    try:
        outcome = adapter.read_write(reply.step, _whole(reply))
    except NotSupported:
        yield subject.source.fault((*at, "reply", "step"), "example-fails", "the file has no such step")
        return
    came = _word(outcome)
    if came != wanted.outcome:
        yield subject.source.fault((*at, "comes_to", "outcome"), "example-fails", f"comes to `{came}`: {outcome.text}")
    if wanted.case_id is not None and outcome.case_id != wanted.case_id:
        yield subject.source.fault((*at, "comes_to", "case_id"), "example-fails", f"reads {_shown(outcome.case_id)}")


def _whole(reply: model.ExampleReply) -> Reply:
    fault = SoapFault(reply.fault.code, reply.fault.text) if reply.fault else None
    return Reply(reply.http_status, headers={}, raw=b"", tree=_tree(reply.body), request=_NO_REQUEST, fault=fault)


def _word(outcome: Outcome) -> str:
    return "already_there" if outcome.already_there else outcome.kind.value


def _reads(
    subject: Subject, adapter: Adapter, at: Path, item: Mapping[str, object], wanted: model.ExampleChange
) -> Iterator[Fault]:
    if adapter.plan.poll is None:
        yield subject.source.fault((*at, "item"), "example-fails", "the file has no `status.poll` that could read it")
        return
    read = adapter.read_kept_item(_tree(item))
    if read.change is None:
        yield subject.source.fault((*at, "item"), "example-fails", f"cannot be read: {read.fault}")
        return
    note = read.change.note if read.change.note_is_public else None
    answer = read.change.answer.text if read.change.answer else None
    yield from _differs(subject, at, read.change, wanted, note=note, answer=answer)


def _asked(
    subject: Subject, adapter: Adapter, at: Path, reply: model.ExampleReply, wanted: model.ExampleChange
) -> Iterator[Fault]:
    if adapter.plan.ask is None:
        yield subject.source.fault((*at, "reply", "step"), "example-fails", "the file has no such step")
        return
    try:
        now = adapter.read_ask(_whole(reply))
    except AskRefused as refused:
        yield subject.source.fault((*at, "reply"), "example-fails", f"cannot be read: {refused.text}")
        return
    yield from _differs(subject, at, now, wanted, note=now.note, answer=None)


def _differs(
    subject: Subject,
    at: Path,
    read: ForeignChange | CaseNow,
    wanted: model.ExampleChange,
    *,
    note: str | None,
    answer: str | None,
) -> Iterator[Fault]:
    if read.means is not MEANINGS[wanted.means]:
        yield subject.source.fault((*at, "reads", "means"), "example-fails", f"means `{read.means}`")
    when = read.occurred_at.isoformat() if read.occurred_at else None
    for name, came in (("at", when), ("note", note), ("answer", answer)):
        if getattr(wanted, name) not in (None, came):
            yield subject.source.fault((*at, "reads", name), "example-fails", f"reads {_shown(came)}")


def _tree(value: object) -> Tree:
    """Scalars of a YAML file are texts, and stay so."""
    if isinstance(value, Mapping):
        return {str(key): _tree(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tree(inner) for inner in value]
    return str(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _shown(value: object) -> str:
    """A value of a sample, which is invented and may be shown."""
    if value is None:
        return "nothing"
    text = _text(value)
    return f"`{text}`" if len(text) <= _SHOWN else f"`{text[:_SHOWN]}…`"
