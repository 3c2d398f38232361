"""How well an agency is connected: bronze, silver or gold, computed from its file and what lies beside it.

Promises: a grade is never claimed, only reached; each missing rule is a sentence that says what to do; a rule that does
not apply (attachments of a system that takes none) says why it was left out.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from agencies.checking import check_agency_file
from agencies.model import AgencyFile
from agencies.model_connection import Environments
from agencies.model_examples import Example
from agencies.source import FileFaults, Source


class Grade(StrEnum):
    """From the lowest to the highest; `none` is a file that does not even check."""

    NONE = "none"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


_COMES_TO = re.compile(r"^comes_to: (.+)$", re.MULTILINE)
_BADLY = ("unknown", "refused", "try_later", "unclear", "nothing")
"""How the line `comes_to` of a recording begins that proves no success."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is graded."""

    source: Source
    file: AgencyFile
    recorded_steps: frozenset[str]

    examples: tuple[Example, ...]

    @property
    def outcomes_shown(self) -> set[str]:
        """The outcomes that examples of replies prove."""
        return {one.comes_to.outcome for one in self.examples if one.comes_to is not None}


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a grade asks for. `says` is what to do where it is missing."""

    name: str
    grade: Grade
    says: str
    holds: Callable[[Subject], bool]


def _submits_safely(one: Subject) -> bool:
    return one.file.submit.when_answer_is_lost != "ask-a-person"


def _states_are_known(one: Subject) -> bool:
    status = one.file.status
    return status is not None and len(status.means) + len(status.decide) >= 2


def _comes_home_twice(one: Subject) -> bool:
    status = one.file.status
    ways = [status.poll, status.webhook] if status is not None else []
    return sum(way is not None for way in (*ways, one.file.ask)) >= 2


def _is_encrypted(one: Subject) -> bool:
    address = one.file.connection.address
    production = address.production if isinstance(address, Environments) else address
    texts = (production,) if isinstance(production, str) else production
    return all(text.startswith(("https://", "smtps://", "/", "${")) for text in texts)


def _has_example(kind: str) -> Callable[[Subject], bool]:
    return lambda one: any(getattr(example, kind) is not None for example in one.examples)


def _shows(outcome: str) -> Callable[[Subject], bool]:
    return lambda one: outcome in one.outcomes_shown


RULES: tuple[Rule, ...] = (
    Rule(
        "example-message",
        Grade.BRONZE,
        "write an example with a `message` and what it `sends`",
        _has_example("message"),
    ),
    Rule("accepted-shown", Grade.BRONZE, "write an example of a reply that comes to `accepted`", _shows("accepted")),
    Rule(
        "states-come-home",
        Grade.BRONZE,
        "describe `status`: citizens must learn what became of their message",
        lambda one: one.file.status is not None,
    ),
    Rule(
        "described",
        Grade.SILVER,
        "put the WSDL or the OpenAPI description beside the file and name it: paths are checked against it; where the product has none, "
        "record `submit`, and `poll` or `ask`, against the sandbox: okno agency record",
        lambda one: (
            bool(one.file.connection.wsdl or one.file.connection.openapi)
            or ("submit" in one.recorded_steps and bool({"poll", "ask"} & one.recorded_steps))
        ),
    ),
    Rule(
        "lost-answers-settle-themselves",
        Grade.SILVER,
        "`when_answer_is_lost` of `submit` is `ask-a-person`: describe `look_up`, or how a repeat is recognised",
        _submits_safely,
    ),
    Rule("refused-shown", Grade.SILVER, "write an example of a reply that comes to `refused`", _shows("refused")),
    Rule(
        "unforeseen-shown",
        Grade.SILVER,
        "write an example of a reply nobody foresaw; it comes to `unknown`",
        _shows("unknown"),
    ),
    Rule("item-shown", Grade.SILVER, "write an example of an `item` and what it `reads`", _has_example("item")),
    Rule("states-known", Grade.SILVER, "list what the agency's states mean, two at least", _states_are_known),
    Rule(
        "attachments",
        Grade.SILVER,
        "describe `attachment` or `each: message.attachments`; citizens send photos",
        lambda one: (
            one.file.attachment is not None or one.file.upload is not None or one.file.submit.limits is not None
        ),
    ),
    Rule(
        "recorded",
        Grade.GOLD,
        "record `submit` against the sandbox: okno agency record",
        lambda one: "submit" in one.recorded_steps,
    ),
    Rule(
        "feed-recorded",
        Grade.GOLD,
        "record `poll` or `ask` against the sandbox: okno agency record",
        lambda one: bool({"poll", "ask"} & one.recorded_steps),
    ),
    Rule("two-ways-home", Grade.GOLD, "describe two of `poll`, `webhook` and `ask`: one may fail", _comes_home_twice),
    Rule(
        "withdraw",
        Grade.GOLD,
        "describe `withdraw`: a citizen may take the message back",
        lambda one: one.file.withdraw is not None,
    ),
    Rule(
        "more-than-a-form",
        Grade.GOLD,
        "describe `add_comment` or `reopen`: a case is a talk",
        lambda one: one.file.add_comment is not None or one.file.reopen is not None,
    ),
    Rule("encrypted", Grade.GOLD, "the address in production begins with https://", _is_encrypted),
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The grade, and the rules that are missing for each higher one."""

    grade: Grade
    missing: tuple[Rule, ...]


def judge(source: Source, file: AgencyFile) -> Judgement:
    """Grade a file that passed every check."""
    subject = Subject(
        source, file, frozenset(recorded_steps(source)), (*file.examples, *_proved_by_profile(source, file))
    )
    missing = tuple(rule for rule in RULES if not rule.holds(subject))
    reached = Grade.NONE
    for grade in (Grade.BRONZE, Grade.SILVER, Grade.GOLD):
        if any(rule.grade is grade for rule in missing):
            break
        reached = grade
    return Judgement(reached, missing)


def _proved_by_profile(source: Source, file: AgencyFile) -> tuple[Example, ...]:
    """The examples of the profile it uses, where all of them hold: they show what the file took over."""
    if file.uses is None:
        return ()
    profile = pathlib.Path(source.file).resolve().parent.parent / "systems" / f"{file.uses.partition('@')[0]}.yaml"
    try:
        return check_agency_file(profile)[1].examples
    except FileFaults:
        return ()


def recordings_folder(source: Source) -> pathlib.Path:
    """Where the recordings of a file lie: beside it, in a folder of its name."""
    path = pathlib.Path(source.file)
    return path.parent / path.stem / "recordings"


def recorded_steps(source: Source) -> Iterator[str]:
    """The steps that were recorded and went well; a recording is named `<step>-….yaml`."""
    for path in sorted(recordings_folder(source).glob("*.yaml")):
        came_to = _COMES_TO.search(path.read_text(encoding="utf-8", errors="replace"))
        if came_to is not None and not came_to[1].strip("'\"").startswith(_BADLY):
            yield path.stem.split("-")[0]
