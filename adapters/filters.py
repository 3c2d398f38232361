"""What each filter of an agency file does. Which there are, and what they take: adapters/functions.py.

Promises: pure; a value or an argument that cannot be used raises FunctionFailed, which names kinds and never values.
"""

from __future__ import annotations

import base64 as base64_codec
import hashlib
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from fnmatch import translate as wildcard
from functools import lru_cache

from adapters import charset, written_times

MAX_SIZE = 64 * 1024 * 1024
"""Longest text or bytes a filter takes or gives: a large photo in base64 passes, a tower of base64 does not."""


class FunctionFailed(Exception):
    """A filter got a value or an argument it cannot use."""


@dataclass(frozen=True, slots=True)
class Words:
    """What filters know of one agency: its time zone, its tables of `translate:` and `translate_back:`, its hooks.

    `clock_ahead_s` is by how many seconds the agency's clock runs ahead of ours, as far as it was measured.
    """

    timezone: tzinfo
    tables: Mapping[str, Mapping[str, str]]
    back: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hooks: Mapping[str, Callable[[object], object]] = field(default_factory=dict)
    clock_ahead_s: float = 0.0

    @classmethod
    def none(cls) -> Words:
        return cls(UTC, {})


_MOST_STARS = 8
_MOST_COMPARED = 20_000
_LEAST_COMPARED = 20
_NOT_LETTERS = re.compile(r"[\W_]+")
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,12})?")
_ELLIPSIS = "…"


def shorten(_words: Words, value: str, length: int) -> str:
    if length < 1:
        raise FunctionFailed("`shorten` wants at least 1 character")
    return value if len(value) <= length else value[: length - 1].rstrip() + _ELLIPSIS


def first(_words: Words, value: str, length: int) -> str:
    return value[: max(length, 0)]


def shorten_bytes(_words: Words, value: str, length: int, name: str = "utf-8") -> str:
    return charset.shorten_bytes(value, length, _known_charset(name))


def translate(words: Words, value: str, table: str) -> str:
    rows = words.tables.get(table)
    if rows is None:
        raise FunctionFailed(f"`translate`: there is no table `{table}`")
    found = rows.get(value, rows.get("*"))
    if found is None:
        raise FunctionFailed(f'`translate`: the table `{table}` has no row for this value; add the row or a "*" row')
    return found


def translate_back(words: Words, value: str, table: str) -> str:
    """A row of `translate_back:` decides; without one the only row of `translate:` that gives the value."""
    rows, back = words.tables.get(table, {}), words.back.get(table, {})
    if value in back:
        return back[value]
    ours = [name for name, theirs in rows.items() if theirs == value and name != "*"]
    if len(ours) == 1:
        return ours[0]
    if "*" in back and not ours:
        return back["*"]
    why = "several rows give" if ours else "no row gives"
    raise FunctionFailed(f"`translate_back`: {why} this value; add a row to the table `{table}` of `translate_back`")


def hook(words: Words, value: object, name: str) -> object:
    hook = words.hooks.get(name)
    if hook is None:
        raise FunctionFailed(f"`hook`: there is no hook `{name}`; name it under `hooks`")
    return hook(value)


def data_uri(_words: Words, value: bytes, media_type: object) -> str:
    if not isinstance(media_type, str):
        raise FunctionFailed("`data_uri` wants a media type such as `item.media_type`")
    return f"data:{media_type};base64,{base64_codec.b64encode(value).decode('ascii')}"


def base64(_words: Words, value: bytes | str) -> str:
    return base64_codec.b64encode(_bytes(value)).decode("ascii")


def sha256(_words: Words, value: bytes | str) -> str:
    return hashlib.sha256(_bytes(value)).hexdigest()


def _bytes(value: bytes | str) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def local(words: Words, value: datetime) -> str:
    return value.astimezone(words.timezone).replace(tzinfo=None).isoformat(timespec="seconds")


