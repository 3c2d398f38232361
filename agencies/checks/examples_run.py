"""The examples of the file come out as the file says.

PASS  {name: a pothole, message: city-roads/samples/pothole.yaml, sends: {case.Kind: "0412"}} when that is what is sent
FAIL  the same when `0499` is sent
FAIL  {item: {…}, reads: {means: answered}} when the item cannot be read
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from adapters.adapter import Adapter, CannotBuild
from adapters.expressions import follow
from agencies import model_examples as model
from agencies.build import MEANINGS, build_adapter
from agencies.checks.subject import Subject
from agencies.sample import load_sample
from agencies.source import Fault, FileFaults, Path
from connectors.base import Fault as SoapFault
from connectors.base import Reply, Request, Tree
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


def _sends(subject: Subject, adapter: Adapter, at: Path, example: model.Example) -> Iterator[Fault]:
    path = (subject.folder / str(example.message)).resolve()
    if not path.is_relative_to(subject.folder.resolve()):
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
        sent = follow(call.body, name.split("."))
        if sent is None or _text(sent) != wanted:
            yield subject.source.fault((*at, "sends", name), "example-fails", f"sends {_shown(sent)}")
    for place, name in enumerate(example.leaves_out):
        sent = follow(call.body, name.split("."))
        if sent is not None:
            yield subject.source.fault((*at, "leaves_out", place), "example-fails", f"sends {_shown(sent)}")


def _comes_to(
    subject: Subject, adapter: Adapter, at: Path, reply: model.ExampleReply, wanted: model.ExampleComes
) -> Iterator[Fault]:
    if getattr(adapter.plan, reply.step) is None:
        yield subject.source.fault((*at, "reply", "step"), "example-fails", "the file has no such step")
        return
    fault = SoapFault(reply.fault.code, reply.fault.text) if reply.fault else None
    tree = _tree(reply.body)
    whole = Reply(status=reply.http_status, headers={}, raw=b"", tree=tree, request=_NO_REQUEST, fault=fault)
    read = {"submit": adapter.read_submit, "attachment": adapter.read_attachment, "withdraw": adapter.read_withdraw}
    outcome = read[reply.step](whole)
    came = _word(outcome)
    if came != wanted.outcome:
        yield subject.source.fault((*at, "comes_to", "outcome"), "example-fails", f"comes to `{came}`: {outcome.text}")
    if wanted.case_id is not None and outcome.case_id != wanted.case_id:
        yield subject.source.fault((*at, "comes_to", "case_id"), "example-fails", f"reads {_shown(outcome.case_id)}")


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
    change = read.change
    if change.means is not MEANINGS[wanted.means]:
        yield subject.source.fault((*at, "reads", "means"), "example-fails", f"means `{change.means}`")
    when = change.occurred_at.isoformat() if change.occurred_at else None
    if wanted.at is not None and when != wanted.at:
        yield subject.source.fault((*at, "reads", "at"), "example-fails", f"reads {_shown(when)}")
    answer = change.answer.text if change.answer else None
    if wanted.answer is not None and answer != wanted.answer:
        yield subject.source.fault((*at, "reads", "answer"), "example-fails", f"reads {_shown(answer)}")


def _tree(value: object) -> Tree:
    """Scalars of a YAML file are texts, and stay so."""
    if isinstance(value, Mapping):
        return {str(key): _tree(inner) for key, inner in value.items()}
    if isinstance(value, list):
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
