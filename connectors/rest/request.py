"""Writes REST requests: path, query and one body (JSON, form, or multipart with files). Pure functions; nothing is sent here.

What cannot be written faithfully is refused as NotSent with the field's name and the remedy, never the value.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias
from urllib.parse import quote, urlencode

from connectors.base import Call, FilePart, NotSent, Tree
from connectors.rest.xml import written_xml

BodyFormat: TypeAlias = Literal["json", "xml"]

_OPERATION = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD) (/[^\s?#]*)")
_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PATH_TRICK = re.compile(r"[/\\%\x00-\x1f\x7f]|^\.{1,2}$|^$")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(; ?charset=[A-Za-z0-9-]+)?")
_UNQUOTABLE = re.compile(r'[^\x20-\x7e]|["\\]')
_DEEPEST = 64
_LARGEST_BITS = 1024


def method_and_path(call: Call) -> tuple[str, str]:
    """The method and the path with its variables filled in and percent-encoded. Raises NotSent."""
    matched = _OPERATION.fullmatch(call.operation)
    if matched is None:
        raise NotSent(
            f"operation {call.operation!r}: must be a method and a path such as `POST /requests/{{id}}/files`"
        )
    method, template = matched.groups()
    names = _VARIABLE.findall(template)
    for name in call.path:
        if name not in names:
            raise NotSent(f"path.{name}: the path {template} has no such variable; remove it")
    return method, _VARIABLE.sub(lambda variable: _segment(variable[1], call.path), _fixed_path(template))


def _fixed_path(template: str) -> str:
    bare = _VARIABLE.sub("x", template)
    if "{" in bare or "}" in bare or not bare.isascii() or any(step in {".", ".."} for step in bare.split("/")):
        raise NotSent(
            f"operation: the path {template!r} must be ASCII, without . or .. steps, its variables written {{name}}"
        )
    return template


def _segment(name: str, values: Mapping[str, str]) -> str:
    value = values.get(name)
    if value is None:
        raise NotSent(f"path.{name}: is missing; give a value for it")
    if _PATH_TRICK.search(value):
        raise NotSent(f"path.{name}: is empty or holds a character that could lead to another path (/ \\ % . ..)")
    return quote(_encoded(value, f"path.{name}"), safe="")


def query_string(query: Mapping[str, str], charset: str = "utf-8") -> str:
    """The query with its question mark; empty without parameters. Raises NotSent."""
    pairs = [
        (_encoded(name, "query", charset), _encoded(value, f"query.{name}", charset)) for name, value in query.items()
    ]
    return "?" + urlencode(pairs, quote_via=quote) if pairs else ""


def written_body(call: Call, charset: str = "utf-8", body_format: BodyFormat = "json") -> tuple[bytes, str]:
    """The body in that charset and its Content-Type, both empty when there is none. Raises NotSent."""
    if call.files:
        if call.body is not None:
            raise NotSent("body: a request with files takes `form` beside them, not a JSON body")
        if any(not file.field for file in call.files):
            return _whole_body(call)
        return _multipart(call.form, call.files, charset)
    if call.form:
        if call.body is not None:
            raise NotSent("body: a request has either a form or a JSON body; remove one")
        pairs = [
            (_encoded(name, "form", charset), _encoded(value, f"form.{name}", charset))
            for name, value in call.form.items()
        ]
        named = "" if charset == "utf-8" else f"; charset={charset}"
        return urlencode(pairs).encode("ascii"), f"application/x-www-form-urlencoded{named}"
    if call.body is None:
        return b"", ""
    if body_format == "xml":
        return written_xml(call.body, charset), f"application/xml; charset={charset}"
    # JSON is UTF-8 without being told, and there are servers that refuse the parameter (415).
    named = "" if charset == "utf-8" else f"; charset={charset}"
    return _json(call.body, charset), f"application/json{named}"


def _whole_body(call: Call) -> tuple[bytes, str]:
    """A file that is the body itself. Its name is the query's business."""
    if len(call.files) > 1 or call.form:
        raise NotSent("files: a file without `field` is the whole body; it stands alone")
    media_type = call.files[0].media_type
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise NotSent("files.0.media_type: must look like image/jpeg")
    return call.files[0].content, media_type