def utc_ms(_words: Words, value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def with_zone(words: Words, value: datetime) -> str:
    return value.astimezone(words.timezone).isoformat(timespec="seconds")


def time(words: Words, value: datetime, form: str, zone: str | None = None) -> str:
    try:
        return written_times.written(value, form, words.timezone if zone is None else written_times.zone_of(zone))
    except written_times.BadForm as bad:
        raise FunctionFailed(f"`time`: {bad}") from None


def shift(_words: Words, value: datetime, by: str) -> datetime:
    try:
        return value + timedelta(seconds=written_times.seconds_of(by))
    except written_times.BadForm as bad:
        raise FunctionFailed(f"`shift`: {bad}") from None


def by_their_clock(words: Words, value: datetime) -> datetime:
    return value + timedelta(seconds=words.clock_ahead_s)


def like(_words: Words, value: str, pattern: str) -> bool:
    return _pattern(pattern.casefold()).match(value.casefold()) is not None


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> re.Pattern[str]:
    # More stars would make the work grow with a power of the text's length.
    if pattern.count("*") > _MOST_STARS:
        raise FunctionFailed(f"`like` takes at most {_MOST_STARS} stars")
    return re.compile(wildcard(pattern))


def same_words(_words: Words, value: str, other: object) -> bool:
    """Agencies cut texts, change their spaces, and drop what their charset lacks: letters and digits are compared, at least 20 of them."""
    if not isinstance(other, str):
        return False
    theirs, ours = (_NOT_LETTERS.sub("", text[:_MOST_COMPARED].casefold()) for text in (value, other))
    return theirs == ours or (len(theirs) >= _LEAST_COMPARED and ours.startswith(theirs))


def encodable(_words: Words, value: str, name: str, instead: str = "?") -> str:
    known = _known_charset(name)
    if not charset.holds(instead, known):
        raise FunctionFailed(f"`encodable`: {name} cannot hold the replacement either")
    return charset.encodable(value, known, instead)


def _known_charset(name: str) -> str:
    try:
        return charset.known(name)
    except LookupError:
        raise FunctionFailed(f"`{name}` is not a known charset; write for example `windows-1251`") from None


def ascii_name(_words: Words, value: str, length: int = 80) -> str:
    if length < 16:
        raise FunctionFailed("`ascii_name` wants room for at least 16 characters")
    return charset.ascii_name(value, length)


def latin(_words: Words, value: str) -> str:
    return charset.encodable(charset.in_latin(value), "ascii", "?")


def plain_name(_words: Words, value: str, length: int = 100) -> str:
    if length < 16:
        raise FunctionFailed("`plain_name` wants room for at least 16 characters")
    return charset.plain_name(value, length)


def number(_words: Words, value: str | int | float) -> int | float:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not _NUMBER.fullmatch(text):
        raise FunctionFailed("`number`: the text is no number")
    return float(text) if "." in text else int(text)


def one_line(_words: Words, value: str) -> str:
    return " ".join(value.split())


def join(_words: Words, value: Sequence[object], between: str = ",") -> str:
    if not all(isinstance(one, (str, int)) for one in value):
        raise FunctionFailed("`join` wants a list of texts or whole numbers")
    return between.join(str(one) for one in value)


def uuid1(_words: Words, value: str) -> str:
    """The time of a version 7, the rest from its digest: always the same for the same message, and no machine's address in it."""
    ours = uuid.UUID(value)
    digest = int.from_bytes(hashlib.sha256(ours.bytes).digest()[:16], "big")
    # In tenths of microseconds since 1582, as version 1 counts.
    ticks = (ours.int >> 80) * 10_000 + digest % 10_000 + 0x01B21DD213814000
    clock_and_node = (digest >> 16) & 0x3FFF_FFFFFFFFFFFF | 0x8000_010000000000
    low, middle, high = ticks & 0xFFFFFFFF, (ticks >> 32) & 0xFFFF, (ticks >> 48) & 0x0FFF | 0x1000
    return str(uuid.UUID(int=(low << 96) | (middle << 80) | (high << 64) | clock_and_node))


def names(_words: Words, value: Mapping[str, object]) -> str:
    """Some systems say what happened by the element that is there."""
    return " ".join(str(name) for name in value)


def first_of(words: Words, value: Sequence[object] | Mapping[str, object], wanted: str, *pairs: str) -> object:
    return last_of(words, value if isinstance(value, Mapping) else value[::-1], wanted, *pairs)


def last_of(_words: Words, value: Sequence[object] | Mapping[str, object], wanted: str, *pairs: str) -> object:
    """Lists of `{id: 7, value: …}` are how systems keep fields of their own; so are notes, of which some are private."""
    wishes = dict(zip(pairs[::2], pairs[1::2], strict=True))
    for entry in [value] if isinstance(value, Mapping) else reversed(value):
        if isinstance(entry, Mapping) and all(_as_word(entry.get(name)) == word for name, word in wishes.items()):
            found = entry.get(wanted)
            if found is not None and found not in ("", b""):
                return found
    return None


def _as_word(value: object) -> object:
    return (
        ("true" if value else "false")
        if isinstance(value, bool)
        else str(value)
        if isinstance(value, (str, int))
        else None
    )


def text(_words: Words, value: str | int | float | bool) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def decimal(_words: Words, value: float, places: int) -> str:
    whole, _, part = f"{value:.{min(max(places, 0), 12)}f}".partition(".")
    part = part.rstrip("0")
    return f"{whole}.{part}" if part else whole


def upper(_words: Words, value: str) -> str:
    return value.upper()


def lower(_words: Words, value: str) -> str:
    return value.lower()


def trim(_words: Words, value: str) -> str:
    return value.strip()


def default(_words: Words, value: object, instead: object) -> object:
    return instead if value is None or value in ("", b"") else value


def judge_time(form: str, zone: str | None = None) -> None:
    time(Words.none(), datetime(2026, 1, 31, tzinfo=UTC), form, zone)


def judge_shift(by: str) -> None:
    shift(Words.none(), datetime(2026, 1, 31, tzinfo=UTC), by)


def judge_like(pattern: str) -> None:
    _pattern(pattern)
