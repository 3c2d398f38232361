"""What only a person can answer: a value that begins with `???`, as `okno agency new` writes it.

Promises: each open question is one fault, `unanswered`, with the question's own words; what else is said of the same
place is left out, because it would only repeat the question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agencies.source import Fault, Path, Source

SIGN = "???"


def open_questions(source: Source) -> list[Fault]:
    """A fault for every question that is still open."""
    if not source.may_hold(SIGN):
        return []
    return [_fault(source, path, text, of_key=of_key) for path, text, of_key in _open(source.data, ())]


def without_echoes(faults: Iterable[Fault], questions: Iterable[Fault]) -> list[Fault]:
    """The questions, and those faults that stand at other places."""
    asked = list(questions)
    places = {(one.file, one.line, one.column) for one in asked}
    return asked + [one for one in faults if (one.file, one.line, one.column) not in places]


def _fault(source: Source, path: Path, text: str, *, of_key: bool) -> Fault:
    words = text[len(SIGN) :].strip() or "nobody has answered this yet"
    return source.fault(path, "unanswered", f"only a person can say: {words}", of_key=of_key)


def _open(data: object, path: Path) -> Iterator[tuple[Path, str, bool]]:
    if isinstance(data, dict):
        for key, inner in data.items():
            if key.startswith(SIGN):
                yield (*path, key), key, True
            yield from _open(inner, (*path, key))
    elif isinstance(data, list):
        for number, inner in enumerate(data):
            yield from _open(inner, (*path, number))
    elif isinstance(data, str) and data.startswith(SIGN):
        yield path, data, False
