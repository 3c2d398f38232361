"""YAML text to a plain tree of dicts, lists and strings, with the place of every key and value.

Promises: no scalar is interpreted (`0412`, `NO`, `~` and an empty value are the strings they look like); the depth is
bounded, so it cannot exhaust the stack; everything refused is a `Fault`, and reading goes on after the faults that
leave the rest readable. A place is worked out when somebody asks for it: of a sound file hardly anybody does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, NoReturn

import yaml

from agencies.fault import Fault, FileFaults

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_FAULTS = 200

Path = tuple[str | int, ...]
"""Where something is in a file: keys and list positions from the top, e.g. `("submit", "send", "case.Kind")`."""

# What no configuration needs and every log viewer stumbles over: controls (tab and line ends are judged apart), lone
# surrogates, the byte order mark inside the text, and the Unicode line ends that editors do not count as lines.
_BAD_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class Position(NamedTuple):
    """A place in a file, counted from 1."""

    line: int
    column: int


class Elsewhere(Position):
    """A place in another file than the one the tree is named after: a file may be made of several."""

    file: str

    @classmethod
    def of(cls, file: str, place: Position) -> Elsewhere:
        """The place, which is in `file`."""
        made = cls(*place)
        made.file = file
        return made


@dataclass
class Tree:
    """What was read: `data` of dicts, lists and strings, and where each path's value and each mapping key is written."""

    data: object = ""
    faults: list[Fault] = field(default_factory=list)
    marks: Any = None
    """Places in step with `data`: a mark of the reader's or a `Position`, or for a collection a list that begins with one.
    A mapping goes on with the mark of a key and the marks of its value in turn, a list with the marks of its items."""

    @cached_property
    def values(self) -> dict[Path, Position]:
        """Where the value at each path begins."""
        return {path: first_place(marks) for path, _, marks in self._all()}

    @cached_property
    def keys(self) -> dict[Path, Position]:
        """Where the key at the end of each path is written."""
        return {path: _place(key) for path, key, _ in self._all() if key is not None}

    def position(self, path: Path, *, of_key: bool = False) -> Position:
        """Where the value at `path`, or its key, is written; for a path that is not there, its nearest parent."""
        data, key, marks = self.data, None, self.marks
        for step in path:
            if isinstance(data, dict) and step in data:
                place = 2 * list(data).index(step) + 1
                data, key, marks = data[step], marks[place], marks[place + 1]
            elif isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data):
                data, key, marks = data[step], None, marks[step + 1]
            else:
                break
        return first_place(key if of_key and key is not None else marks)

    def _all(self) -> Iterator[tuple[Path, Any, Any]]:
        """Every path with the mark of its key, if it has one, and the marks of its value."""
        waiting: list[tuple[Path, object, Any, Any]] = [((), self.data, None, self.marks)]
        while waiting:
            path, data, key, marks = waiting.pop()
            yield path, key, marks
            if isinstance(data, dict):
                pairs = zip(data.items(), marks[1::2], marks[2::2], strict=True)
                waiting += (((*path, name), value, mark, inner) for (name, value), mark, inner in pairs)
            elif isinstance(data, list):
                items = enumerate(zip(data, marks[1:], strict=True))
                waiting += (((*path, number), value, None, inner) for number, (value, inner) in items)


def decode(raw: bytes, file: str) -> str:
    """The text of a file's bytes. Raises `FileFaults` for what makes the whole text unreadable or treacherous."""
    if len(raw) > MAX_BYTES:
        raise FileFaults([Fault(file, 1, 1, "too-large", f"is larger than {MAX_BYTES:,} bytes; split it")])
    if raw.startswith(b"\xef\xbb\xbf"):
        raise FileFaults([Fault(file, 1, 1, "byte-order-mark", "begins with a byte order mark; save as plain UTF-8")])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        line_start = raw.rfind(b"\n", 0, error.start) + 1
        column = len(raw[line_start : error.start].decode("utf-8", "replace")) + 1
        raise FileFaults(
            [Fault(file, line, column, "not-utf-8", "is not UTF-8 here; save the file as UTF-8")]
        ) from error


def read_tree(text: str, file: str) -> Tree:
    """The tree of one YAML document; `tree.faults` holds what was refused but left the rest readable.

    Raises `FileFaults` when the text cannot be read on: broken YAML, tabs, bad characters, too deep, nothing in it.
    """
    if faults := list(_faults_of_text(text, file)):
        raise FileFaults(faults[:MAX_FAULTS])
    return _Reader(file).read(text)


def _faults_of_text(text: str, file: str) -> Iterable[Fault]:
    if "\t" not in text and not _BAD_CHARACTER.search(text):
        return
    for number, line in enumerate(text.split("\n"), 1):
        tab = line.find("\t")
        if tab >= 0:
            yield Fault(file, number, tab + 1, "tab", 'has a tab; use spaces (inside double quotes write "\\t")')
        if bad := _BAD_CHARACTER.search(line):
            name = f"U+{ord(bad.group()):04X}"
            yield Fault(file, number, bad.start() + 1, "bad-character", f"has the character {name}; remove it")


# The stubs of PyYAML do not type events and marks; both are its own plain objects.
_Event = Any
_Read = tuple[object, Any]
"""A value and its marks, as `Tree.marks` keeps them."""


