"""The scalars of an agency file: durations, sizes, names of zones and variables, request lines, expressions as text.

Promises: every scalar comes as text and is typed here, with words that show a right one; units are seconds and bytes.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from adapters.expressions import MAX_LENGTH
from agencies.secrets import bad_names

_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?(ms|s|m|h|d)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d{1,6}) ?(B|KB|MB)")
_UNITS_BYTES = {"B": 1, "KB": 1024, "MB": 1024 * 1024}
# Inside braces stands an expression, which may hold spaces and quotes.
_REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/(?:[^\s?#{]|\{(?![^{}]*\})|\{[^{}]*\})*)")


def _duration(text: object) -> object:
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise PydanticCustomError("bad-duration", "must be a duration such as `20s`, `5m`, `12h` or `7d`")
    return float(match[1]) * _UNITS_S[match[2]]


def _size(text: object) -> object:
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise PydanticCustomError("bad-size", "must be a size such as `8 MB` or `512 KB` (1 MB is 1024 × 1024 bytes)")
    return int(match[1]) * _UNITS_BYTES[match[2]]


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise PydanticCustomError(
            "unknown-timezone", "must be the name of a time zone such as `Europe/Moscow`"
        ) from None
    return name


def _variables(text: str) -> str:
    if bad_names(text):
        raise PydanticCustomError("bad-variable", "a variable is written `${NAME}`, in capital letters, digits and `_`")
    return text


def _secret(text: str) -> str:
    """As any text with variables; by this mark the checks know that it must be one `${NAME}` and nothing else."""
    return _variables(text)


def _flag(text: object) -> object:
    known: dict[object, bool] = {"true": True, "false": False}
    return known.get(text, text) if isinstance(text, str) else text


def _request(text: str) -> str:
    if not _REQUEST.fullmatch(text):
        raise PydanticCustomError(
            "bad-request-line", "must be a method and a path such as `POST /requests/{case.id}/files`"
        )
    return text


DurationS = Annotated[
    float, BeforeValidator(_duration), Field(gt=0, json_schema_extra={"type": "string", "examples": ["20s", "5m"]})
]
SizeBytes = Annotated[
    int, BeforeValidator(_size), Field(gt=0, json_schema_extra={"type": "string", "examples": ["8 MB"]})
]
Expr = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH, json_schema_extra={"format": "okno-expression"})]
WithVariables = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_variables)]
SecretText = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_secret)]
Flag = Annotated[bool, BeforeValidator(_flag)]
ZoneName = Annotated[str, AfterValidator(_timezone)]
RequestLine = Annotated[str, Field(max_length=500), AfterValidator(_request)]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Codes = Annotated[tuple[Word, ...], Field(max_length=500)]
Rows = Annotated[dict[Word, Expr], Field(max_length=500)]

Meaning = Literal[
    "registered", "in_progress", "waiting_for_citizen", "planned", "answered", "declined", "ignore", "unchanged"
]  # fmt: skip
