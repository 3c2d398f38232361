"""An agency file as it works: its profile laid under it and every default filled in, each told from where it comes.

Promises: secrets stay the names they are; every value that works is there. It is for reading, not for saving as a file.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from agencies.model import AgencyFile
from agencies.source import Path, Source
from agencies.yaml_tree import Elsewhere

_PLAIN = re.compile(r"[A-Za-z_/$][A-Za-z0-9_./${}()|' -]*")
_LEFT_OUT = ("uses", "with_", "examples")


def effective_text(source: Source, file: AgencyFile) -> str:
    """The file as YAML, a remark behind each line that the file itself does not say."""
    return "\n".join(_of_model(source, file, (), 0)) + "\n"


def _of_model(source: Source, model: BaseModel, at: Path, depth: int) -> Iterator[str]:
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        if (depth == 0 and name in _LEFT_OUT) or value is None or value in ((), {}):
            continue
        path = (*at, info.alias or name)
        remark = _origin(source, path) if name in model.model_fields_set else "default"
        yield from _entry(source, path, _written(value, info), depth, remark)


def _entry(source: Source, path: Path, value: object, depth: int, remark: str) -> Iterator[str]:
    key = f"{'  ' * depth}{_scalar(path[-1])}:"
    if isinstance(value, BaseModel):
        yield key
        yield from _of_model(source, value, path, depth + 1)
    elif isinstance(value, Mapping):
        yield key
        for inner, item in value.items():
            yield from _entry(source, (*path, str(inner)), item, depth + 1, _origin(source, (*path, str(inner))))
    elif isinstance(value, (tuple, list)):
        yield from _list(source, path, value, depth, remark)
    else:
        yield f"{key} {_scalar(value)}{f'   # {remark}' if remark else ''}"


def _list(source: Source, path: Path, value: tuple[Any, ...] | list[Any], depth: int, remark: str) -> Iterator[str]:
    key = f"{'  ' * depth}{_scalar(path[-1])}:"
    if all(isinstance(item, (str, int, float)) for item in value):
        yield f"{key} [{', '.join(_scalar(item) for item in value)}]{f'   # {remark}' if remark else ''}"
        return
    yield key
    for number, item in enumerate(value):
        lines = list(_entry(source, (*path, number), item, 0, ""))[1:]
        for place, line in enumerate(lines):
            yield "  " * depth + ("  - " if place == 0 else "    ") + line[2:]


def _origin(source: Source, path: Path) -> str:
    place = source.position(path)
    return f"{pathlib.Path(place.file).name}:{place.line}" if isinstance(place, Elsewhere) else ""


def _written(value: object, info: FieldInfo) -> object:
    """A duration or a size as a file writes it; anything else as it is."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    shown = str(extra.get("examples") or _inner_examples(info))
    if isinstance(value, float) and "20s" in shown:
        return duration(value)
    if isinstance(value, float) and "%" in shown:
        return f"{round(value * 100)}%"
    if isinstance(value, int) and not isinstance(value, bool) and "8 MB" in shown:
        return size(value)
    return value


def _inner_examples(info: FieldInfo) -> object:
    for part in getattr(info.annotation, "__args__", ()):
        for one in getattr(part, "__metadata__", ()):
            extra = getattr(one, "json_schema_extra", None)
            if isinstance(extra, dict):
                return extra.get("examples", "")
    return ""


def duration(seconds: float) -> str:
    """`20s`, `5m`, `12h`, `7d`, `500ms`: the largest unit that fits evenly."""
    for unit, factor in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= factor and seconds % factor == 0:
            return f"{seconds / factor:g}{unit}"
    return f"{seconds * 1000:g}ms" if seconds else "0s"


def size(count: int) -> str:
    """`8 MB`, `512 KB`, `100 B`."""
    for unit, factor in (("MB", 1024 * 1024), ("KB", 1024)):
        if count >= factor and count % factor == 0:
            return f"{count // factor} {unit}"
    return f"{count} B"


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if isinstance(value, str) and (not _PLAIN.fullmatch(text) or text != text.strip()):
        return json.dumps(text, ensure_ascii=False)
    return text
