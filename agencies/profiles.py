"""`uses:` and `with:`: an agency file laid over the profile of its product.

Promises: the result is one tree that still knows the file, line and column of each part; the agency's own keys win
over the profile's; a profile is used only at the version the agency names; profiles may build on profiles, never on
themselves; a profile's examples stay with the profile.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from agencies.profile_file import QUESTION, ProfileHead
from agencies.source import Fault, FileFaults, Source, did_you_mean, raw_of
from agencies.yaml_tree import Elsewhere, Position, Tree, decode, first_place

_USES = re.compile(r"([a-z][a-z0-9-]*)@(\d{1,4})")
_MOST_PROFILES = 5


@dataclass(frozen=True)
class _Part:
    """One part of a file with its places; `value` is a text, a dict of parts or a list of parts.

    `asks`: a text in it, as the file has it, holds a question of a profile.
    """

    value: object
    place: Position
    key_place: Position
    asks: bool = True


@dataclass(frozen=True)
class _Profile:
    """A profile as read: `whole` is all of its file."""

    source: Source
    head: ProfileHead
    whole: _Part

    @property
    def defaults(self) -> dict[str, _Part]:
        """Its questions, as written."""
        return _mapping(_mapping(self.whole)["asks"])


def read_agency(path: pathlib.Path) -> Source:
    """The file with its profile under it. A profile itself is read as the agency of its examples. Raises FileFaults."""
    source = Source.read(path)
    if not isinstance(source.data, dict):
        return source
    if "system" in source.data and "agency" not in source.data:
        return _as_stand_in(source, _systems(path))
    if "uses" not in source.data:
        if "with" in source.data:
            raise FileFaults([source.fault(("with",), "with-without-uses", "belongs to `uses`", of_key=True)])
        return source
    if source.faults:
        raise FileFaults(source.faults)
    return _made(source, _over_profile(source, _part(source), _systems(path), ()))


def _systems(path: pathlib.Path) -> pathlib.Path:
    """The folder of the profiles, for an agency file or a profile."""
    return path.resolve().parent.parent / "systems"


def _over_profile(source: Source, own: _Part, systems: pathlib.Path, above: tuple[str, ...]) -> _Part:
    """`own` laid over the profile it uses, whose questions it answers."""
    name, profile = _profile_of(source, own, systems, above)
    keys = _mapping(own)
    given = _mapping(keys["with"]) if "with" in keys and isinstance(keys["with"].value, dict) else {}
    filled = _Filling(source, profile, given, keys["uses"]).filled()
    if "uses" in _mapping(filled):
        filled = _over_profile(profile.source, filled, systems, (*above, name))
    return _laid_over(filled, own)


def _profile_of(source: Source, own: _Part, systems: pathlib.Path, above: tuple[str, ...]) -> tuple[str, _Profile]:
    written = _mapping(own)["uses"]
    match = _USES.fullmatch(written.value) if isinstance(written.value, str) else None
    if match is None:
        raise _fault(source, written, "bad-uses", "`uses`: must be a product and its version such as `open311@1`")
    name, pinned = match.groups()
    if name in above or len(above) >= _MOST_PROFILES:
        way = " → ".join((*above, name))
        raise _fault(source, written, "cyclic-uses", f"`uses`: leads back to where it began: {way}; break the circle")
    path = systems / f"{name}.yaml"
    if not path.is_file():
        near = did_you_mean(name, (one.stem for one in systems.glob("*.yaml")))
        raise _fault(source, written, "unknown-system", f"`uses`: there is no config/systems/{name}.yaml.{near}")
    profile = _known(str(path), raw_of(path))
    head = profile.head
    if head.system.version != int(pinned):
        text = (
            f"`uses`: the profile is at version {head.system.version}; read what changed in it, then write"
            f" `{name}@{head.system.version}`"
        )
        raise _fault(source, written, "profile-version", text)
    return name, profile


# Thousands of agencies use a handful of profiles. The content is a part of the key, so a change is seen.
@lru_cache(maxsize=32)
def _known(file: str, raw: bytes) -> _Profile:
    """The profile in a file. Raises FileFaults, which are not kept."""
    return _profile(Source.parse(decode(raw, file), file))


def _profile(source: Source) -> _Profile:
    head = source.typed(ProfileHead)
    name = pathlib.PurePath(source.file).stem
    if head.system.code != name:
        raise FileFaults(
            [source.fault(("system", "code"), "not-the-file-name", f"must be `{name}`, the name of the file")]
        )
    return _Profile(source, head, _part(source))


def _as_stand_in(source: Source, systems: pathlib.Path) -> Source:
    """A profile as an agency that answers each question with its example."""
    profile = _profile(source)
    head, whole = profile.head, profile.whole
    answers = {key: _mapping(ask)["example"] for key, ask in profile.defaults.items()}
    filled = _Filling(source, profile, answers, whole).filled()
    if "uses" in _mapping(filled):
        filled = _over_profile(source, filled, systems, (head.system.code,))
    agency = _like(
        {
            "code": head.system.code,
            "name": {"ru": head.system.name.ru, "en": head.system.name.en},
            "owner": "integration@agency.example",
            "timezone": "Europe/Moscow",
            "receives": ["*"],
        },
        whole,
    )
    examples = {"examples": _mapping(whole)["examples"]} if "examples" in _mapping(whole) else {}
    return _made(source, replace(filled, value={**_mapping(filled), **examples, "agency": agency}))


def _made(source: Source, whole: _Part) -> Source:
    keys = {key: part for key, part in _mapping(whole).items() if key not in ("system", "asks")}
    data, marks = _written(replace(whole, value=keys), source.file)
    return Source(source.file, Tree(data, marks=marks))


def _fault(source: Source, part: _Part, code: str, text: str) -> FileFaults:
    return FileFaults([_fault_at(source, part.place, code, text)])


def _fault_at(source: Source, place: Position, code: str, text: str) -> Fault:
    file = place.file if isinstance(place, Elsewhere) else source.file
    return Fault(file, place.line, place.column, code, text)


class _Filling:
    """A profile with its questions answered by one `with:`."""

    def __init__(self, source: Source, profile: _Profile, given: Mapping[str, _Part], asked_at: _Part) -> None:
        self._source = source
        self._profile = profile
        self._head = profile.head
        self._given = given
        self._asked_at = asked_at
        self._faults: list[Fault] = []

    def filled(self) -> _Part:
        """The profile without what belongs to it alone. Raises FileFaults with every fault of the answers."""
        whole = self._profile.whole
        answers = self._answers()
        kept = {key: part for key, part in _mapping(whole).items() if key not in ("system", "asks", "examples")}
        value = self._fill(replace(whole, value=kept), answers)
        if self._faults or value is None:
            raise FileFaults(self._faults)
        return value

    def _answers(self) -> dict[str, _Part | None]:
        answers: dict[str, _Part | None] = {}
        for name, part in self._given.items():
            if name not in self._head.asks:
                near = did_you_mean(name, self._head.asks)
                text = f"`with.{name}`: the profile does not ask this.{near}"
                self._faults.append(_fault_at(self._source, part.key_place, "unknown-question", text))
        defaults = self._profile.defaults
        for name, ask in self._head.asks.items():
            given = self._given.get(name)
            if given is None and ask.default is not None:
                given = _mapping(defaults[name])["default"]
            elif given is None and not ask.optional:
                text = f"`with`: the profile asks `{name}`: {ask.says}"
                self._faults.append(_fault_at(self._source, self._asked_at.place, "question-not-answered", text))
            elif given is not None and not _is_open(given) and (problem := ask.why_not(_plain(given))):
                self._faults.append(_fault_at(self._source, given.place, "bad-answer", f"`with.{name}`: {problem}"))
            answers[name] = given
        return answers

    def _fill(self, part: _Part, answers: Mapping[str, _Part | None]) -> _Part | None:
        """The part with its questions answered; None where an optional one has no answer."""
        if not part.asks:
            return part
        if isinstance(part.value, dict):
            filled = {key: self._fill(inner, answers) for key, inner in _mapping(part).items()}
            return replace(part, value={key: inner for key, inner in filled.items() if inner is not None})
        if isinstance(part.value, list):
            items = [self._fill(inner, answers) for inner in part.value]
            return replace(part, value=[inner for inner in items if inner is not None])
        names = QUESTION.findall(str(part.value))
        for name in names:
            if name not in answers:
                near = did_you_mean(name, answers)
                text = f"`<{name}>`: `asks` has no such question.{near}"
                self._faults.append(_fault_at(self._profile.source, part.place, "unknown-question", text))
                return part
            if answers[name] is None:
                return None
        return self._answered(part, names, answers)

    def _answered(self, part: _Part, names: list[str], answers: Mapping[str, _Part | None]) -> _Part:
        if not names:
            return part
        first = answers[names[0]]
        if first is not None and part.value == f"<{names[0]}>":
            return replace(first, key_place=part.key_place)
        words: dict[str, str] = {}
        for name in names:
            answer = answers[name]
            if answer is not None and isinstance(answer.value, str):
                words[name] = answer.value
            else:
                text = f"`<{name}>`: a table stands alone and not inside a text"
                self._faults.append(_fault_at(self._profile.source, part.place, "bad-question", text))
        return replace(part, value=QUESTION.sub(lambda match: words.get(match[1], ""), str(part.value)))


def _is_open(part: _Part) -> bool:
    """Whether the answer is itself a question of the profile that gives it, or one for a person."""
    return isinstance(part.value, str) and (bool(QUESTION.search(part.value)) or part.value.startswith("???"))


def _part(source: Source) -> _Part:
    """A whole file as parts, each of which names its file."""
    return _part_at(source.data, source.tree.marks, None, source.file)


def _part_at(data: object, marks: Any, key: Any, file: str) -> _Part:  # noqa: ANN401 - places as `Tree.marks` keeps them
    place = _named(first_place(marks), file)
    key_place = _named(first_place(key), file) if key is not None else place
    if isinstance(data, dict):
        pairs = zip(data.items(), marks[1::2], marks[2::2], strict=True)
        inner = {name: _part_at(value, below, mark, file) for (name, value), mark, below in pairs}
        return _Part(inner, place, key_place, any(one.asks for one in inner.values()))
    if isinstance(data, list):
        items = [_part_at(value, below, None, file) for value, below in zip(data, marks[1:], strict=True)]
        return _Part(items, place, key_place, any(one.asks for one in items))
    return _Part(data, place, key_place, QUESTION.search(str(data)) is not None)


def _named(place: Position, file: str) -> Position:
    return place if isinstance(place, Elsewhere) else Elsewhere.of(file, place)


def _like(data: object, model: _Part) -> _Part:
    """Plain data that stands in no file, placed where `model` is."""
    if isinstance(data, dict):
        data = {key: _like(inner, model) for key, inner in data.items()}
    elif isinstance(data, list):
        data = [_like(inner, model) for inner in data]
    return replace(model, value=data)


def _mapping(part: _Part) -> dict[str, _Part]:
    return part.value if isinstance(part.value, dict) else {}


def _laid_over(below: _Part, above: _Part) -> _Part:
    """Mappings are joined key by key; anything else of `above` replaces what is below."""
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    joined = dict(_mapping(below))
    for key, part in _mapping(above).items():
        joined[key] = _laid_over(joined[key], part) if key in joined else part
    return replace(above, value=joined)


def _plain(part: _Part) -> object:
    if isinstance(part.value, dict):
        return {key: _plain(inner) for key, inner in part.value.items()}
    if isinstance(part.value, list):
        return [_plain(inner) for inner in part.value]
    return part.value


def _written(part: _Part, file: str) -> tuple[object, Any]:
    """Plain data again, and its places as `Tree.marks` keeps them; those of the file itself are ordinary positions."""
    place = _home(part.place, file)
    if isinstance(part.value, dict):
        marks: list[object] = [place]
        data: dict[str, object] = {}
        for key, inner in part.value.items():
            data[key], below = _written(inner, file)
            marks += (_home(inner.key_place, file), below)
        return data, marks
    if isinstance(part.value, list):
        read = [_written(inner, file) for inner in part.value]
        return [value for value, _ in read], [place, *(below for _, below in read)]
    return part.value, place


def _home(place: Position, file: str) -> Position:
    return Position(*place) if isinstance(place, Elsewhere) and place.file == file else place


def used_files(source: Source) -> Iterator[pathlib.Path]:
    """The other files that parts of this one come from."""
    yield from sorted({pathlib.Path(one.file) for one in source.tree.values.values() if isinstance(one, Elsewhere)})
