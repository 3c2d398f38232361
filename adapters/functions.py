"""Every filter an agency file may use, described in one table: `value | name(arguments)`.

Promises: each filter has a sentence and an example which a test runs; a missing value stays missing through every
filter but `default`; a wrong kind of value or argument raises FunctionFailed, which names kinds and never values.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from minijinja import pass_state
from minijinja._lowlevel import State

from adapters import charset


class FunctionFailed(Exception):
    """A filter got a value or an argument it cannot use."""


@dataclass(frozen=True, slots=True)
class Words:
    """What filters know of one agency: its time zone and its tables of `translate:`."""

    timezone: tzinfo
    tables: Mapping[str, Mapping[str, str]]

    @classmethod
    def none(cls) -> Words:
        return cls(UTC, {})


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a filter."""

    name: str
    kind: type
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """One filter. `example` is an expression over the values of `EXAMPLE_SCOPE`, `gives` what it comes to."""

    name: str
    says: str
    takes: tuple[type, ...]
    arguments: tuple[Argument, ...]
    example: str
    gives: object
    run: Callable[..., object]


EXAMPLE_SCOPE: Mapping[str, object] = {
    "text": "Яма на улице",
    "long": "Яма на улице, глубокая",
    "category": "roads/pothole",
    "moment": datetime(2026, 1, 31, 9, 5, 7, 250_000, tzinfo=UTC),
    "bytes": b"abc",
    "degrees": 54.5070000001,
    "count": 2,
    "lines": "Первая\nвторая",
    "emoji": "Яма 🕳 тут",
    "file": "Фото двора.JPG",
}
EXAMPLE_TABLES: Mapping[str, Mapping[str, str]] = {"kinds": {"roads/pothole": "0412", "*": "0499"}}

_ELLIPSIS = "…"


def _shorten(_words: Words, value: str, length: int) -> str:
    if length < 1:
        raise FunctionFailed("`shorten` wants at least 1 character")
    return value if len(value) <= length else value[: length - 1].rstrip() + _ELLIPSIS


def _first(_words: Words, value: str, length: int) -> str:
    return value[: max(length, 0)]


def _shorten_bytes(_words: Words, value: str, length: int, name: str = "utf-8") -> str:
    return charset.shorten_bytes(value, length, _known_charset(name))


def _translate(words: Words, value: str, table: str) -> str:
    rows = words.tables.get(table)
    if rows is None:
        raise FunctionFailed(f"`translate`: there is no table `{table}`")
    found = rows.get(value, rows.get("*"))
    if found is None:
        raise FunctionFailed(f'`translate`: the table `{table}` has no row for this value; add the row or a "*" row')
    return found


def _base64(_words: Words, value: bytes | str) -> str:
    return base64.b64encode(_bytes(value)).decode("ascii")


def _sha256(_words: Words, value: bytes | str) -> str:
    return hashlib.sha256(_bytes(value)).hexdigest()


def _bytes(value: bytes | str) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def _local(words: Words, value: datetime) -> str:
    return value.astimezone(words.timezone).replace(tzinfo=None).isoformat(timespec="seconds")


