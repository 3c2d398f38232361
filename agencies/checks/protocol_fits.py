"""Steps speak the protocol of the connection: `operation` for soap, `request` for rest, and reading steps change nothing.

PASS  protocol: soap … submit: {operation: CreateCase, send: {…}}
FAIL  protocol: soap … submit: {request: POST /cases, …}
FAIL  protocol: soap … look_up: {operation: FindCases, query: {…}}
FAIL  protocol: rest … look_up: {request: GET /requests, send: {…}}
"""

from __future__ import annotations

from collections.abc import Iterator

from agencies import model
from agencies.checks.subject import Subject
from agencies.source import Fault, Path


def check(subject: Subject) -> Iterator[Fault]:
    """Yield the faults of one file."""
    is_soap = subject.file.connection.protocol == "soap"
    for path, step in sending_steps(subject.file):
        yield from _of_soap(subject, path, step) if is_soap else _of_rest(subject, path, step)
        if isinstance(step, model.Attachment) and not (step.send or step.files):
            yield subject.source.fault(path, "missing-key", "needs `send` or `files`: where do the bytes go?")


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
    if isinstance(step, model.Attachment) and step.send and (step.files or step.form):
        yield subject.source.fault(
            (*path, "send"),
            "wrong-protocol",
            "use `send` (JSON) or `form` and `files` (multipart), not both",
            of_key=True,
        )


def sending_steps(file: model.AgencyFile) -> Iterator[tuple[Path, model.Sends]]:
    """Every step that sends something, with its path."""
    for name in ("submit", "attachment", "withdraw", "look_up", "ask"):
        step = getattr(file, name)
        if step is not None:
            yield (name,), step
    if file.status is not None and file.status.poll is not None:
        yield ("status", "poll"), file.status.poll
