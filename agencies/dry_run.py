"""What would be sent, without sending it: the request of any step, rendered by the very connector that would carry it.

Promises: nothing leaves the process; without `raw` no secret even enters the request, because a stand-in takes its
place before anything is rendered; with `raw` the bytes are those that the agency would receive (a login's token and
what changes with every call, a nonce or a time, apart).
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from adapters.adapter import Adapter
from adapters.context import AttachmentContext, Circumstances, MessageContext
from agencies.checking import read_checked
from agencies.model import AgencyFile
from agencies.model_sending import NamedStep
from agencies.model_walk import Mark, marked
from agencies.registry import Environment, Registry
from agencies.sample import SampleAttachment, invented_attachment, load_sample
from agencies.secrets import Reference
from agencies.source import Fault
from connectors.base import Call, Connector, Request
from connectors.capture import CapturingConnector
from connectors.http import Wire

HIDDEN = "secret-not-shown-"
CASE_ID = "CASE-1"
KEPT = "1"
"""What stands for a value that an earlier answer would have kept."""
UPLOAD = "upload"
Kept: TypeAlias = "Mapping[str, Mapping[str, str]]"
"""What answers kept, by their step; `upload` for every attachment, or `upload.2` for the second."""
_OF_A_CASE = ("attachment", "withdraw", "add_comment", "reopen", "set_priority")


class NoSuchStep(Exception):
    """The file does not describe this step."""


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """One example of the file: its name, and what was wrong with it."""

    name: str
    faults: tuple[Fault, ...]


class DryRun:
    """One agency file, ready to show what it would send."""

    def __init__(
        self, path: pathlib.Path, *, raw: bool, environment: Environment, categories: Collection[str] | None = None
    ) -> None:
        """Reads and checks the file; examples that fail are no hindrance. Raises FileFaults."""
        self.source, self.file, failed = read_checked(path, categories)
        self._variables = dict(os.environ) if raw else _stand_ins(self.file)
        self._environment: Environment = environment
        self._registry = Registry.of_checked(
            [(self.source, self.file)], environment=environment, variables=self._variables
        )
        self._failed = failed

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that can be shown."""
        named = [one.name for one in (*self.file.before, *self.file.then)]
        known = ["submit", "upload", *_OF_A_CASE]
        steps = [name for name in known if getattr(self.file, name) is not None] + named
        steps += [f"{name}.{one.name}" for name in _OF_A_CASE for one in self.adapter.before(name)]
        steps += [name for name in ("look_up", "ask") if getattr(self.file, name) is not None]
        return (*steps, "poll") if self.file.status is not None and self.file.status.poll is not None else tuple(steps)

    def sample(self, path: pathlib.Path | None = None) -> MessageContext:
        """The message of a file, else that of the first example with one, else an invented one. Raises FileFaults."""
        if path is not None:
            return load_sample(path)
        for number, example in enumerate(self.file.examples):
            if example.message is not None:
                return load_sample(self.source.folder_of(("examples", number, "message")) / example.message)
        return invented_message(self.file)

    @property
    def adapter(self) -> Adapter:
        """The adapter of the file."""
        return self._registry.adapter(self.file.agency.code)

    def connector(self, wire: Wire | None) -> Connector:
        """A connector of the file; without a wire it only renders. Raises UnsetVariable or BadConnection."""
        return self._registry.connector_on(self.file.agency.code, wire)

    def change_file(self, file: AgencyFile) -> None:
        """Go on with another version of the file."""
        self.file = file
        self._registry = self._registry.of_checked(
            [(self.source, file)], environment=self._environment, variables=self._variables
        )

    def request(self, step: str, message: MessageContext, case_id: str = CASE_ID, kept: Kept | None = None) -> Request:
        """The request of a step. Raises NoSuchStep, CannotBuild, NotSent, UnsetVariable or BadConnection."""
        return CapturingConnector(self.connector(None)).render(self.call(step, message, case_id, kept))

    def call(self, step: str, message: MessageContext, case_id: str = CASE_ID, kept: Kept | None = None) -> Call:
        """The call of a step, before any byte is made; `kept` is what the answers before it kept, else a stand-in for each.

        Raises NoSuchStep and CannotBuild.
        """
        if step not in self.steps:
            raise NoSuchStep(f"the file has no step `{step}`; it has {', '.join(self.steps)}")
        return _call(self.adapter, step, message, case_id, self._stand_ins_for_kept() if kept is None else kept)

    def _stand_ins_for_kept(self) -> Kept:
        own = [*self.file.before, *self.file.then, *(one for name in _OF_A_CASE for one in _before(self.file, name))]
        answers = {one.name: one.answer for one in own} | {"submit": self.file.submit.answer}
        if self.file.upload is not None:
            answers[UPLOAD] = self.file.upload.answer
        return {name: dict.fromkeys(answer.keep, KEPT) for name, answer in answers.items() if answer.keep}

    def examples(self) -> list[ExampleResult]:
        """Every example of the file with what failed in it."""
        results = []
        for number, example in enumerate(self.file.examples):
            begins = self.source.position(("examples", number)).line
            ends = self.source.position(("examples", number + 1)).line if number + 1 < len(self.file.examples) else None
            mine = [one for one in self._failed if one.line >= begins and (ends is None or one.line < ends)]
            results.append(ExampleResult(example.name, tuple(mine)))
        return results


def shown(request: Request, charset: str = "utf-8") -> str:
    """The request for people: what is secret is named and not shown, and bytes that are no text are told by their length."""
    lines = [f"{request.method} {_unhidden(request.url)}"]
    for name, value in request.headers.items():
        hidden = name.lower() == "authorization" and not value.startswith("Bearer")
        lines.append(f"{name}: {value.split(' ')[0] + ' ‹secret›' if hidden else _unhidden(value)}")
    return "\n".join([*lines, "", *_body(request, charset)]).rstrip()


