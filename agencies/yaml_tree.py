"""YAML text to a plain tree of dicts, lists and strings, with the place of every key and value.

Promises: no scalar is interpreted (`0412`, `NO`, `~` and an empty value are the strings they look like); the walk is
iterative, so depth cannot exhaust the stack; everything refused is a `Fault`, and reading goes on after the faults that
leave the rest readable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

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


@dataclass
class Tree:
    """What was read: `data` of dicts, lists and strings; where each path's value and each mapping key is written."""

    data: object = ""
    values: dict[Path, Position] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


@dataclass
class _Open:
    """A mapping or list whose end has not been read yet."""

    path: Path
    items: dict[str, object] | list[object]
    key: str | None = None
    repeated: bool = False  # the pending key was there before: its value is read for faults and then dropped

    def child_path(self) -> Path:
        if isinstance(self.items, list):
            return (*self.path, len(self.items))
        return (*self.path, self.key or "")

    def put(self, value: object) -> None:
        if isinstance(self.items, list):
            self.items.append(value)
            return
        if not self.repeated and self.key is not None:
            self.items[self.key] = value
        self.key = None


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
    for number, line in enumerate(text.split("\n"), 1):
        tab = line.find("\t")
        if tab >= 0:
            yield Fault(file, number, tab + 1, "tab", 'has a tab; use spaces (inside double quotes write "\\t")')
        if bad := _BAD_CHARACTER.search(line):
            name = f"U+{ord(bad.group()):04X}"
            yield Fault(file, number, bad.start() + 1, "bad-character", f"has the character {name}; remove it")


class _Reader:
    """Turns YAML events into a `Tree`; one use."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._tree = Tree()
        self._open: list[_Open] = []
        self._documents = 0

    def read(self, text: str) -> Tree:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser is ten times faster; both give events
        try:
            for event in yaml.parse(text, Loader=loader):
                if not self._take(event):
                    break
        except yaml.MarkedYAMLError as error:
            self._refuse(error.problem_mark or error.context_mark, "not-yaml", _in_words(error))
            raise FileFaults(self._tree.faults) from error
        except yaml.YAMLError as error:
            raise FileFaults([*self._tree.faults, Fault(self._file, 1, 1, "not-yaml", str(error))]) from error
        if self._documents == 0:
            raise FileFaults([Fault(self._file, 1, 1, "empty", "has nothing in it; write at least one key")])
        return self._tree

    def _take(self, event: yaml.Event) -> bool:
        """Use one event; False ends the reading."""
        if isinstance(event, yaml.DocumentStartEvent):
            return self._document(event)
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event.start_mark, "alias", f"uses the alias `*{event.anchor}`; write the value out here")
            self._value("", event)
        elif isinstance(event, yaml.ScalarEvent):
            self._anchors_and_tags(event)
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._anchors_and_tags(event)
            self._collection({} if isinstance(event, yaml.MappingStartEvent) else [], event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
        return True

    def _document(self, event: Any) -> bool:  # noqa: ANN401 - the stubs of PyYAML do not type events
        self._documents += 1
        if event.version or event.tags:
            self._refuse(event.start_mark, "directive", "has a `%` directive; remove it")
        if self._documents > 1:
            self._refuse(event.start_mark, "several-documents", "starts a second document; keep one per file")
            return False
        return True

    def _anchors_and_tags(self, event: Any) -> None:  # noqa: ANN401
        if event.anchor is not None:
            self._refuse(event.start_mark, "anchor", f"has the anchor `&{event.anchor}`; remove it")
        if event.tag is not None:
            self._refuse(event.start_mark, "tag", "has a `!` tag; remove it, every value's type is known here")

    def _scalar(self, event: Any) -> None:  # noqa: ANN401
        if _BAD_CHARACTER.search(event.value):
            self._refuse(event.start_mark, "bad-character", "has an escaped control character; remove it")
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.items, dict) and top.key is None:
            self._key(top, event)
        else:
            self._value(event.value, event)

    def _key(self, top: _Open, event: Any) -> None:  # noqa: ANN401
        top.key = event.value
        top.repeated = top.key in top.items
        path = (*top.path, event.value)
        if top.repeated:
            first = self._tree.keys[path]
            text = f"repeats the key `{event.value}` of line {first.line}; keep one"
            self._refuse(event.start_mark, "duplicate-key", text)
        self._tree.keys.setdefault(path, _place(event.start_mark))

    def _value(self, value: object, event: Any) -> None:  # noqa: ANN401
        if not self._open:
            self._tree.data = value
            self._tree.values[()] = _place(event.start_mark)
            return
        top = self._open[-1]
        if isinstance(top.items, dict) and top.key is None:
            self._refuse(event.start_mark, "bad-key", "has a key that is not plain text; write a simple key")
            raise FileFaults(self._tree.faults)
        self._tree.values.setdefault(top.child_path(), _place(event.start_mark))
        top.put(value)

    def _collection(self, items: dict[str, object] | list[object], event: Any) -> None:  # noqa: ANN401
        if len(self._open) >= MAX_DEPTH:
            self._refuse(event.start_mark, "too-deep", f"is nested deeper than {MAX_DEPTH} levels; flatten it")
            raise FileFaults(self._tree.faults)
        path = self._open[-1].child_path() if self._open else ()
        self._value(items, event)
        self._open.append(_Open(path, items))

    def _refuse(self, mark: Any, code: str, text: str) -> None:  # noqa: ANN401
        if len(self._tree.faults) < MAX_FAULTS:
            line, column = _place(mark)
            self._tree.faults.append(Fault(self._file, line, column, code, text))


def _place(mark: Any) -> Position:  # noqa: ANN401
    return Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)


def _in_words(error: yaml.MarkedYAMLError) -> str:
    """PyYAML's own words, with the remedy for the two mistakes people really make."""
    problem = error.problem or "cannot be read"
    if "mapping values are not allowed" in problem:
        return f"{problem}; put a value that contains `: ` in quotes"
    if "cannot start any token" in problem or "that cannot start" in problem:
        return f"{problem}; put the value in quotes"
    return f"{problem} ({error.context})" if error.context else problem
