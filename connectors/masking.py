"""Makes a short extract of a request or reply that may be kept in the journal (P9).

Names of elements and fields stay, so an operator sees the shape of what was said. Every value is replaced by its length, unless the
caller names its element as safe and the value looks like a code (`0412`, `CR-000017`). What cannot be parsed is told by its length, the
beginning of its SHA-256 and a hint only. Pure functions.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from lxml import etree

from connectors.base import Request

LONGEST_EXTRACT_CHARS = 2000

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,24}")
_NAME = re.compile(r"[A-Za-z_@#$][A-Za-z0-9_.:-]{0,63}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,40}/[A-Za-z0-9.+-]{1,60}")
_LARGEST_JSON_BYTES = 1024 * 1024
_DEEPEST = 64
_READ_BYTES = 256 * 1024
_SHOWN_HEADERS = frozenset({"accept", "content-encoding", "content-length", "date", "retry-after", "soapaction"})
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,120}")
_HINTS = (
    (b"<!doctype html", "HTML"),
    (b"<html", "HTML"),
    (b"<", "XML"),
    (b"{", "JSON"),
    (b"[", "JSON"),
    (b"--", "multipart"),
    (b"\x1f\x8b", "gzip"),
    (b"%pdf", "PDF"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89png", "PNG"),
)


def mask_request(request: Request, *, safe_names: Collection[str] = (), secrets: Collection[str] = ()) -> str:
    """A request as an extract: request line, harmless headers, masked body."""
    parts = urlsplit(request.url)
    path = "/".join(step if not step or _CODE.fullmatch(step) else _hidden(step) for step in parts.path.split("/"))
    query = "&".join(_query_pair(pair, safe_names) for pair in parts.query.split("&")) if parts.query else ""
    line = f"{request.method} {parts.scheme}://{parts.netloc}{path}{'?' if query else ''}{query}"
    lines = [line, *_headers(request.headers), mask_body(request.body, safe_names=safe_names)]
    return _finished(lines, (*secrets, *request.secrets))


def mask_reply(
    status: int,
    headers: Mapping[str, str],
    raw: bytes,
    *,
    safe_names: Collection[str] = (),
    secrets: Collection[str] = (),
) -> str:
    """A reply as an extract: status, harmless headers, masked body."""
    return _finished([f"HTTP {status}", *_headers(headers), mask_body(raw, safe_names=safe_names)], secrets)


def mask_body(raw: bytes, *, safe_names: Collection[str] = (), secrets: Collection[str] = ()) -> str:
    """A body as an extract: XML or JSON with its values hidden, or what little may be said of other bytes."""
    start = raw[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    shown = None
    if not raw:
        shown = "‹empty›"
    elif start.startswith(b"<"):
        shown = _xml(raw, safe_names)
    elif start.startswith((b"{", b"[")) and len(raw) <= _LARGEST_JSON_BYTES:
        shown = _json(raw, safe_names)
    return _finished([_opaque(raw) if shown is None else shown], secrets)


def _finished(lines: list[str], secrets: Collection[str]) -> str:
    text = "\n".join(line for line in lines if line)
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "‹secret›")
    return text if len(text) <= LONGEST_EXTRACT_CHARS else text[: LONGEST_EXTRACT_CHARS - 1] + "…"


def _hidden(text: str) -> str:
    return f"‹{len(text)} chars›"


def _value(name: str, text: str, safe_names: Collection[str]) -> str:
    if not text:
        return ""
    return text if name in safe_names and _CODE.fullmatch(text) else _hidden(text)


def _query_pair(pair: str, safe_names: Collection[str]) -> str:
    name, _, text = pair.partition("=")
    return f"{_shown_name(name)}={_value(name, text, safe_names)}"


def _shown_name(name: str) -> str:
    return name if _NAME.fullmatch(name) else _hidden(name)


def _headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if name.lower() in _SHOWN_HEADERS and _HEADER_VALUE.fullmatch(value):
            yield f"{name}: {value}"
        elif name.lower() == "content-type" and (media_type := _MEDIA_TYPE.match(value)):
            yield f"{name}: {media_type[0]}"


def _opaque(raw: bytes) -> str:
    start = raw[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    hint = next((f", looks like {hint}" for beginning, hint in _HINTS if start.startswith(beginning)), "")
    return f"‹{len(raw)} bytes, sha256 {hashlib.sha256(raw).hexdigest()[:12]}{hint}›"


def _xml(raw: bytes, safe_names: Collection[str]) -> str | None:
    """The elements in order, stopping when the extract is full; None when this is not XML."""
    out: list[str] = []
    length = 0
    events = etree.iterparse(
        io.BytesIO(raw[:_READ_BYTES]),
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for event, node in events:
            if not isinstance(node.tag, str):
                continue
            name = node.tag.rpartition("}")[2]
            if event == "start":
                if node.getroottree().docinfo.internalDTD is not None or (not out and name.lower() == "html"):
                    return None
                piece = f"<{_shown_name(name)}>"
            else:
                inner = _value(name, (node.text or "").strip() if not len(node) else "", safe_names)
                piece = f"{inner}</{_shown_name(name)}>"
            out.append(piece)
            length += len(piece)
            if length > LONGEST_EXTRACT_CHARS:
                break
    except etree.XMLSyntaxError:
        # Where only the beginning was read, it ends in the middle by our own doing.
        return "".join(out) + "…" if out and len(raw) > _READ_BYTES else None
    return "".join(out)


def _json(raw: bytes, safe_names: Collection[str]) -> str | None:
    try:
        tree = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    out: list[str] = []
    length = 0
    for piece in _json_pieces("", tree, safe_names, 0):
        out.append(piece)
        length += len(piece)
        if length > LONGEST_EXTRACT_CHARS:
            break
    return "".join(out)


def _json_pieces(name: str, value: object, safe_names: Collection[str], depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        yield "‹deeper›"
    elif isinstance(value, dict):
        yield "{"
        for at, (key, inner) in enumerate(value.items()):
            yield f'{", " if at else ""}"{_shown_name(key)}": '
            yield from _json_pieces(key, inner, safe_names, depth + 1)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for at, inner in enumerate(value):
            yield ", " if at else ""
            yield from _json_pieces(name, inner, safe_names, depth + 1)
        yield "]"
    elif isinstance(value, str):
        yield f'"{_value(name, value, safe_names)}"'
    elif value is None or isinstance(value, bool):
        yield json.dumps(value)
    else:
        # Numbers too: a place on the map says where somebody lives.
        yield _value(name, str(value), safe_names)