def _utc_ms(_words: Words, value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _with_zone(words: Words, value: datetime) -> str:
    return value.astimezone(words.timezone).isoformat(timespec="seconds")


def _local_format(words: Words, value: datetime, form: str) -> str:
    allowed = set("YmdHMSyjf%")
    if any(code[:1] not in allowed for code in form.replace("%%", "").split("%")[1:]):
        raise FunctionFailed("`local_format` knows the codes %Y %m %d %H %M %S %y %j %f")
    return value.astimezone(words.timezone).strftime(form)


def _encodable(_words: Words, value: str, name: str, instead: str = "?") -> str:
    known = _known_charset(name)
    if not charset.holds(instead, known):
        raise FunctionFailed(f"`encodable`: {name} cannot hold the replacement either")
    return charset.encodable(value, known, instead)


def _known_charset(name: str) -> str:
    try:
        return charset.known(name)
    except LookupError:
        raise FunctionFailed(f"`{name}` is not a known charset; write for example `windows-1251`") from None


def _ascii_name(_words: Words, value: str, length: int = 80) -> str:
    if length < 16:
        raise FunctionFailed("`ascii_name` wants room for at least 16 characters")
    return charset.ascii_name(value, length)


def _one_line(_words: Words, value: str) -> str:
    return " ".join(value.split())


def _text(_words: Words, value: str | int | float | bool) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _decimal(_words: Words, value: float, places: int) -> str:
    whole, _, part = f"{value:.{min(max(places, 0), 12)}f}".partition(".")
    part = part.rstrip("0")
    return f"{whole}.{part}" if part else whole


def _upper(_words: Words, value: str) -> str:
    return value.upper()


def _lower(_words: Words, value: str) -> str:
    return value.lower()


def _trim(_words: Words, value: str) -> str:
    return value.strip()


def _default(_words: Words, value: object, instead: object) -> object:
    return instead if value is None or value in ("", b"") else value


_LENGTH = Argument("length", int)
_TABLE: tuple[Function, ...] = (
    Function("shorten", "At most so many characters; a longer text ends with `…`.", (str,), (_LENGTH,),
             "text | shorten(5)", "Яма…", _shorten),
    Function("first", "The first so many characters, without a sign that something was cut.", (str,), (_LENGTH,),
             "category | first(5)", "roads", _first),
    Function("shorten_bytes", "At most so many bytes in a charset (utf-8 unless told), never cutting a character in two.", (str,),
             (_LENGTH, Argument("charset", str, optional=True)), "text | shorten_bytes(9, 'utf-8')", "Яма…", _shorten_bytes),
    Function("translate", 'The value\'s row in a table of `translate:`, else the "*" row; no row is a failure and never a guess.', (str,),
             (Argument("table", str),), "category | translate('kinds')", "0412", _translate),
    Function("base64", "Bytes, or the UTF-8 of a text, as base64. A SOAP element of the type base64Binary needs no such help.", (str, bytes), (),
             "bytes | base64", "YWJj", _base64),
    Function("sha256", "Hex digest of bytes, or of the UTF-8 of a text.", (str, bytes), (), "bytes | sha256 | first(8)", "ba7816bf", _sha256),
    Function("local", "A time as the agency's clock shows it, without zone, to the second.", (datetime,), (),
             "moment | local", "2026-01-31T12:05:07", _local),
    Function("utc_ms", "A time in UTC with milliseconds and `Z`.", (datetime,), (), "moment | utc_ms", "2026-01-31T09:05:07.250Z", _utc_ms),
    Function("with_zone", "A time as the agency's clock shows it, with its distance from UTC, to the second.", (datetime,), (),
             "moment | with_zone", "2026-01-31T12:05:07+03:00", _with_zone),
    Function("local_format", "A time as the agency's clock shows it, in a form such as `%d.%m.%Y %H:%M`.", (datetime,), (Argument("form", str),),
             "moment | local_format('%d.%m.%Y %H:%M')", "31.01.2026 12:05", _local_format),
    Function("encodable", "Only what a charset can hold: signs it lacks are said in others (`₽` as `руб.`) or replaced by the second "
             "argument (`?` unless told); what XML forbids is left out; line ends become `\\n`.", (str,),
             (Argument("charset", str), Argument("instead", str, optional=True)), "emoji | encodable('windows-1251', '?')", "Яма ? тут", _encodable),
    Function("ascii_name", "A safe ASCII file name, Russian letters spelled in Latin ones, the extension kept; 80 characters unless told.", (str,),
             (Argument("length", int, optional=True),), "file | ascii_name", "Foto_dvora.jpg", _ascii_name),
    Function("one_line", "Line ends and runs of spaces become one space.", (str,), (), "lines | one_line", "Первая вторая", _one_line),
    Function("text", "A number or a yes/no as text.", (str, int, float, bool), (), "count | text", "2", _text),
    Function("decimal", "A number as text with at most so many digits after the point, never with an exponent.", (int, float),
             (Argument("places", int),), "degrees | decimal(6)", "54.507", _decimal),
    Function("upper", "Capital letters.", (str,), (), "text | first(3) | upper", "ЯМА", _upper),
    Function("lower", "Small letters.", (str,), (), "text | first(3) | lower", "яма", _lower),
    Function("trim", "Without spaces and line ends around it.", (str,), (), "' a ' | trim", "a", _trim),
    Function("default", "The argument, where the value is missing or empty.", (object,), (Argument("instead", object),),
             "missing | default('none')", "none", _default),
)  # fmt: skip
FUNCTIONS: Mapping[str, Function] = {function.name: function for function in _TABLE}


def as_filters() -> dict[str, Callable[..., Any]]:
    """The table as MiniJinja filters. The agency's Words come from the variable `_words` of the evaluation."""
    return {function.name: _as_filter(function) for function in _TABLE}


def _as_filter(function: Function) -> Callable[..., Any]:
    def run(state: State, value: object = None, *arguments: object, **named: object) -> object:
        _judge(function, arguments, named)
        words: Words = state.lookup("_words")
        if value is None and function.name != "default":
            return None
        if not isinstance(value, function.takes) and object not in function.takes:
            raise FunctionFailed(f"`{function.name}` wants {_kinds(function.takes)}, and got {_kind(type(value))}")
        return function.run(words, value, *arguments)

    run.__name__ = function.name
    return pass_state(run)


def _judge(function: Function, arguments: tuple[object, ...], named: Mapping[str, object]) -> None:
    least = sum(not argument.optional for argument in function.arguments)
    if named or not least <= len(arguments) <= len(function.arguments):
        wanted = ", ".join(f"{argument.name}{'?' if argument.optional else ''}" for argument in function.arguments)
        raise FunctionFailed(f"`{function.name}` wants the arguments ({wanted})")
    for argument, value in zip(function.arguments, arguments, strict=False):
        if argument.kind is not object and (not isinstance(value, argument.kind) or isinstance(value, bool)):
            raise FunctionFailed(
                f"`{function.name}`: {argument.name} must be {_kind(argument.kind)}, and is {_kind(type(value))}"
            )


def _kind(kind: type) -> str:
    names = {
        str: "a text",
        int: "a number",
        float: "a number",
        bool: "yes or no",
        datetime: "a time",
        bytes: "bytes",
        type(None): "missing",
    }
    return names.get(kind, "a list or a structure")


def _kinds(kinds: tuple[type, ...]) -> str:
    return " or ".join(dict.fromkeys(_kind(kind) for kind in kinds))