def wire_bytes(request: Request) -> bytes:
    """The whole HTTP/1.1 request as it goes over the wire."""
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = [f"{request.method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.body or request.method not in ("GET", "HEAD"):
        head.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join([*head, "", ""]).encode("utf-8") + request.body


def invented_message(file: AgencyFile) -> MessageContext:
    """A message that the agency would receive, with two attachments; everything in it is made up."""
    category = file.agency.receives[0].replace("*", "other")
    tables = [row for table in file.translate.values() for row in table if row != "*" and "/" in row]
    return MessageContext(
        reference="26-0001-2345-8",
        id="0197b0a0-0000-7000-8000-000000000001",
        subject="Глубокая яма у остановки",
        text="У остановки глубокая яма, машины объезжают её по встречной полосе.\nПросим заделать.",
        category=tables[0] if tables else category,
        category_name="Ямы на дорогах",
        received_at=datetime(2026, 3, 2, 6, 15, 7, 250_000, tzinfo=UTC),
        latitude=54.507041,
        longitude=36.252277,
        accuracy_m=8.0,
        address="Калуга, улица Суворова, 121",
        territory="29701000",
        attachments_count=2,
        attachments=(_photo(1), _photo(2)),
    )


def _photo(number: int) -> AttachmentContext:
    return invented_attachment(number - 1, SampleAttachment(name=f"Фото {number}.jpg"))


def circumstances_of(kept: Kept) -> Circumstances:
    """What a call or a reply sees of the answers before it."""
    return Circumstances(steps={name: values for name, values in kept.items() if not name.startswith(UPLOAD)})


def with_uploads(message: MessageContext, kept: Kept) -> MessageContext:
    """The message with what the uploads of its attachments kept."""
    files = enumerate(message.attachments, 1)
    items = [replace(one, uploaded=kept.get(f"{UPLOAD}.{number}", kept.get(UPLOAD, {}))) for number, one in files]
    return replace(message, attachments=tuple(items))


def _before(file: AgencyFile, step: str) -> tuple[NamedStep, ...]:
    found: tuple[NamedStep, ...] = getattr(getattr(file, step), "before", ())
    return found


def _call(adapter: Adapter, step: str, message: MessageContext, case_id: str, kept: Kept) -> Call:
    case_ids = {"case_id": case_id}
    circumstances = circumstances_of(kept)
    message = with_uploads(message, kept)
    item = message.attachments[0] if message.attachments else _photo(1)
    call: Call | None
    if step == "look_up":
        call = adapter.look_up_call(message, circumstances)
    elif step == "ask":
        call = adapter.ask_call(case_ids)
    elif step == "poll":
        call = adapter.poll_call(None, message.received_at)
    elif step in ("upload", "attachment"):
        call = adapter.write_call(step, message, circumstances, case_ids=case_ids, item=item)
    elif step == "submit":
        call = adapter.submit_call(message, circumstances)
    else:
        others = _own_roots(step.partition(".")[0], message)
        call = adapter.write_call(step, message, circumstances, case_ids=case_ids, item=None, **others)
    if call is None:
        raise NoSuchStep(f"the file has no step `{step}`")
    return call


def _own_roots(step: str, message: MessageContext) -> Mapping[str, Any]:
    """What a step may name beside the message, invented."""
    comment = {"id": "0197b0a0-0000-7000-8000-0000000000c1", "text": "Яма стала глубже.", "at": message.received_at}
    roots: dict[str, Mapping[str, Any]] = {
        "add_comment": {"comment": comment},
        "reopen": {"reopening": {"reason": "not_solved", "text": "Яма осталась.", "round": 2}},
        "set_priority": {"priority": {"value": "high"}},
    }
    return roots.get(step, {})


_ADDRESSES = {"folder": "/srv/", "mail": "smtps://"}
"""How a stand-in for an unset address begins, where it is no web address."""


def _stand_ins(file: AgencyFile) -> dict[str, str]:
    """The environment with a stand-in for each secret, and for what is not set."""
    variables = dict(os.environ)
    for one in marked(file):
        if one.mark not in (Mark.SECRET, Mark.VARIABLES):
            continue
        for name in Reference(one.text).names:
            if _is_pem(variables.get(name, "")):
                continue
            if one.mark is Mark.SECRET:
                variables[name] = HIDDEN + name
            elif not variables.get(name):
                is_address = one.path[:2] == ("connection", "address")
                host = f"{name.lower().replace('_', '-')}.invalid"
                begins = _ADDRESSES.get(file.connection.protocol, "http://")
                variables[name] = begins + host if is_address else name.lower()
    return variables


def _is_pem(value: str) -> bool:
    return "-----BEGIN" in value or (value.endswith((".pem", ".crt", ".key")) and pathlib.Path(value).is_file())


def _unhidden(text: str) -> str:
    while HIDDEN in text:
        before, _, after = text.partition(HIDDEN)
        name = after[: len(after) - len(after.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"))]
        text = f"{before}‹{name}›{after[len(name) :]}"
    return text


def _body(request: Request, charset: str) -> Sequence[str]:
    if not request.body:
        return []
    try:
        return [_unhidden(request.body.decode(charset))]
    except UnicodeDecodeError:
        return [_unhidden(line) for line in _pieces(request.body)]


def _pieces(body: bytes) -> list[str]:
    """Lines of text as they are; what is no text by its length."""
    lines: list[str] = []
    for line in body.split(b"\r\n"):
        try:
            lines.append(line.decode("utf-8"))
        except UnicodeDecodeError:
            lines.append(f"‹{len(line)} bytes›")
    return lines
