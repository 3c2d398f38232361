"""docs/reference/agency-file.md and config/agency.schema.json, written from the models: what is not described is not there.

Promises: every key of the language, every filter, every name and every part of a profile has a line; a test compares the
files with what is written here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from adapters import context
from adapters.functions import EXAMPLE_SCOPE, FUNCTIONS
from agencies.effective import duration, size
from agencies.model import AgencyFile, agency_schema
from agencies.profile_file import ProfileHead
from agencies.sample import SampleMessage

_INTRODUCTION = """# The agency file, key by key

Written from the models by `okno agency reference`; a test compares. How to begin: [add an agency](../add-an-agency.md).
An *expression* is a path such as `message.subject` or `reply["@etag"]` (a name with other signs), a text in quotes, filters
after `|`, comparisons, `~` to join texts and `x if y else z`; nothing else. In a condition of a feed (`when`, `only_when`,
`fails_when`) what is missing, empty, `false`, `0` or `no` is no and whatever else is there is yes; only `note_is_public` wants a
plain `true`. A *duration* is `20s`, `5m`, `12h` or `7d`, a *size* `8 MB` or `512 KB`. A value that begins with
`???` is a question that a person must answer.
"""
_NAMES: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    ("message", "the message, wherever something is sent", context.described(context.MessageContext)),
    ("item", "one attachment, in `attachment`, `upload` and `each: message.attachments`", context.described(context.AttachmentContext)),
    ("case", "the case, once it is made", context.CASE),
    ("our", "the message, where a reply is read", context.OUR),
    ("comment", "in `add_comment`", context.COMMENT),
    ("reopening", "in `reopen`", context.REOPENING),
    ("priority", "in `set_priority`", context.PRIORITY),
    ("poll", "in a feed", context.POLL),
    ("http", "the reply's frame", context.HTTP),
    ("fault", "a SOAP fault", context.FAULT),
)  # fmt: skip


def schema_text() -> str:
    """The JSON Schema for editors."""
    return json.dumps(_with_profiles(agency_schema()), ensure_ascii=False, indent=1) + "\n"


def reference_text() -> str:
    """The whole page."""
    parts = [_INTRODUCTION, *_models(AgencyFile, "The file"), "## Filters\n", _filters(), "## Names in expressions\n"]
    for name, where, words in _NAMES:
        rows = "".join(f"| `{name}.{word}` | {_cell(says)} |\n" for word, says in words.items())
        parts.append(f"### `{name}`: {where}\n\n| name | what it is |\n|---|---|\n{rows}")
    parts += ["## Profiles\n", "`config/systems/<product>.yaml`; its other keys are those above, without `agency`.\n"]
    parts += _models(ProfileHead, "The head of a profile")
    parts += ["## Sample messages\n", *_models(SampleMessage, "A sample message")]
    return "\n".join(parts)


def _with_profiles(schema: dict[str, object]) -> dict[str, object]:
    """A file that uses a profile may leave out what the profile says."""
    needed = [name for name in ("connection", "submit") if name in AgencyFile.model_fields]
    schema["required"] = [name for name in _names(schema.get("required")) if name not in needed]
    schema["anyOf"] = [{"required": ["uses"]}, {"required": needed}]
    return schema


def _names(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _models(root: type[BaseModel], title: str) -> Iterator[str]:
    """One section for each model, in the order in which the keys lead to them."""
    seen: dict[type[BaseModel], str] = {root: title}
    waiting = [root]
    while waiting:
        model = waiting.pop(0)
        yield f"{'##' if model is root else '###'} {seen[model]}\n\n{' '.join((model.__doc__ or '').split())}\n"
        rows = []
        for name, info in model.model_fields.items():
            key = info.alias or name
            for inner in _inside(info.annotation):
                if inner not in seen:
                    place = key if model is root else f"{_path(seen[model])}.{key}"
                    seen[inner] = f"`{place}`{_kind(inner)}"
                    waiting.append(inner)
            rows.append(f"| `{key}` | {_needed(info)} | {_cell(info.description or 'which of them it is')} |\n")
        yield f"| key | without it | what it says |\n|---|---|---|\n{''.join(rows)}"


def _path(title: str) -> str:
    return title.split("`")[1] if "`" in title else title


def _kind(model: type[BaseModel]) -> str:
    """` with kind: basic` for one of several that are told apart by their `kind`."""
    info = model.model_fields.get("kind")
    values = get_args(info.annotation) if info is not None and get_origin(info.annotation) is Literal else ()
    return f" with `kind: {values[0]}`" if len(values) == 1 else ""


def _inside(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _inside(inner)


def _needed(info: FieldInfo) -> str:
    if info.is_required():
        return "**needed**"
    value: Any = info.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or value is None or value in ((), {}, ""):
        return "–"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, float):
        return f"`{duration(value)}`" if value == 0 or value >= 1 else f"`{round(value * 100)}%`"
    if isinstance(value, int) and value > 100_000:
        return f"`{size(value)}`"
    return f"`{value}`"


def _filters() -> str:
    rows = "".join(
        f"| `{one.name}` | {_cell(one.says)} | `{_cell(one.example)}` | {_given(one.gives)} |\n"
        for one in FUNCTIONS.values()
    )
    scope = ", ".join(f"`{name}`" for name in EXAMPLE_SCOPE)
    head = "| filter | what it does | example | gives |\n|---|---|---|---|\n"
    return f"{head}{rows}\nThe examples speak of {scope}, which are values of a test.\n"


def _given(value: object) -> str:
    text = repr(value) if isinstance(value, (str, bytes)) else str(value)
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
