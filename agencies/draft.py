"""A first agency file from what an agency gives: its WSDL, its OpenAPI description, or a file that is much like it.

Promises: names and order are those of the description; required fields are always there; what only a person can know
is a question (`???`), and what was guessed from a name says so; the result has no other fault.
"""

from __future__ import annotations

import pathlib
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from agencies.draft_guesses import case_id_among, making_among, result_among, value_of
from agencies.fault import did_you_mean
from agencies.open_questions import SIGN
from agencies.openapi import BadDescription, Description, Operation, Schema, load_openapi
from agencies.profile_file import ProfileHead
from agencies.source import Source
from connectors.base import BadConnection
from connectors.soap.shape import Kind, Shape
from connectors.soap.wsdl import Operation as SoapOperation
from connectors.soap.wsdl import Version, Wsdl, load_wsdl

_GUESSED = "guessed by its name"
_REQUEST_LINE = re.compile(r"(POST|PUT|PATCH) /\S*")
_BY_HAND = (
    ("their field for our number; without one let it begin the subject", "message.reference"),
    ("their field for the subject", "message.subject | one_line | shorten(120)"),
    ("their field for the text", "message.text"),
)
_DEEPEST = 8
_LONGEST_LIST = 30


class CannotDraft(Exception):
    """No file can be made of this. The text says why and what to do."""


@dataclass
class Draft:
    """A file to be written, and the documents that must lie beside it: where to, from where."""

    text: str
    copies: dict[pathlib.PurePath, pathlib.Path] = field(default_factory=dict)

    def write(self, path: pathlib.Path) -> None:
        """Write the file and its documents. Raises FileExistsError when the file is there, OSError."""
        with path.open("x", encoding="utf-8") as stream:
            stream.write(self.text)
        for relative, document in self.copies.items():
            target = path.parent / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.resolve() != document.resolve():
                shutil.copyfile(document, target)


@dataclass(frozen=True)
class _Row:
    name: str
    value: str
    remark: str
    required: bool

    @property
    def is_question(self) -> bool:
        return self.value.startswith(SIGN)


def from_wsdl(code: str, wsdl: pathlib.Path, submit: str | None = None) -> Draft:
    """A file for a SOAP system; `submit` names the operation that makes a case. Raises CannotDraft."""
    version, read = _read_wsdl(wsdl)
    name = submit or making_among(read.operations)
    if name is None or name not in read.operations:
        raise CannotDraft(_which("operation", "--submit", name, read.operations))
    operation = read.operations[name]
    rows = list(_soap_rows(operation.request, (), 0)) if operation.request else []
    reply = list(_leaves(operation.reply, (), 0)) if operation.reply else []
    target = pathlib.PurePath(code) / wsdl.name
    parts = [
        _head(code),
        f"connection:\n  protocol: soap\n  wsdl: {target}\n",
        f'  version: "{version}"\n' if version != "1.1" else "",
        _reached(code, "{kind: wsse-username, username: …, password: …} or {kind: basic, …}"),
        f"\nsubmit:\n  operation: {name}\n",
        _send("send", rows),
        _answer(case_id_among(reply), result_among(reply)),
        _kinds(rows),
        _others(f"{one.name}({', '.join(_needs(one))})" for one in read.operations.values() if one.name != name),
    ]
    copies = {
        pathlib.PurePath(code) / document.relative_to(wsdl.resolve().parent): document for document in read.digests
    }
    return Draft("".join(parts), copies)


def from_openapi(code: str, openapi: pathlib.Path, submit: str | None = None) -> Draft:
    """A file for a REST system; `submit` is the request line that makes a case. Raises CannotDraft."""
    try:
        described = load_openapi(openapi)
        return _of_description(code, openapi, described, submit)
    except BadDescription as problem:
        raise CannotDraft(str(problem)) from problem


def from_request(code: str, submit: str) -> Draft:
    """A file for a REST system that describes itself nowhere; `submit` is the request line that makes a case. Raises CannotDraft."""
    if not _REQUEST_LINE.fullmatch(submit):
        raise CannotDraft(
            f"{submit} is no method with a path. Write it as HTTP does: --submit {_quoted('POST /tickets')}"
        )
    rows = "".join(f"    {_quoted(f'{SIGN} {question}')}: {value}\n" for question, value in _BY_HAND)
    parts = [
        _head(code),
        "connection:\n  protocol: rest\n",
        _reached(code, "{kind: basic, username: …, password: …}, {kind: api-key, …} or another"),
        f"\nsubmit:\n  request: {submit}\n  send:\n{rows}",
        _answer(None, "http.status", accepted='["200", "201"]'),
    ]
    return Draft("".join(parts))


