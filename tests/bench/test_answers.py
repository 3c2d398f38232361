"""Answers of different servers are equal when they say the same, and only then."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from bench.read.answers import differences, normal

KEY = "019e5515-1b80-7acb-9920-345face9a005"


def data(value: Any) -> bytes:
    return json.dumps({"data": value}).encode()


def test_ids_cursors_and_moments_may_be_written_differently() -> None:
    ours = {"id": base64.b64encode(f"Message:{KEY}".encode()).decode(), "endCursor": "x", "at": "2026-01-01T00:00:00Z"}
    theirs = {"id": KEY, "endCursor": "yyy", "at": "2026-01-01T00:00:00.000000+00:00"}
    assert differences(normal(data(ours)), normal(data(theirs))) == []


def test_names_with_two_underscores_are_put_in_their_place_and_lists_turned_round() -> None:
    flat = {"route__rule": "r", "route__reason": "w", "history__newestFirst": [{"kind": "B"}, {"kind": "A"}]}
    assert normal(data(flat)) == {"route": {"rule": "r", "reason": "w"}, "history": [{"kind": "A"}, {"kind": "B"}]}


def test_a_note_that_is_not_public_is_no_note() -> None:
    assert normal(data({"note": "secret", "noteIsPublic": False})) == {"note": None}
    assert normal(data({"note": "open", "noteIsPublic": True})) == {"note": "open"}


def test_rows_of_counts_become_the_statistics_of_the_organisation() -> None:
    row = {
        "status": "ANSWERED",
        "count": 3,
        "answeredInTime": 2,
        "answeredLate": 1,
        "openInTime": 0,
        "openNear": 0,
        "openLate": 0,
    }
    found = normal(data({"organisation": {"code": "a"}, "counts": [row]}))["organisation"]["statistics"]
    assert found["total"] == 3
    assert {one["status"]: one["count"] for one in found["byStatus"]}["SOLVED"] == 0
    assert found["lateness"]["answeredLate"] == 1


@pytest.mark.parametrize("other", [{"a": [1, 3]}, {"a": [1]}, {"a": [1, 2], "b": None}, {}, {"a": None}])
def test_any_other_difference_is_told_with_its_place(other: dict[str, Any]) -> None:
    found = differences(normal(data({"a": [1, 2]})), normal(data(other)))
    assert found
    assert found[0].startswith((".a", ".b"))


def test_an_answer_with_errors_is_no_answer() -> None:
    with pytest.raises(ValueError, match="no such field"):
        normal(b'{"data": null, "errors": [{"message": "no such field"}]}')
