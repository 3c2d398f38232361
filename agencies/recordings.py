"""Contract recordings: what an agency's sandbox really answered, scrubbed, kept beside its file and replayed without a network.

A recording is a YAML file `<code>/recordings/<step>-<case>.yaml`: the message, the request without its login, the reply, and what the
file made of it. Promises: a replay makes the request anew by the file as it is now and reads the recorded reply by the very
connector and adapter that work in production; any difference is told.
"""

from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import yaml
from pydantic import Field

from adapters.adapter import Adapter, AskRefused, FeedRefused, Found, NotFound
from adapters.context import MessageContext
from agencies.build import names_read
from agencies.connecting import Environment
from agencies.dry_run import CASE_ID, DryRun, Kept, shown
from agencies.grade import recordings_folder
from agencies.model_security import InBody
from agencies.registry import Registry
from agencies.rehearsal import rehearse
from agencies.sample import SampleMessage, message_of, sample_of
from agencies.scrubbing import CannotScrub, scrub
from agencies.source import FileFaults, FileModel, load
from connectors.base import Connector, ConnectorError, Reply, Request
from connectors.http import Limits, RawReply, Wire

_BARE: Mapping[str, object] = {
    "address": "http://the-agency.invalid",
    "tls": None,
    "reply_charset": None,
    "headers": {},
}
"""A recording is the same wherever the sandbox is, headers of every call included, and its replies are kept in UTF-8."""
_KEPT_HEADERS = ("content-type", "retry-after", "location")
_Text = Annotated[str, Field(max_length=1_000_000)]


class RecordedReply(FileModel):
    """What the agency answered, scrubbed."""

    status: Annotated[int, Field(ge=100, le=599)] = Field(description="HTTP status")
    headers: dict[str, _Text] = Field(default={}, description="the few headers that are read")
    body: _Text = Field(default="", description="the body, as UTF-8")


class Recording(FileModel):
    """One call and its reply."""

    version: Literal["1"] = Field(description="version of this form")
    step: Annotated[str, Field(max_length=40)] = Field(description="which step of the file")
    case: Annotated[str, Field(max_length=40)] = Field(description="what was tried")
    case_id: Annotated[str, Field(max_length=200)] = Field(default=CASE_ID, description="the case the call is about")
    message: SampleMessage = Field(description="the invented message")
    kept: dict[str, dict[str, _Text]] = Field(default={}, description="what the answers before this call kept")
    request: _Text = Field(description="the request without its login, as `okno agency dry-run` shows it")
    reply: RecordedReply = Field(description="the reply")
    comes_to: _Text = Field(description="what the file made of it")


@dataclass(frozen=True, slots=True)
class Replayed:
    """One recording after its replay; without `problems` it still holds."""

    path: pathlib.Path
    problems: tuple[str, ...]


class _RecordedWire(Wire):
    """Answers every request with one recorded reply; there is no network behind it."""

    def __init__(self, reply: RecordedReply) -> None:  # no session: nothing is ever sent
        self._reply = reply

    async def exchange(self, request: Request, limits: Limits, **_: object) -> RawReply:
        return RawReply(request, self._reply.status, self._reply.headers, self._reply.body.encode())


class Bench:
    """One agency file with the logins taken off, so that a request is the same today and tomorrow and holds no secret."""

    def __init__(self, path: pathlib.Path, environment: Environment, categories: Collection[str] | None = None) -> None:
        """Raises FileFaults."""
        self.run = DryRun(path, raw=False, environment=environment, categories=categories)
        connection = self.run.file.connection
        kept = tuple(way for way in connection.securities if isinstance(way, InBody))
        bare = connection.model_copy(update={**_BARE, "security": kept or None})
        self.run.change_file(self.run.file.model_copy(update={"connection": bare}))

    @property
    def adapter(self) -> Adapter:
        return self.run.adapter

    def request(self, step: str, message: MessageContext, case_id: str, kept: Kept) -> str:
        """The request as a recording keeps it. Raises what DryRun.request raises."""
        return shown(self.run.request(step, message, case_id, kept))

    async def read(self, step: str, message: MessageContext, case_id: str, kept: Kept, reply: RecordedReply) -> str:
        """What the file makes of a recorded reply, in one line."""
        connector = self.run.connector(_RecordedWire(reply))
        try:
            whole = await connector.send(self.run.call(step, message, case_id, kept))
        except ConnectorError as error:
            return f"nothing: {error.text}"
        return meaning(self.adapter, step, whole, message, case_id)