def _json(body: Tree, charset: str) -> bytes:
    text = json.dumps(_plain(body, "body", 0), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # What the charset lacks can only stand inside a text, where JSON has its own way to write it.
    return text.encode(charset, "okno-json")


def _json_escapes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)), error.end


codecs.register_error("okno-json", _json_escapes)


def _plain(value: Tree, path: str, depth: int) -> object:
    """The value in the types that JSON knows, checked on the way."""
    if depth > _DEEPEST:
        raise NotSent(f"{path}: is nested more than {_DEEPEST} levels deep")
    match value:
        case int() if value.bit_length() > _LARGEST_BITS:
            raise NotSent(f"{path}: is a number too large for any system; send it as text")
        case None | bool() | int():
            return value
        case str():
            _encoded(value, path)
            return value
        case float():
            if not math.isfinite(value):
                raise NotSent(f"{path}: is not a finite number; leave the field out instead")
            return value
        case bytes():
            raise NotSent(f"{path}: bytes cannot stand in JSON; encode them (base64) or send a file")
        case Mapping():
            return {
                _encoded(name, path).decode("utf-8"): _plain(inner, f"{path}.{name}", depth + 1)
                for name, inner in value.items()
            }
        case Sequence():
            return [_plain(inner, f"{path}.{at}", depth + 1) for at, inner in enumerate(value)]


def _encoded(text: str, path: str, charset: str = "utf-8") -> bytes:
    try:
        return text.encode(charset)
    except UnicodeEncodeError:
        if charset != "utf-8":
            remedy = f'the charset {charset} lacks; add `| encodable("{charset}")`'
            raise NotSent(f"{path}: holds a character that {remedy}") from None
        raise NotSent(f"{path}: holds half of a character (a lone surrogate); clean the text first") from None


def _multipart(form: Mapping[str, str], files: tuple[FilePart, ...], charset: str) -> tuple[bytes, str]:
    parts: list[tuple[bytes, bytes]] = []
    for name, text in form.items():
        head = f'Content-Disposition: form-data; name="{_quotable(name, "form")}"'
        if charset != "utf-8":
            head += f"\r\nContent-Type: text/plain; charset={charset}"
        parts.append((head.encode("ascii"), _encoded(text, f"form.{name}", charset)))
    for at, file in enumerate(files):
        parts.append((_file_head(file, f"files.{at}"), file.content))
    boundary = _boundary(parts)
    out = [b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary, head, content) for head, content in parts]
    body = b"".join([*out, b"--%b--\r\n" % boundary])
    return body, f"multipart/form-data; boundary={boundary.decode('ascii')}"


def _boundary(parts: list[tuple[bytes, bytes]]) -> bytes:
    """Made from the parts themselves: a dry run shows the very bytes that go out, and no content can hold its own digest."""
    digest = hashlib.sha256()
    for head, content in parts:
        digest.update(b"%d:%b%d:" % (len(head), head, len(content)))
        digest.update(content)
    return b"okno-" + digest.hexdigest()[:40].encode("ascii")


def _file_head(file: FilePart, path: str) -> bytes:
    if not file.file_name.strip():
        raise NotSent(f"{path}.file_name: is empty; many systems drop a file without a name")
    if not _MEDIA_TYPE.fullmatch(file.media_type):
        raise NotSent(f"{path}.media_type: must look like image/jpeg")
    encoded = _encoded(file.file_name, f"{path}.file_name")
    fallback = _UNQUOTABLE.sub("_", file.file_name)
    name = f'filename="{fallback}"'
    if fallback != file.file_name:
        # RFC 5987 for those who read it; the others take the ASCII name beside it (Q50).
        name += f"; filename*=UTF-8''{quote(encoded, safe='')}"
    field = _quotable(file.field, f"{path}.field")
    return f'Content-Disposition: form-data; name="{field}"; {name}\r\nContent-Type: {file.media_type}'.encode("ascii")


def _quotable(name: str, path: str) -> str:
    if not name or _UNQUOTABLE.search(name):
        raise NotSent(f"{path}: a field name must be printable ASCII without quotes")
    return name
