"""What the filters, orders and groups of message lists mean, once more in Python: for the executor that the plan is compared with.

`text`, `place` and `name` are left to PostgreSQL's own search and have tests of their own; operations drawn for the comparison do not give them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from domain.reference import read_reference
from domain.rights import Right
from tests.properties.rows import NEWEST_RECEIVED, Order, Page, Refused, Row, Thing, read_global_id

if TYPE_CHECKING:
    from tests.properties.executor import Executor

NOT_DRAWN = frozenset({"text", "place", "name"})
_ENDED = frozenset({"ANSWERED", "SOLVED", "CLOSED_UNSOLVED", "REFUSED", "WITHDRAWN"})
_COLUMNS = {"RECEIVED_AT": "received_at", "DEADLINE_ON": "deadline_on", "STATUS_SINCE": "status_since"}
Test = Callable[["Executor", Row, Any], bool]


def chosen(executor: Executor, rows: list[Row], wanted: Mapping[str, Any] | None) -> list[Row]:
    """The rows that a filter leaves. Raises Refused for a filter that makes no sense."""
    if wanted is None:
        return rows
    _check(executor, wanted, 0)
    if _many(wanted) > 20:
        raise Refused("BAD_REQUEST")
    return [row for row in rows if _fits(executor, row, wanted)]


def organisations(executor: Executor, rows: list[Row], wanted: Mapping[str, Any] | None) -> list[Row]:
    """The organisations that a filter leaves."""
    serves, below = _above("Territory", "territory_code"), _below("Organisation")
    tests: Mapping[str, Test] = {"kind": _word("kind"), "level": _word("level"), "territory": serves, "below": below}
    return [row for row in rows if _passes(executor, row, wanted, tests)]


def territories(executor: Executor, rows: list[Row], wanted: Mapping[str, Any] | None) -> list[Row]:
    """The territories that a filter leaves."""
    tests: Mapping[str, Test] = {"kind": _word("kind"), "below": _below("Territory")}
    return [row for row in rows if _passes(executor, row, wanted, tests)]


def _passes(executor: Executor, row: Row, wanted: Mapping[str, Any] | None, tests: Mapping[str, Test]) -> bool:
    given = {name: value for name, value in (wanted or {}).items() if value is not None}
    return all(tests[name](executor, row, value) for name, value in given.items())


def _word(column: str) -> Test:
    return lambda _, row, word: bool(row[column] == word.lower().replace("_", "-"))


def _below(kind: str) -> Test:
    return lambda executor, row, code: row["code"] != code and code in executor.snapshot.above(kind, row["code"])


def order_of(executor: Executor, said: list[Mapping[str, str]] | None) -> Order:
    if said is None:
        return NEWEST_RECEIVED
    names = [one["field"] for one in said]
    if not 1 <= len(said) <= 3 or len(set(names)) < len(names) or "RELEVANCE" in names:
        raise Refused("BAD_REQUEST")
    keys = [(itemgetter(_COLUMNS[one["field"]]), one["direction"] == "DESC") for one in said]
    name = ",".join(f"{one['field']}{one['direction']}" for one in said)
    if name == "RECEIVED_ATDESC":
        return NEWEST_RECEIVED
    return Order(name, (*keys, (itemgetter("id"), keys[-1][1])))


def groups(_: Executor, page: Page, arguments: Mapping[str, Any]) -> list[Thing]:
    """The groups of all rows of the page's list; here there are never more than are counted."""
    by = arguments["by"]
    if by == "MONTH":
        counts = Counter(f"{row['received_at'][:7]}-01" for row in page.all)
    else:
        column = {"STATUS": "status"}.get(by, f"{by.lower()}_code")
        counts = Counter(row[column] for row in page.all)
    # Nulls come last among equals, as PostgreSQL sorts them.
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0] is None, one[0] or ""))
    return [Thing("MessageGroup", {"by": by, "value": value, "count": count}) for value, count in ordered]


