"""An agency's OpenAPI description (2.0, 3.0, 3.1), as far as a file can be wrong about it: paths, parameters, fields.

Promises: only the one document is read and nothing is fetched; a reference that leads outside, a document that is too
large or uses YAML's aliases is refused with a remedy; what the description leaves open is not judged.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import yaml

Schema: TypeAlias = "Mapping[str, object]"

_MAX_BYTES = 4_000_000
_DEEPEST = 30
_VARIABLE = re.compile(r"\{[^{}]*\}")
_METHODS = ("get", "post", "put", "patch", "delete")
_JSON = re.compile(r"^application/(json|[\w.+-]*\+json)")


class BadDescription(ValueError):
    """The document cannot be used. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a request."""

    name: str
    place: str
    required: bool
    schema: Schema


@dataclass(frozen=True)
class Operation:
    """One method of one path. `body` and `form` are schemas, None where there is no such body."""

    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body: Schema | None
    form: Schema | None
    replies: Mapping[str, Schema | None]
    summary: str = ""
    body_is_required: bool = False


class Description:
    """A whole document. `server` is the path of its first server, without a slash at the end."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        self._fields: dict[int, tuple[object, dict[str, Schema]]] = {}
        self._parts: dict[int, tuple[object, tuple[Schema, ...]]] = {}
        self.is_old = "swagger" in document
        self.operations = tuple(self._operations())
        self.server = self._server()

    def find(self, method: str, path: str) -> Operation | None:
        """The operation of a request line of an agency file: its path may leave out a beginning that the address has."""
        wanted = _steps(path)
        fitting = [
            one
            for one in self.operations
            if one.method == method and _ends_with(_steps(self.server + one.path), wanted)
        ]
        # The one with the fewest variables is the one that is written out most exactly.
        return min(fitting, key=lambda one: (len(_steps(one.path)), len(_VARIABLE.findall(one.path))), default=None)

    def request_lines(self) -> Iterator[str]:
        """Every operation as a file would name it."""
        for one in self.operations:
            yield f"{one.method} {one.path}"

    def resolved(self, schema: object) -> Schema:
        """The schema that a reference means. Raises BadDescription."""
        for _ in range(_DEEPEST):
            if not isinstance(schema, Mapping):
                return {}
            pointer = schema.get("$ref")
            if not isinstance(pointer, str):
                return schema
            schema = self._pointed(pointer)
        raise BadDescription("its references lead in a circle")

    def parts(self, schema: object) -> tuple[Schema, ...]:
        """The schema and everything it is composed of."""
        known = self._parts.get(id(schema))
        if known is not None and known[0] is schema:
            return known[1]
        found = tuple(self._composed(schema, 0))
        self._parts[id(schema)] = (schema, found)
        return found

    def _composed(self, schema: object, depth: int) -> Iterator[Schema]:
        if depth > _DEEPEST:
            raise BadDescription("its schemas are nested too deeply")
        here = self.resolved(schema)
        yield here
        for key in ("allOf", "anyOf", "oneOf"):
            for inner in _list(here.get(key)):
                yield from self._composed(inner, depth + 1)

    def fields(self, schema: object) -> dict[str, Schema]:
        """The fields of an object, by name."""
        known = self._fields.get(id(schema))
        if known is not None and known[0] is schema:
            return known[1]
        found: dict[str, Schema] = {}
        for part in self.parts(schema):
            for name, inner in _mapping(part.get("properties")).items():
                found.setdefault(name, self.resolved(inner))
        # Kept with the schema itself, so that no other object can get its id meanwhile.
        self._fields[id(schema)] = (schema, found)
        return found

    def required(self, schema: object) -> tuple[str, ...]:
        """The fields an object must have; those that only one branch of a choice wants are left out."""
        here = self.resolved(schema)
        names = [str(name) for name in _list(here.get("required"))]
        for inner in _list(here.get("allOf")):
            names += self.required(inner)
        return tuple(dict.fromkeys(names))

    def is_open(self, schema: object) -> bool:
        """Whether fields that are not listed may stand there: nothing listed, or said so."""
        parts = self.parts(schema)
        return any(part.get("additionalProperties") for part in parts) or not any(
            "properties" in part for part in parts
        )

    def items(self, schema: object) -> Schema | None:
        """The schema of a list's items, None for what is no list."""
        for part in self.parts(schema):
            if "items" in part:
                return self.resolved(part["items"])
            if part.get("type") == "array":
                return {}
        return None

    def values(self, schema: object) -> tuple[str, ...] | None:
        """The values a field may have, None where any may stand."""
        for part in self.parts(schema):
            if "const" in part:
                return (_text(part["const"]),)
            if isinstance(part.get("enum"), Sequence):
                return tuple(_text(one) for one in _list(part["enum"]))
        return None

    def _pointed(self, pointer: str) -> object:
        if not pointer.startswith("#/"):
            raise BadDescription(f"refers to {pointer!r} outside the document; put everything into one file")
        here: object = self._document
        for step in pointer[2:].split("/"):
            here = _mapping(here).get(step.replace("~1", "/").replace("~0", "~"))
        if here is None:
            raise BadDescription(f"refers to {pointer!r}, which is not there")
        return here

    def _operations(self) -> Iterator[Operation]:
        for path, kept in _mapping(self._document.get("paths")).items():
            item = self.resolved(kept)
            for method in _METHODS:
                if method in item:
                    yield self._operation(method.upper(), path, item, _mapping(item[method]))

    def _operation(self, method: str, path: str, item: Schema, kept: Schema) -> Operation:
        described = [self.resolved(one) for one in (*_list(item.get("parameters")), *_list(kept.get("parameters")))]
        parameters = tuple(
            Parameter(
                str(one.get("name")), str(one.get("in")), bool(one.get("required")), _mapping(one.get("schema")) or one
            )
            for one in described
        )
        body, form, is_required = self._bodies(described, kept)
        replies = {str(status): self._reply(reply) for status, reply in _mapping(kept.get("responses")).items()}
        summary = str(kept.get("summary") or kept.get("operationId") or "")
        return Operation(method, path, parameters, body, form, replies, summary, is_required)

    def _bodies(self, described: Sequence[Schema], kept: Schema) -> tuple[Schema | None, Schema | None, bool]:
        if self.is_old:
            body = next((self.resolved(one.get("schema")) for one in described if one.get("in") == "body"), None)
            fields = [one for one in described if one.get("in") == "formData"]
            form: Schema | None = None
            if fields:
                form = {
                    "properties": {str(one.get("name")): one for one in fields},
                    "required": [str(one.get("name")) for one in fields if one.get("required")],
                }
            return body, form, True
        request = self.resolved(kept.get("requestBody"))
        content = _mapping(request.get("content"))
        json_types = [kind for kind in content if _JSON.match(kind)]
        form_types = [kind for kind in content if kind.startswith(("multipart/", "application/x-www-form"))]
        return (
            self.resolved(_mapping(content[json_types[0]]).get("schema")) if json_types else None,
            self.resolved(_mapping(content[form_types[0]]).get("schema")) if form_types else None,
            bool(request.get("required")),
        )

    def _reply(self, kept: object) -> Schema | None:
        reply = self.resolved(kept)
        if self.is_old:
            return self.resolved(reply["schema"]) if "schema" in reply else None
        for kind, media in _mapping(reply.get("content")).items():
            if _JSON.match(kind):
                return self.resolved(_mapping(media).get("schema"))
        return None

    def _server(self) -> str:
        if self.is_old:
            return str(self._document.get("basePath") or "").rstrip("/")
        servers = _list(self._document.get("servers"))
        url = str(_mapping(servers[0]).get("url") or "") if servers else ""
        return re.sub(r"^[a-z]+://[^/]*", "", url).rstrip("/")