def meaning(adapter: Adapter, step: str, reply: Reply, message: MessageContext, case_id: str) -> str:
    """What a reply comes to, in one line."""
    if step == "look_up":
        found = adapter.read_look_up(reply, message)
        if isinstance(found, Found):
            return f"found {', '.join(sorted(found.case_ids.values()))}"
        return "not found" if isinstance(found, NotFound) else f"unclear: {found.reason}"
    if step == "ask":
        try:
            return f"means {adapter.read_ask(reply, case_id).means}"
        except AskRefused as refused:
            return f"refused: {refused.text}"
    if step == "poll":
        try:
            page = adapter.read_poll(reply, None, message.received_at)
        except FeedRefused as refused:
            return f"refused: {refused.text}"
        words = [str(one.change.means) if one.change is not None else f"unreadable, {one.fault}" for one in page.items]
        return f"{len(words)} items: {'; '.join(words)}" if words else "0 items"
    outcome = adapter.read_write(step, reply, message)
    word = "already_there" if outcome.already_there else outcome.kind.value
    return f"{word} {outcome.case_id}" if outcome.case_id else word


async def record(
    bench: Bench, registry: Registry, connector: Connector, step: str, case: str, message: MessageContext, case_id: str
) -> tuple[pathlib.Path, str, Reply]:
    """Make one real call after those that come before it, and keep it; the file, what it came to, and the reply.

    Raises ConnectorError, CannotBuild, NotRehearsed and CannotScrub.
    """
    code = bench.run.file.agency.code
    adapter = registry.adapter(code)
    kept = await rehearse(bench.run, adapter, connector, step, message, case_id)
    reply = await connector.send(bench.run.call(step, message, case_id, kept))
    request = bench.request(step, message, case_id, kept)
    headers = {name: reply.headers[name] for name in _KEPT_HEADERS if name in reply.headers}
    if "content-type" in headers:
        headers["content-type"] = headers["content-type"].split(";")[0]
    body = scrub(
        reply.raw,
        headers.get("content-type", ""),
        codes_under=adapter.safe_names | frozenset(names_read(bench.run.file)),
        ours=request,
        secrets=registry.secrets(code),
        reference=message.reference,
    )
    scrubbed = RecordedReply(status=reply.status, headers=headers, body=body)
    comes_to = meaning(adapter, step, reply, message, case_id)
    if (read := await bench.read(step, message, case_id, kept, scrubbed)) != comes_to:
        text = (
            f"without its words the reply comes to `{read}` in place of `{comes_to}`: the file reads a code from a text"
        )
        raise CannotScrub(text)
    recording = Recording(
        version="1",
        step=step,
        case=case,
        case_id=case_id,
        message=sample_of(message),
        kept={name: dict(values) for name, values in kept.items()},
        request=request,
        reply=scrubbed,
        comes_to=comes_to,
    )
    return _kept(bench, recording), comes_to, reply


class _Readable(yaml.SafeDumper):
    """Lines stay lines: recordings are read and reviewed by people."""


def _written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _written)


def _kept(bench: Bench, recording: Recording) -> pathlib.Path:
    folder = recordings_folder(bench.run.source)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{recording.step}-{recording.case}.yaml"
    data = recording.model_dump(mode="json", exclude_none=True, exclude_defaults=False)
    text = yaml.dump(_as_texts(data), Dumper=_Readable, allow_unicode=True, sort_keys=False, width=1000)
    path.write_text(
        f"# Recorded by `okno agency record`, scrubbed; replayed by `okno agency test`.\n{text}", encoding="utf-8"
    )
    return path


def _as_texts(value: object) -> object:
    """Every scalar of our files is a text."""
    if isinstance(value, dict):
        return {key: _as_texts(inner) for key, inner in value.items() if inner not in ([], {})}
    if isinstance(value, list):
        return [_as_texts(inner) for inner in value]
    return value if isinstance(value, str) else str(value)


async def replay(bench: Bench) -> AsyncIterator[Replayed]:
    """Every recording of the file against the file as it is now."""
    for path in sorted(recordings_folder(bench.run.source).glob("*.yaml")):
        try:
            recording = load(path, Recording)
        except FileFaults as found:
            yield Replayed(path, tuple(map(str, found.faults)))
            continue
        message = message_of(recording.message)
        problems = [
            *_differences(recording.request, bench.request(recording.step, message, recording.case_id, recording.kept))
        ]
        read = await bench.read(recording.step, message, recording.case_id, recording.kept, recording.reply)
        if read != recording.comes_to:
            problems.append(f"the reply comes to `{read}`, and came to `{recording.comes_to}`")
        yield Replayed(path, tuple(problems))


def _differences(recorded: str, now: str) -> Iterator[str]:
    if recorded.strip() == now.strip():
        return
    for before, after in zip([*recorded.splitlines(), ""], [*now.splitlines(), ""], strict=False):
        if before != after:
            yield f"the request is other than recorded: `{after[:120]}` in place of `{before[:120]}`"
            return
    yield "the request is longer or shorter than recorded"
