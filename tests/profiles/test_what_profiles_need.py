"""What the language learned from the products: a body that is a file, lists of one structure, fields inside lists."""

from __future__ import annotations

import pytest

from adapters.answers import read_outcome
from adapters.expressions import parse
from adapters.plan_sending import Reading, Verdict
from connectors.base import Call, FilePart, NotSent
from connectors.rest.request import written_body
from domain.outcome import OutcomeKind
from tests.adapters.words import MOSCOW, reply

PHOTO = FilePart("", "a.jpg", "application/octet-stream", b"\xff\xd8\x00")


def test_a_file_without_a_field_is_the_whole_body() -> None:
    assert written_body(Call("POST /uploads.json", files=(PHOTO,))) == (b"\xff\xd8\x00", "application/octet-stream")


@pytest.mark.parametrize(
    "call", [Call("POST /u", files=(PHOTO, PHOTO)), Call("POST /u", files=(PHOTO,), form={"a": "b"})]
)
def test_a_file_that_is_the_whole_body_stands_alone(call: Call) -> None:
    with pytest.raises(NotSent, match="stands alone"):
        written_body(call)


def test_the_media_type_of_a_whole_body_cannot_break_the_header() -> None:
    with pytest.raises(NotSent, match="media_type"):
        written_body(Call("POST /u", files=(FilePart("", "a", "image/jpeg\r\nX: y", b"1"),)))


def test_our_own_number_does_not_beat_an_error() -> None:
    """Q7 and Q9 together: only a number that stands in the reply proves that there is a case."""
    rules = {"550": Verdict.REFUSED}
    for text, kind in (("our.reference", OutcomeKind.REFUSED), ("number", OutcomeKind.ACCEPTED)):
        reading = Reading(parse("http.status"), rules, case_id=parse(text))
        outcome = read_outcome(reading, reply({"number": "7"}, 550), MOSCOW, {"our": {"reference": "26-1"}})
        assert outcome.kind is kind
