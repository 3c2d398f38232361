"""Steps speak the protocol of the connection: `operation` for soap, `request` for rest, and reading steps change nothing.

PASS  protocol: soap … submit: {operation: CreateCase, send: {…}}
FAIL  protocol: soap … submit: {request: POST /cases, …}
FAIL  protocol: soap … look_up: {operation: FindCases, query: {…}}
FAIL  protocol: rest … look_up: {request: GET /requests, send: {…}}
PASS  protocol: folder … submit: {operation: send, headers: {packet: message.id}, send: {…}}
FAIL  protocol: mail … submit: {operation: send, headers: {to: …}, send: {…}} without `subject` and `case`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agencies import model
from agencies.checks.codes_mean_one_thing import writing_steps
from agencies.checks.subject import Subject
from agencies.model_status import Poll
from agencies.source import Fault, Path


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    protocol = subject.file.connection.protocol
    if protocol in _EXCHANGES:
        for path, step in sending_steps(subject.file):
            yield from _of_exchange(subject, protocol, path, step)
        return
    is_soap = protocol == "soap"
    for path, step in sending_steps(subject.file):
        yield from _of_soap(subject, path, step) if is_soap else _of_rest(subject, path, step)
        carries = isinstance(step, model.Upload) or (isinstance(step, model.Attachment) and not subject.file.upload)
        if carries and not (step.send or step.files or step.form):
            yield subject.source.fault(path, "missing-key", "needs `send` or `files`: where do the bytes go?")


def _of_exchange(subject: Subject, protocol: str, path: Path, step: model.Sends) -> Iterator[Fault]:
    """A folder and mail have three operations, and each wants its `headers`."""
    operations, content = _EXCHANGES[protocol]
    operation = step.operation or ""
    if step.request is not None or operation not in operations:
        text = f"`protocol: {protocol}` has `operation: {'`, `'.join(operations)}`"
        yield subject.source.fault((*path, "request" if step.request else "operation"), "wrong-protocol", text)
        return
    for name in operations[operation]:
        if name not in step.headers:
            yield subject.source.fault(path, "missing-key", f"`{operation}` needs the row `{name}` of `headers`")
    for name in step.headers:
        if name not in (*operations[operation], *_MAY_STAND.get((protocol, operation), ())):
            yield subject.source.fault(
                (*path, "headers", name), "wrong-protocol", "there is no such row here", of_key=True
            )
    for table in ("send", "form", "query", "files"):
        if getattr(step, table, None) and (table not in content or operation == "read"):
            text = f"`{operation}` of `protocol: {protocol}` has no `{table}`"
            yield subject.source.fault((*path, table), "wrong-protocol", text, of_key=True)
    if operation == "send" and not step.send:
        yield subject.source.fault(path, "missing-key", "needs `send`: what is said?")


_EXCHANGES: Mapping[str, tuple[Mapping[str, tuple[str, ...]], tuple[str, ...]]] = {
    "folder": ({"send": ("packet",), "read": (), "archive": ("packet",)}, ("send", "form", "files")),
    "mail": ({"send": ("to", "subject", "case"), "read": (), "archive": ("id",)}, ("send", "files")),
}
"""Protocol → its operations with the rows of `headers` that each needs, and the tables that carry content."""
_MAY_STAND: Mapping[tuple[str, str], tuple[str, ...]] = {("folder", "archive"): ("receipt",)}


def _of_soap(subject: Subject, path: Path, step: model.Sends) -> Iterator[Fault]:
    if step.request is not None:
        yield subject.source.fault(
            (*path, "request"), "wrong-protocol", "`request` belongs to rest; name the `operation`", of_key=True
        )
    for table in ("query", "form", "files"):
        if getattr(step, table, None):
            yield subject.source.fault(
                (*path, table), "wrong-protocol", "belongs to rest; soap takes `send` only", of_key=True
            )


def _of_rest(subject: Subject, path: Path, step: model.Sends) -> Iterator[Fault]:
    if step.operation is not None:
        yield subject.source.fault(
            (*path, "operation"), "wrong-protocol", "`operation` belongs to soap; write `request: POST /…`", of_key=True
        )
    if step.request is not None and step.request.startswith("GET ") and step.send:
        yield subject.source.fault((*path, "send"), "wrong-protocol", "a GET has no body; use `query`", of_key=True)
    if step.send and (step.files or step.form):
        yield subject.source.fault(
            (*path, "send"),
            "wrong-protocol",
            "use `send` (JSON) or `form` and `files` (multipart), not both",
            of_key=True,
        )


def sending_steps(file: model.AgencyFile) -> Iterator[tuple[Path, model.Sends]]:
    """Every step that sends something, with its path."""
    yield from writing_steps(file)
    for name in ("look_up", "ask"):
        step = getattr(file, name)
        if step is not None:
            yield (name,), step
    for name, table in file.fetched_tables.items():
        yield ("fetched_tables", name), table
    if file.status is not None:
        if file.status.poll is not None:
            yield from _of_feed(("status", "poll"), file.status.poll)
        for name, poll in file.status.also_poll.items():
            yield from _of_feed(("status", "also_poll", name), poll)


def _of_feed(path: Path, poll: Poll) -> Iterator[tuple[Path, model.Sends]]:
    yield path, poll
    for name, read in poll.then.items():
        yield (*path, "then", name), read
    if poll.acknowledge is not None:
        yield (*path, "acknowledge"), poll.acknowledge