def _check(executor: Executor, wanted: Mapping[str, Any], depth: int) -> None:
    given = {name: value for name, value in wanted.items() if value is not None}
    if any(value == [] for value in given.values()) or depth > 3:
        raise Refused("BAD_REQUEST")
    if "author" in given and (executor.viewer is None or Right.AUTHORS not in executor.viewer.rights):
        raise Refused("FORBIDDEN")
    near = given.get("near")
    if near is not None and not (
        abs(near["latitude"]) <= 90 and abs(near["longitude"]) <= 180 and 1 <= near["withinMeters"] <= 5000
    ):
        raise Refused("BAD_REQUEST")
    if not 1 <= given.get("solutionRatingAtMost", 1) <= 5 or len(given.get("status", [1])) > 20:
        raise Refused("BAD_REQUEST")
    if "reference" in given and read_reference(given["reference"]) is None:
        # The rest of what is a beginning of a number is tested where numbers are read.
        raise Refused("BAD_REQUEST")
    for name in ("any", "none"):
        for one in given.get(name, ()):
            _check(executor, one, depth + 1)


def _many(wanted: Mapping[str, Any]) -> int:
    inner = sum(_many(one) for name in ("any", "none") for one in wanted.get(name) or ())
    return inner + sum(value is not None and name not in ("any", "none") for name, value in wanted.items())


def _fits(executor: Executor, row: Row, wanted: Mapping[str, Any]) -> bool:
    return all(TESTS[name](executor, row, value) for name, value in wanted.items() if value is not None)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _answers(executor: Executor, row: Row) -> list[Row]:
    return executor.snapshot.where("Answer", "message_id", row["id"])


def _verdicts(executor: Executor, row: Row) -> list[Row]:
    return [
        one
        for answer in _answers(executor, row)
        for one in executor.snapshot.where("Verdict", "answer_id", answer["id"])
    ]


def _in_category(executor: Executor, row: Row, code: str) -> bool:
    category = executor.snapshot.one("Category", row["category_code"])
    return category is not None and code in (category["code"], category["parent_code"])


def _above(kind: str, column: str) -> Test:
    return lambda executor, row, code: row[column] is not None and code in executor.snapshot.above(kind, row[column])


def _is_overdue(executor: Executor, row: Row) -> bool:
    organisation = executor.snapshot.one("Organisation", row["organisation_code"])
    zone = ZoneInfo("UTC" if organisation is None else organisation["timezone"])
    return row["status"] not in _ENDED and row["deadline_on"] < datetime.now(UTC).astimezone(zone).date().isoformat()


def _is_near(_: Executor, row: Row, near: Mapping[str, Any]) -> bool:
    if row["latitude"] is None:
        return False
    here, there = ((math.radians(one["latitude"]), math.radians(one["longitude"])) for one in (row, near))
    chord = (
        math.sin((here[0] - there[0]) / 2) ** 2
        + math.cos(here[0]) * math.cos(there[0]) * math.sin((here[1] - there[1]) / 2) ** 2
    )
    metres: float = 2 * 6_371_008.8 * math.asin(min(1.0, math.sqrt(chord)))
    return bool(metres <= near["withinMeters"])


def _is_author(executor: Executor, row: Row, author: str) -> bool:
    knows = executor.is_own(row) or executor.holds(Right.AUTHORS, row["organisation_code"])
    return knows and read_global_id(author) == ("Person", row["person_id"])


TESTS: Mapping[str, Test] = {
    "status": lambda _, row, wanted: row["status"] in wanted,
    "category": _in_category,
    "territory": _above("Territory", "territory_code"),
    "organisation": lambda _, row, code: row["organisation_code"] == code,
    "organisationOrBelow": _above("Organisation", "organisation_code"),
    "receivedFrom": lambda _, row, moment: _moment(row["received_at"]) >= _moment(moment),
    "receivedBefore": lambda _, row, moment: _moment(row["received_at"]) < _moment(moment),
    "deadlineFrom": lambda _, row, day: row["deadline_on"] >= day,
    "deadlineBefore": lambda _, row, day: row["deadline_on"] < day,
    "overdue": lambda executor, row, wanted: _is_overdue(executor, row) is wanted,
    "hasAnswer": lambda executor, row, wanted: bool(_answers(executor, row)) is wanted,
    "rated": lambda executor, row, wanted: bool(_verdicts(executor, row)) is wanted,
    "solutionRatingAtMost": lambda executor, row, most: any(
        one["solution_rating"] <= most for one in _verdicts(executor, row)
    ),
    "channel": lambda _, row, channel: bool(row["channel"] == channel),
    "regime": lambda _, row, regime: row["regime"] == regime,
    "near": _is_near,
    "reference": lambda _, row, spoken: row["reference"] == read_reference(spoken),
    "author": _is_author,
    "any": lambda executor, row, some: any(_fits(executor, row, one) for one in some),
    "none": lambda executor, row, some: not any(_fits(executor, row, one) for one in some),
}
