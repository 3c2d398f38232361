"""What a condition of a feed makes of values that are no plain yes or no, as JSON and XML bring them."""

from __future__ import annotations

import pytest

from adapters.adapter import Adapter
from connectors.base import Tree
from tests.adapters.small_agency import adapter_of, submit
from tests.adapters.words import NOW, reply

YES: list[Tree] = [True, "true", "x", ["a"], {"id": "1"}, 1]
NO: list[Tree] = [False, "false", "False", "", [], {}, 0, "0", "no", None]


def feed(*rows: str) -> Adapter:
    lines = [
        "request: GET /changes",
        "every: 5m",
        "query: {since: poll.since | local}",
        "each: items",
        "case_id: item.id",
        "state: item.state",
        *rows,
    ]
    more = "\nstatus:\n  means: {done: answered}\n  poll:\n" + "".join(f"    {line}\n" for line in lines)
    return adapter_of(submit("send: {text: message.text}") + more)


def item(**fields: Tree) -> Tree:
    return {"id": "1", "state": "done", **fields}


@pytest.mark.parametrize(("value", "follows"), [*((one, True) for one in YES), *((one, False) for one in NO)])
def test_a_further_read_is_made_for_whatever_is_there(value: Tree, follows: bool) -> None:
    adapter = feed("then: {words: {request: 'GET /words/{item.id}', when: item.more}}")
    (read,) = adapter.read_poll(reply({"items": [item(more=value)]}), None, NOW).items
    call = adapter.follow_call(read.item, adapter.feeds[""].follow[0])
    assert (call is not None) is follows


@pytest.mark.parametrize(("value", "ours"), [*((one, True) for one in YES), *((one, False) for one in NO)])
def test_an_item_is_ours_where_the_value_is_there(value: Tree, ours: bool) -> None:
    adapter = feed("only_when: item.number")
    (read,) = adapter.read_poll(reply({"items": [item(number=value)]}), None, NOW).items
    assert (read.aside is None) is ours


@pytest.mark.parametrize("value", ["false", "False", "0", "no", "internal", "true!", 1, ["a"], {"a": "b"}, None, False])
def test_a_remark_stays_private_unless_it_is_plainly_said_to_be_public(value: Tree) -> None:
    adapter = feed("note: item.note", "note_is_public: item.public")
    (read,) = adapter.read_poll(reply({"items": [item(note="внутреннее", public=value)]}), None, NOW).items
    assert read.change is not None
    assert (read.change.note, read.change.note_is_public) == ("внутреннее", False)


@pytest.mark.parametrize("value", [True, "true", " True "])
def test_a_remark_is_public_by_a_yes_of_json_and_of_xml(value: Tree) -> None:
    adapter = feed("note: item.note", "note_is_public: item.public")
    (read,) = adapter.read_poll(reply({"items": [item(note="видно всем", public=value)]}), None, NOW).items
    assert read.change is not None
    assert read.change.note_is_public