def load_openapi(path: pathlib.Path) -> Description:
    """The description in a file, JSON or YAML. Raises BadDescription."""
    try:
        raw = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else None
    except OSError as error:
        raise BadDescription(f"{path.name} cannot be read ({error.strerror}); put a copy beside this file") from error
    if raw is None:
        raise BadDescription(f"{path.name} is larger than {_MAX_BYTES:,} bytes")
    return _parsed(raw, path.name)


@lru_cache(maxsize=64)
def _parsed(raw: bytes, name: str) -> Description:
    try:
        text = raw.decode("utf-8-sig")
        document = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        problem = (
            str(error) if isinstance(error, BadDescription) else f"is neither JSON nor YAML ({type(error).__name__})"
        )
        raise BadDescription(f"{name} {problem}") from error
    if not isinstance(document, dict) or not ({"openapi", "swagger"} & set(document)):
        raise BadDescription(f"{name} is no OpenAPI description: it begins with `openapi:` or `swagger:`")
    try:
        return Description(document)
    except BadDescription as error:
        raise BadDescription(f"{name} {error}") from error


def _yaml(text: str) -> object:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # An alias can make a document of a few lines as large as memory.
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=loader)):
        raise BadDescription("uses YAML aliases (`*name`); write them out, for instance by turning it into JSON")
    return yaml.load(text, Loader=loader)  # noqa: S506 - the safe loader, in C


def _steps(path: str) -> list[str]:
    return [_VARIABLE.sub("{}", step) for step in path.strip("/").split("/") if step]


def _ends_with(whole: list[str], wanted: list[str]) -> bool:
    if len(wanted) > len(whole):
        return False
    ending = whole[len(whole) - len(wanted) :]
    begins_plain = all("{}" not in step for step in whole[: len(whole) - len(wanted)])
    return begins_plain and all(one == other or "{}" in (one, other) for one, other in zip(ending, wanted, strict=True))


def _mapping(value: object) -> dict[str, object]:
    return {str(key): inner for key, inner in value.items()} if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