def from_profile(code: str, profile: pathlib.Path) -> Draft:
    """The few lines of an agency whose product is known. Raises FileFaults."""
    head = Source.read(profile).typed(ProfileHead)
    lines = [_head(code), f"uses: {head.system.code}@{head.system.version}\nwith:\n"]
    for name, ask in head.asks.items():
        if ask.kind == "secret":
            value = f"${{{_variable(code)}_{name.upper()}}}"
        elif ask.kind == "address":
            value = f"${{{_variable(code)}_ADDRESS}}"
        elif ask.kind == "table":
            value = f'{{"*": {_quoted(f"{SIGN} {ask.says}")}}}'
        elif ask.default is not None or ask.optional:
            lines.append(f"  # {name}: {ask.example}   # {ask.says}\n")
            continue
        else:
            value = _quoted(f"{SIGN} {ask.says}")
        lines.append(f"  {name}: {value}   # {ask.says}\n")
    return Draft("".join(lines))


def from_agency(code: str, model: pathlib.Path) -> Draft:
    """A copy of another agency's file under a new name, with questions about who it is. Raises CannotDraft."""
    text = model.read_text(encoding="utf-8")
    block = re.search(r"^agency:.*\n(?:[ #].*\n|\n)*", text, re.MULTILINE)
    if block is None:
        raise CannotDraft(
            f"{model} has no `agency:`; take another file, or begin from a WSDL or an OpenAPI description"
        )
    before = text[: block.start()]
    remark = f"# Made from {model.name}: what it says of that system may be wrong for this one.\n"
    kept = before[before.index("version:") :] if "version:" in before else ""
    head = _head(code).replace("version: 1\n\n", remark + "\n" + kept)
    rest = text[block.end() :].replace(f"${{{_variable(model.stem)}_", f"${{{_variable(code)}_")
    return Draft(head + rest)


# The parts of every file


def _head(code: str) -> str:
    return (
        f"version: 1\n\nagency:\n  code: {code}\n"
        f'  name: {{ru: "{SIGN} what citizens call it, in Russian", en: "{SIGN} and in English"}}\n'
        f'  owner: "{SIGN} mail address of whoever answers for this file"\n'
        "  timezone: Europe/Moscow               # the zone that the agency's clock shows\n"
        f'  receives: ["{SIGN} categories of the rubricator, such as roads/*"]\n\n'
    )


def _reached(code: str, ways: str) -> str:
    return (
        f"  address: ${{{_variable(code)}_ADDRESS}}\n"
        f'  security: "{SIGN} how we sign in: {ways}; remove the line if nothing is asked"\n'
    )


def _send(table: str, rows: list[_Row]) -> str:
    if not rows:
        return ""
    lines = [f"  {table}:\n"]
    for row in rows:
        sent = row.required or not row.is_question
        value = _quoted(row.value) if row.is_question else row.value
        remark = ", ".join(part for part in ("required" if row.required else "", row.remark) if part)
        lines.append(f"    {'' if sent else '# '}{row.name}: {value}{f'   # {remark}' if remark else ''}\n")
    return "".join(lines)


def _answer(case_id: str | None, result: str | None, *, accepted: str | None = None) -> str:
    codes = accepted or f'["{SIGN} which codes mean that the case was made"]'
    number = case_id or _quoted(f"{SIGN} where the number of the case stands in the reply")
    where = result or _quoted(f"{SIGN} where the reply says how it went")
    return (
        "  when_answer_is_lost: ask-a-person     # the careful choice; `resend` or `look-up` where the agency allows it\n"
        "  answer:\n"
        f"    case_id: {number}{f'   # {_GUESSED}' if case_id else ''}\n"
        f"    outcome:\n      from: {where}{f'   # {_GUESSED}' if result and accepted is None else ''}\n"
        f"      accepted: {codes}\n      # refused: []                     # codes that mean: never like this\n"
        "      # try_later: []                   # codes that mean: not now, nothing was done\n"
    )


def _kinds(rows: list[_Row]) -> str:
    if not any('translate("kinds")' in row.value for row in rows):
        return ""
    return f'\ntranslate:\n  kinds:\n    "*": "{SIGN} their code for everything else; one row for each of our categories"\n'


def _others(lines: Iterator[str]) -> str:
    found = list(lines)
    if not found:
        return ""
    shown = found[:_LONGEST_LIST]
    more = [f"# … and {len(found) - len(shown)} more\n"] if len(found) > len(shown) else []
    head = "\n# What else the system offers, for `look_up`, `ask`, `status.poll`, `attachment`, `withdraw`:\n"
    return "".join([head, *(f"#   {one}\n" for one in shown), *more])


def _which(what: str, option: str, name: str | None, known: Iterable[str]) -> str:
    names = list(known)
    if name is None:
        listed = ", ".join(names[:_LONGEST_LIST])
        return f"Which {what} makes a case cannot be told from the names. Say it with {option}: {listed}"
    return f"There is no {what} {name}.{did_you_mean(name, names)}"


def _variable(code: str) -> str:
    return code.upper().replace("-", "_")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", " ").replace('"', "'") + '"'


# SOAP


def _read_wsdl(wsdl: pathlib.Path) -> tuple[Version, Wsdl]:
    try:
        return "1.1", load_wsdl(wsdl, "1.1")
    except BadConnection as first:
        try:
            return "1.2", load_wsdl(wsdl, "1.2")
        except BadConnection:
            raise CannotDraft(str(first)) from first


