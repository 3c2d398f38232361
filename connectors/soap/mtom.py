"""MTOM: an envelope with its attachments as parts beside it instead of base64 inside it (XOP in multipart/related).

Writing gives the same bytes for the same content, so a dry run shows what goes out. Reading takes any reply that comes in parts and
puts what they hold back into the envelope, so that everything behind sees one plain document.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote

from lxml import etree

from connectors.base import Unreadable
from connectors.soap.security import in_base64

XOP: Final = "http://www.w3.org/2004/08/xop/include"

_ROOT = "envelope@okno"
_MOST_PARTS = 200
_LONGEST_HEAD_BYTES = 16 * 1024
_PARAMETER = re.compile(r";\s*([\w-]+)\s*=\s*(?:\"([^\"]*)\"|([^\s;]+))")


def content_id(number: int) -> str:
    """The name of a part, counted from 1."""
    return f"part{number}@okno"


def written(envelope: bytes, parts: Sequence[bytes], content_type: str) -> tuple[bytes, str]:
    """The body and its Content-Type. `content_type` is that of the envelope alone."""
    media_type, _, rest = content_type.partition(";")
    action = "".join(f'; action="{value}"' for name, value in _parameters(";" + rest).items() if name == "action")
    head = f'Content-ID: <{_ROOT}>\r\nContent-Type: application/xop+xml; charset=utf-8; type="{media_type}"\r\n'
    head += "Content-Transfer-Encoding: 8bit"
    pieces = [(head.encode(), envelope)]
    for number, part in enumerate(parts, 1):
        head = f"Content-ID: <{content_id(number)}>\r\nContent-Type: application/octet-stream\r\n"
        pieces.append((f"{head}Content-Transfer-Encoding: binary".encode(), part))
    digest = hashlib.sha256()
    for _, content in pieces:
        digest.update(b"%d:" % len(content))
        digest.update(content)
    # No content can hold its own digest.
    boundary = f"okno-{digest.hexdigest()[:40]}"
    body = b"".join(b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary.encode(), head, content) for head, content in pieces)
    named = f'type="application/xop+xml"; start="<{_ROOT}>"; start-info="{media_type}"; boundary="{boundary}"{action}'
    return body + b"--%b--\r\n" % boundary.encode(), f"multipart/related; {named}"


def is_in_parts(content_type: str) -> bool:
    """Whether a reply comes in parts."""
    return content_type.lstrip().lower().startswith("multipart/related")


def split(raw: bytes, content_type: str) -> tuple[bytes, str, Mapping[str, bytes]]:
    """The envelope of a reply in parts, its own Content-Type, and the other parts by their name. Raises Unreadable."""
    parameters = _parameters(content_type)
    boundary = parameters.get("boundary", "").encode("latin-1", "replace")
    if not boundary:
        raise Unreadable("the reply comes in parts without a boundary")
    pieces = (b"\r\n" + raw).split(b"\r\n--" + boundary)
    if len(pieces) < 3 or len(pieces) > _MOST_PARTS or not pieces[-1].startswith(b"--"):
        raise Unreadable("the reply comes in parts that do not end, or in too many")
    parts: dict[str, bytes] = {}
    types: dict[str, str] = {}
    for piece in pieces[1:-1]:
        head, found, content = piece.partition(b"\r\n\r\n")
        if not found or len(head) > _LONGEST_HEAD_BYTES:
            raise Unreadable("a part of the reply has no end of its headers")
        headers = _headers(head)
        name = headers.get("content-id", "").strip().strip("<>") or f"#{len(parts)}"
        parts[name] = content
        types[name] = headers.get("content-type", "")
    start = parameters.get("start", "").strip("<>")
    root = start if start in parts else next(iter(parts))
    return parts.pop(root), types[root], parts


def put_back(root: etree._Element, parts: Mapping[str, bytes]) -> None:
    """Put what the parts hold where the envelope refers to it, each once: many references to one part could fill the memory.

    Raises Unreadable for a reference to nothing, or to what was put somewhere already.
    """
    left = dict(parts)
    for include in list(root.iter(f"{{{XOP}}}Include")):
        holder, name = include.getparent(), unquote(include.get("href", "").removeprefix("cid:"))
        if holder is None or name not in left:
            raise Unreadable("the reply refers to a part that did not come, or twice to one")
        holder.remove(include)
        holder.text = in_base64(left.pop(name))


def _parameters(content_type: str) -> dict[str, str]:
    return {
        match[1].lower(): match[2] if match[2] is not None else match[3] for match in _PARAMETER.finditer(content_type)
    }


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
