"""Every filter an agency file may use, described in one table: `value | name(arguments)`.

Promises: each filter has a sentence and an example which a test runs; a missing value stays missing through every
filter but `default`; a wrong kind of value or argument raises FunctionFailed, which names kinds and never values; what
goes into a filter and what comes out of it is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from minijinja import pass_state
from minijinja._lowlevel import State

from adapters import filters
from adapters.filters import MAX_SIZE, FunctionFailed, Words

__all__ = [
    "EXAMPLE_HOOKS",
    "EXAMPLE_SCOPE",
    "EXAMPLE_TABLES",
    "FUNCTIONS",
    "MAX_SIZE",
    "Argument",
    "Function",
    "FunctionFailed",
    "Words",
    "as_filters",
]


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
    judge: Callable[..., object] | None = None
    """Tries the arguments without a value, so that a bad one is a fault of the file and not of the first message."""


EXAMPLE_SCOPE: Mapping[str, object] = {
    "text": "Яма на улице",
    "long": "Яма на улице, глубокая",
    "category": "roads/pothole",
    "moment": datetime(2026, 1, 31, 9, 5, 7, 250_000, tzinfo=UTC),
    "bytes": b"abc",
    "degrees": 54.5070000001,
    "count": 2,
    "list": ["a", "b"],
    "lines": "Первая\nвторая",
    "emoji": "Яма 🕳 тут",
    "file": "Фото двора.JPG",
    "kind": "0412",
    "code": "7",
    "uuid": "0197b0a0-0000-7000-8000-000000000001",
    "notes": [{"id": 7, "text": "Принято", "private": False}, {"id": 8, "text": "внутреннее", "private": True}],
}
EXAMPLE_TABLES: Mapping[str, Mapping[str, str]] = {"kinds": {"roads/pothole": "0412", "*": "0499"}}
EXAMPLE_HOOKS: Mapping[str, Callable[[object], object]] = {"house": lambda value: str(value).rpartition(" ")[2]}

_LENGTH = Argument("length", int)
_OF_ENTRY = (
    Argument("wanted", str),
    *(Argument(name, str, optional=True) for name in ("name", "equals", "name_too", "equals_too")),
)
_TABLE: tuple[Function, ...] = (
    Function("shorten", "At most so many characters; a longer text ends with `…`.", (str,), (_LENGTH,),
             "text | shorten(5)", "Яма…", filters.shorten),
    Function("first", "The first so many characters, without a sign that something was cut.", (str,), (_LENGTH,),
             "category | first(5)", "roads", filters.first),
    Function("shorten_bytes", "At most so many bytes in a charset (utf-8 unless told), never cutting a character in two.", (str,),
             (_LENGTH, Argument("charset", str, optional=True)), "text | shorten_bytes(9, 'utf-8')", "Яма…", filters.shorten_bytes),
    Function("translate", 'The value\'s row in a table of `translate:`, else the "*" row; no row is a failure and never a guess.', (str,),
             (Argument("table", str),), "category | translate('kinds')", "0412", filters.translate),
    Function("base64", "Bytes, or the UTF-8 of a text, as base64. A SOAP element of the type base64Binary needs no such help.", (str, bytes), (),
             "bytes | base64", "YWJj", filters.base64),
    Function("sha256", "Hex digest of bytes, or of the UTF-8 of a text.", (str, bytes), (), "bytes | sha256 | first(8)", "ba7816bf", filters.sha256),
    Function("local", "A time as the agency's clock shows it, without zone, to the second.", (datetime,), (),
             "moment | local", "2026-01-31T12:05:07", filters.local),
    Function("utc_ms", "A time in UTC with milliseconds and `Z`.", (datetime,), (), "moment | utc_ms", "2026-01-31T09:05:07.250Z", filters.utc_ms),
    Function("with_zone", "A time as the agency's clock shows it, with its distance from UTC, to the second.", (datetime,), (),
             "moment | with_zone", "2026-01-31T12:05:07+03:00", filters.with_zone),
    Function("local_format", "A time as the agency's clock shows it, in a form such as `%d.%m.%Y %H:%M`; the same as `time` without a zone.",
             (datetime,), (Argument("form", str),), "moment | local_format('%d.%m.%Y %H:%M')", "31.01.2026 12:05", filters.time, filters.judge_time),
    Function("time", "A time in a form of your own (%Y %y %m %d %H %I %M %S %p %j %b %B %a %A %z %:z %f %L %s), "
             "in the agency's zone or the named one.",
             (datetime,), (Argument("form", str), Argument("zone", str, optional=True)),
             "moment | time('%d-%b-%Y %H:%M:%S', 'UTC') | upper", "31-JAN-2026 09:05:07", filters.time, filters.judge_time),
    Function("shift", "A time moved by a duration such as `-2m`, for an agency whose clock is wrong by a known amount.", (datetime,),
             (Argument("by", str),), "moment | shift('-2m') | utc_ms", "2026-01-31T09:03:07.250Z", filters.shift, filters.judge_shift),
    Function("by_their_clock", "A time as the agency's own clock showed it: moved by the difference measured on the Date of its replies.",
             (datetime,), (), "moment | by_their_clock | utc_ms", "2026-01-31T09:05:07.250Z", filters.by_their_clock),
    Function("like", "Whether a text fits a pattern with `*` for anything; case does not matter.", (str,), (Argument("pattern", str),),
             "text | like('яма*')", True, filters.like, filters.judge_like),
    Function("same_words", "Whether a text is the argument or its beginning (20 letters at least), whatever became of spaces and signs.", (str,),
             (Argument("other", object),), "lines | same_words('первая, ВТОРАЯ!')", True, filters.same_words),
    Function("translate_back", "Our word for the agency's value: its row in `translate_back:`, else the one row of `translate:` that gives it, "
             'else the "*" row of `translate_back:`.', (str,), (Argument("table", str),),
             "kind | translate_back('kinds')", "roads/pothole", filters.translate_back),
    Function("hook", "What a Python function named under `hooks:` makes of the value, where this language ends.", (object,), (Argument("name", str),),
             "text | hook('house')", "улице", filters.hook),
    Function("data_uri", "Bytes as a `data:` address of this media type.", (bytes,), (Argument("media_type", object),),
             "bytes | data_uri('image/png')", "data:image/png;base64,YWJj", filters.data_uri),
    Function("latin", "Russian letters spelled in Latin ones, every other sign in ASCII or as `?`.", (str,), (),
             "text | latin", "Yama na ulitse", filters.latin),
    Function("plain_name", "A file name without paths and signs that systems stumble over, letters kept, never empty; "
             "100 characters unless told.", (str,), (Argument("length", int, optional=True),), "file | plain_name", "Фото двора.JPG",
             filters.plain_name),
    Function("number", "A text as a number.", (str, int, float), (), "code | number", 7, filters.number),
    Function("encodable", "Only what a charset can hold: signs it lacks are said in others (`₽` as `руб.`) or replaced by the second "
             "argument (`?` unless told); what XML forbids is left out; line ends become `\\n`.", (str,),
             (Argument("charset", str), Argument("instead", str, optional=True)), "emoji | encodable('windows-1251', '?')", "Яма ? тут",
             filters.encodable),
    Function("ascii_name", "A safe ASCII file name, Russian letters spelled in Latin ones, the extension kept; 80 characters unless told.", (str,),
             (Argument("length", int, optional=True),), "file | ascii_name", "Foto_dvora.jpg", filters.ascii_name),
    Function("one_line", "Line ends and runs of spaces become one space.", (str,), (), "lines | one_line", "Первая вторая", filters.one_line),
    Function("join", "A list as one text, with a comma between its parts unless told.", (list, tuple), (Argument("between", str, optional=True),),
             "list | join(';')", "a;b", filters.join),
    Function("names", "The names of a structure's fields in their order, with spaces between: what is there at all.", (dict,), (),
             "notes[0] | names", "id text private", filters.names),
    Function("uuid1", "A time-based identifier (UUID version 1) for systems that take no other, made of one of ours; the same for the same.",
             (str,), (), "uuid | uuid1", "7d814314-5335-11f0-a819-ed5ee62702ea", filters.uuid1),
    Function("first_of", "Of a list of structures, one field of the first that has it; with names and values, of the first whose "
             "fields are so. A lone structure is a list of one.", (list, tuple, dict), _OF_ENTRY, "notes | first_of('text', 'id', '8')",
             "внутреннее", filters.first_of),
    Function("last_of", "As `first_of`, from the end: the latest public note of a history, for instance.", (list, tuple, dict), _OF_ENTRY,
             "notes | last_of('text', 'private', 'false')", "Принято", filters.last_of),
    Function("text", "A number or a yes/no as text.", (str, int, float, bool), (), "count | text", "2", filters.text),
    Function("decimal", "A number as text with at most so many digits after the point, never with an exponent.", (int, float),
             (Argument("places", int),), "degrees | decimal(6)", "54.507", filters.decimal),
    Function("upper", "Capital letters.", (str,), (), "text | first(3) | upper", "ЯМА", filters.upper),
    Function("lower", "Small letters.", (str,), (), "text | first(3) | lower", "яма", filters.lower),
    Function("trim", "Without spaces and line ends around it.", (str,), (), "' a ' | trim", "a", filters.trim),
    Function("default", "The argument, where the value is missing or empty.", (object,), (Argument("instead", object),),
             "missing | default('none')", "none", filters.default),
)  # fmt: skip
FUNCTIONS: Mapping[str, Function] = {function.name: function for function in _TABLE}


def as_filters() -> dict[str, Callable[..., Any]]:
    """The table as MiniJinja filters. The agency's Words come from the variable `_words` of the evaluation."""
    return {function.name: _as_filter(function) for function in _TABLE}


def _as_filter(function: Function) -> Callable[..., Any]:
    def run(state: State, value: object = None, *arguments: object, **named: object) -> object:
        _judge(function, arguments, named)
        if value is None and function.judge is not None:
            function.judge(*arguments)
        words: Words = state.lookup("_words")
        if value is None and function.name != "default":
            return None
        if not isinstance(value, function.takes) and object not in function.takes:
            raise FunctionFailed(f"`{function.name}` wants {_kinds(function.takes)}, and got {_kind(type(value))}")
        if isinstance(value, (str, bytes)) and len(value) > MAX_SIZE:
            raise FunctionFailed(f"`{function.name}`: the value is larger than {MAX_SIZE} characters or bytes")
        try:
            return function.run(words, value, *arguments)
        except (OverflowError, ValueError) as error:
            # A number beyond any system's, a time beyond the calendar.
            raise FunctionFailed(f"`{function.name}` cannot take this value ({type(error).__name__})") from None

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