def _soap_rows(shape: Shape, above: tuple[str, ...], depth: int, *, required: bool = True) -> Iterator[_Row]:
    for name, inner in shape.elements.items():
        path = (*above, name)
        is_required = required and inner.required
        if inner.kind is None and inner.elements and depth < _DEEPEST:
            yield from _soap_rows(inner, path, depth + 1, required=is_required)
            continue
        dotted = ".".join(path)
        value, guessed = value_of(dotted, required=is_required, time="local")
        kind = (inner.kind or Kind.TEXT).value
        remark = ", ".join([kind, *(["repeats"] if inner.repeats else []), *([_GUESSED] if guessed else [])])
        yield _Row(dotted, value, remark, is_required)


def _leaves(shape: Shape, above: tuple[str, ...], depth: int) -> Iterator[str]:
    for name, inner in shape.elements.items():
        if inner.kind is not None:
            yield ".".join((*above, name))
        elif depth < _DEEPEST:
            yield from _leaves(inner, (*above, name), depth + 1)


def _needs(operation: SoapOperation) -> Iterator[str]:
    if operation.request is not None:
        yield from (row.name for row in _soap_rows(operation.request, (), 0) if row.required)


# REST


def _of_description(code: str, openapi: pathlib.Path, described: Description, submit: str | None) -> Draft:
    writing = {f"{one.method} {one.path}": one for one in described.operations if one.method in ("POST", "PUT")}
    chosen = submit or _making_request(writing)
    if chosen is None or chosen not in writing:
        raise CannotDraft(_which("request", "--submit", chosen, list(writing)))
    operation = writing[chosen]
    table, schema = ("send", operation.body) if operation.body is not None else ("form", operation.form)
    rows = list(_rest_rows(described, schema, (), 0)) if schema is not None else []
    good = [status for status in operation.replies if status.startswith("2")]
    replies = [operation.replies[status] for status in good]
    fields = [name for reply in replies if reply is not None for name in _fields(described, reply, (), 0)]
    target = pathlib.PurePath(code) / openapi.name
    accepted = "[" + ", ".join(f'"{status}"' for status in good if status.isdecimal()) + "]"
    parts = [
        _head(code),
        f"connection:\n  protocol: rest\n  openapi: {target}\n",
        _reached(code, "{kind: bearer, token: …}, {kind: api-key, …} or another"),
        f"\nsubmit:\n  request: {_request_line(operation)}\n",
        _send(table, rows),
        _send("query", _queries(operation)),
        _answer(case_id_among(fields), "http.status", accepted=accepted if accepted != "[]" else None),
        _kinds(rows),
        _others(_told(one) for one in described.operations if one is not operation),
    ]
    return Draft("".join(parts), {target: openapi})


def _making_request(writing: dict[str, Operation]) -> str | None:
    named = making_among(one.summary for one in writing.values() if one.summary)
    plain = [line for line, one in writing.items() if one.summary == named and named]
    posts = [line for line, one in writing.items() if one.method == "POST" and "{" not in one.path and one.body]
    return plain[0] if plain else posts[0] if len(posts) == 1 else None


def _request_line(operation: Operation) -> str:
    return f"{operation.method} " + re.sub(r"\{[^{}]*\}", "{case.id}", operation.path)


def _rest_rows(
    described: Description, schema: Schema, above: tuple[str, ...], depth: int, *, required: bool = True
) -> Iterator[_Row]:
    needed = described.required(schema)
    for name, inner in described.fields(schema).items():
        path = (*above, name)
        is_required = required and name in needed
        if described.fields(inner) and depth < _DEEPEST:
            yield from _rest_rows(described, inner, path, depth + 1, required=is_required)
            continue
        dotted = ".".join(path)
        value, guessed = value_of(dotted, required=is_required, time="utc_ms")
        kinds = described.values(inner)
        kind = "one of " + ", ".join(kinds[:8]) if kinds else str(inner.get("type") or "any")
        yield _Row(dotted, value, ", ".join([kind, *([_GUESSED] if guessed else [])]), is_required)


def _queries(operation: Operation) -> list[_Row]:
    found = [one for one in operation.parameters if one.place == "query"]
    return [
        _Row(one.name, f"{SIGN} what goes into {one.name}", str(one.schema.get("type") or "text"), one.required)
        for one in found
    ]


def _fields(described: Description, schema: Schema, above: tuple[str, ...], depth: int) -> Iterator[str]:
    for name, inner in described.fields(schema).items():
        yield ".".join((*above, name))
        if depth < _DEEPEST:
            yield from _fields(described, inner, (*above, name), depth + 1)


def _told(operation: Operation) -> str:
    needs = ", ".join(one.name for one in operation.parameters if one.required and one.place == "query")
    said = f"   {operation.summary}" if operation.summary else ""
    return f"{operation.method} {operation.path}{f'?{needs}' if needs else ''}{said}"