class _Reader:
    """Turns YAML events into a `Tree`; one use.

    A file is some hundred events and a start reads thousands of files, hence the kinds of events are told apart by
    identity and the commonest is asked for first.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._faults: list[Fault] = []
        self._next: Callable[[], _Event] = lambda: None

    def read(self, text: str) -> Tree:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser is ten times faster; both give events
        try:
            parser = loader(text)
            try:
                self._next = parser.get_event
                found = self._documents()
            finally:
                parser.dispose()
        except yaml.MarkedYAMLError as error:
            self._refuse(error.problem_mark or error.context_mark, "not-yaml", _in_words(error))
            raise FileFaults(self._faults) from error
        except yaml.YAMLError as error:
            raise FileFaults([*self._faults, Fault(self._file, 1, 1, "not-yaml", str(error))]) from error
        if found is None:
            raise FileFaults([Fault(self._file, 1, 1, "empty", "has nothing in it; write at least one key")])
        return Tree(found[0], self._faults, found[1])

    def _documents(self) -> _Read | None:
        """The first document; None when there is none."""
        found: _Read | None = None
        while (event := self._next()) is not None:
            if type(event) is not yaml.DocumentStartEvent:
                continue
            if event.version or event.tags:
                self._refuse(event.start_mark, "directive", "has a `%` directive; remove it")
            if found is not None:
                self._refuse(event.start_mark, "several-documents", "starts a second document; keep one per file")
                break
            found = self._value(self._next(), 0)
        return found

    def _value(self, event: _Event, depth: int) -> _Read:
        """The value that begins with `event`, below `depth` collections."""
        kind = type(event)
        if kind is yaml.AliasEvent:
            self._refuse(event.start_mark, "alias", f"uses the alias `*{event.anchor}`; write the value out here")
            return "", event.start_mark
        self._judge(event)
        if kind is yaml.ScalarEvent:
            return event.value, event.start_mark
        if depth >= MAX_DEPTH:
            self._refuse(event.start_mark, "too-deep", f"is nested deeper than {MAX_DEPTH} levels; flatten it")
            raise FileFaults(self._faults)
        marks = [event.start_mark]
        if kind is yaml.MappingStartEvent:
            return self._mapping(marks, depth + 1), marks
        return self._list(marks, depth + 1), marks

    def _mapping(self, marks: list[Any], depth: int) -> dict[str, object]:
        following, scalar = self._next, yaml.ScalarEvent
        items: dict[str, object] = {}
        while type(event := following()) is not yaml.MappingEndEvent:
            if type(event) is not scalar:
                self._refuse_key(event)
            if event.style or event.anchor is not None or event.tag is not None:
                self._judge(event)
            key: str = event.value
            mark = event.start_mark
            is_repeated = key in items
            if is_repeated:
                first = marks[2 * list(items).index(key) + 1]
                self._refuse(mark, "duplicate-key", f"repeats the key `{key}` of line {first.line + 1}; keep one")
            event = following()
            value: object
            if type(event) is scalar and not event.style and event.anchor is None and event.tag is None:
                value, place = event.value, event.start_mark
            else:
                value, place = self._value(event, depth)
            if not is_repeated:  # its value is read for faults and then dropped
                items[key] = value
                marks += (mark, place)
        return items

    def _list(self, marks: list[Any], depth: int) -> list[object]:
        items: list[object] = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            value, place = self._value(event, depth)
            items.append(value)
            marks.append(place)
        return items

    def _judge(self, event: _Event) -> None:
        """Refuse what no scalar and no collection may have."""
        if event.anchor is not None:
            self._refuse(event.start_mark, "anchor", f"has the anchor `&{event.anchor}`; remove it")
        if event.tag is not None:
            self._refuse(event.start_mark, "tag", "has a `!` tag; remove it, every value's type is known here")
        # The text itself was looked at before; only escapes in double quotes can bring one in now.
        if type(event) is yaml.ScalarEvent and event.style == '"' and _BAD_CHARACTER.search(event.value):
            self._refuse(event.start_mark, "bad-character", "has an escaped control character; remove it")

    def _refuse_key(self, event: _Event) -> NoReturn:
        if type(event) is yaml.AliasEvent:
            self._refuse(event.start_mark, "alias", f"uses the alias `*{event.anchor}`; write the value out here")
        else:
            self._judge(event)
        self._refuse(event.start_mark, "bad-key", "has a key that is not plain text; write a simple key")
        raise FileFaults(self._faults)

    def _refuse(self, mark: Any, code: str, text: str) -> None:  # noqa: ANN401
        if len(self._faults) < MAX_FAULTS:
            line, column = _place(mark)
            self._faults.append(Fault(self._file, line, column, code, text))


def first_place(marks: Any) -> Position:  # noqa: ANN401
    """Where a value begins, by its part of `Tree.marks`."""
    return _place(marks[0] if type(marks) is list else marks)


def _place(mark: Any) -> Position:  # noqa: ANN401
    if isinstance(mark, Position):
        return mark
    return Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)


def _in_words(error: yaml.MarkedYAMLError) -> str:
    """PyYAML's own words, with the remedy for the two mistakes people really make."""
    problem = error.problem or "cannot be read"
    if "mapping values are not allowed" in problem:
        return f"{problem}; put a value that contains `: ` in quotes"
    if "cannot start any token" in problem or "that cannot start" in problem:
        return f"{problem}; put the value in quotes"
    return f"{problem} ({error.context})" if error.context else problem
