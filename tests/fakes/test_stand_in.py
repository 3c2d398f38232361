"""Stand-ins made from files: every way to sign in, every way a feed goes on, and the knobs, through the real connectors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import pytest_asyncio

from adapters.adapter import PollPage
from adapters.expressions import parse
from agencies.checking import check_agency_file
from agencies.fake.draft import Draft, places_of, spelt, ways_to_make_true
from agencies.fake.feeds import hour_that_came_twice
from agencies.fake.serving import running
from agencies.fake.system import System
from agencies.fake.values import Values
from agencies.fake.wires import CannotFake
from connectors.http import open_session
from domain.outcome import OutcomeKind
from domain.status import Status
from tests.standard_suite.stages import FromFile

FILE = """
version: 1
agency: {{code: parks, name: {{ru: Парки, en: Parks}}, owner: it@parks.example, timezone: Europe/Moscow, receives: [yards/*]}}
connection:
  protocol: rest
  address: ${{PARKS_ADDRESS}}
{security}
submit:
  request: POST /cases
  when_answer_is_lost: resend
  repeats_known_by: number
  send:
    number: message.reference
    text: message.text
{extra}
  answer:
    case_id: case.number
    also_known_as: {{guid: case.guid}}
    outcome:
      accepted_when: 'result.ok == "yes"'
      refused_when: 'result.ok == "no" and result.why is defined'
      from: http.status
      try_later: ["503"]
status:
  poll:
    every: 1m
    each: list.rows
    case_id: item.number
    at: item.at
{feed}
"""
PLAIN = """    request: GET /changes
    query: {since: poll.since | utc_ms}
    state: item.state
  means: {open: registered, done: answered, busy: in_progress}"""


class Set(Values):
    """Every variable has its own name for a value."""

    def of(self, name: str) -> str:
        return f"right-{name}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


class Opened:
    """Makes stages from parts of a file; closes them at the end."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession) -> None:
        self._folder = folder
        self._session = session

    def stage(self, fake: Any, file: Any) -> FromFile:
        return FromFile(fake, file, self._folder, Set({}), self._session)

    def file(self, security: str = "", feed: str = PLAIN, extra: str = "") -> Any:
        path = self._folder / "parks.yaml"
        secured = f"  security: {security}" if security else ""
        path.write_text(FILE.format(security=secured, feed=feed, extra=extra), encoding="utf-8")
        return check_agency_file(path)[1]


@pytest.fixture
def opened(tmp_path: Path, session: aiohttp.ClientSession) -> Opened:
    return Opened(tmp_path, session)


LOGIN = (
    '{kind: login, request: POST /login, credentials: {password: "${P_PASSWORD}"}, send: {word: credentials.password}'
)
WAYS = {
    "nothing": ("", ""),
    "basic": ('{kind: basic, username: "${P_USER}", password: "${P_PASSWORD}"}', ""),
    "bearer": ('{kind: bearer, token: "${P_TOKEN}"}', ""),
    "key in the query": ('{kind: api-key, key: "${P_KEY}", name: api_key, place: query}', ""),
    "key in a header": ('{kind: api-key, key: "${P_KEY}", name: X-Key, prefix: "Token "}', ""),
    "client credentials": (
        '{kind: oauth2-client-credentials, token_path: /token, client_id: "${P_ID}", client_secret: "${P_SECRET}", client_auth: form}',
        "",
    ),
    "user and password": (
        '{kind: oauth2-password, token_path: /token, username: "${P_USER}", password: "${P_PASSWORD}", client_id: hub}',
        "",
    ),
    "in the body": (
        '{kind: in-body, credentials: {password: "${P_PASSWORD}"}}',
        "    password: credentials.password",
    ),
    "a login and its token": (
        f"{LOGIN}, token: token, goes_to: {{header: X-Session}}}}",
        "",
    ),
    "a login and its cookie": (
        f"{LOGIN}, cookies: keep}}",
        "",
    ),
}


@pytest.mark.parametrize("way", WAYS)
async def test_who_signs_in_as_the_file_says_is_let_in_and_a_stranger_is_not(opened: Opened, way: str) -> None:
    """Q1: one agency each for the ways in which their systems want to know who calls."""
    security, extra = WAYS[way]
    file = opened.file(security, extra=extra)
    async with running(file, opened._folder, Set({}).reveal) as fake:
        stage = opened.stage(fake, file)
        stranger = stage.stranger()
        refused = await stage.submit(stage.message("26-0001-1111-1"), stranger)
        taken = await stage.submit(stage.message("26-0001-2345-8"))
        await stranger.close()
        await stage.connector.close()
    assert taken.kind is OutcomeKind.ACCEPTED, taken.text
    assert taken.case_ids == {"case_id": "100001" if way != "nothing" else "100002", "guid": f"guid-{taken.case_id}"}
    assert (refused.kind is OutcomeKind.ACCEPTED) == (way == "nothing")


FEEDS = {
    "dated": PLAIN,
    "cursor": """    request: GET /changes
    query: {after: poll.cursor}
    cursor: {next: list.next, has_more: list.more}
    page_size: 4
    state: item.state
  means: {open: registered, done: answered, busy: in_progress}""",
    "page": """    request: GET /changes
    query: {since: poll.since | utc_ms, page: poll.page | text}
    pages: {by: page}
    page_size: 4
    state: item.state
  means: {open: registered, done: answered, busy: in_progress}""",
    "offset": """    request: GET /changes
    query: {since: poll.since | utc_ms, skip: poll.offset | text}
    pages: {by: offset}
    page_size: 4
    state: item.state
  means: {open: registered, done: answered, busy: in_progress}""",
    "marker": """    request: GET /changes
    query: {since: poll.since | utc_ms, from: poll.marker}
    pages: {by: marker, next: list.marker}
    page_size: 4
    state: item.state
  means: {open: registered, done: answered, busy: in_progress}""",
    "link": """    request: GET /changes
    query: {since: poll.since | utc_ms}
    pages: {by: link}
    page_size: 4
    state: item.state
  means: {open: registered, done: answered, busy: in_progress}""",
    "states in two fields, seconds since 1970": """    request: GET /changes
    query: {since: poll.since | utc_ms}
    at_form: epoch
    state: item.state
    substate: item.inner.code
  decide:
    - {state: open, substate: new, means: registered}
    - {state: open, substate: "*", means: in_progress}
    - {state: closed, substate: "fix*", means: answered}""",
    "each item is read further": """    request: GET /changes
    query: {since: poll.since | utc_ms}
    then: {whole: {request: "GET /cases/{item.number}"}}
    state: item.whole.state
  means: {open: registered, done: answered, busy: in_progress}""",
}


@pytest.mark.parametrize("feed", FEEDS)
async def test_a_feed_of_any_kind_is_read_whole_in_its_own_way(opened: Opened, feed: str) -> None:
    """Q19, Q36, Q47: pages of every kind, and facts that stand behind a further read."""
    file = opened.file(feed=FEEDS[feed])
    async with running(file, opened._folder, Set({}).reveal) as fake:
        stage = opened.stage(fake, file)
        for number in range(10):
            assert (await stage.submit(stage.message(f"26-0001-{number:04d}-8"))).kind is OutcomeKind.ACCEPTED
        changes, now = stage.ledger.changes, datetime.now(UTC).replace(microsecond=0)
        changes[:] = [replace(one, at=now - timedelta(seconds=20 - one.seq)) for one in changes]
        page: PollPage = await stage.everything()
        await stage.connector.close()
    assert page.unreadable == []
    assert len({one.case_id for one in page.changes}) == 10
    assert {one.means for one in page.changes} == {Status.REGISTERED}


async def test_what_was_acknowledged_does_not_come_again(opened: Opened) -> None:
    """Q15: a queue that shows its items until they are acknowledged."""
    feed = """    request: GET /queue
    acknowledge: {for_each: item, request: "DELETE /queue/{item.number}"}
    state: item.state
  means: {open: registered, done: answered, busy: in_progress}"""
    file = opened.file(feed=feed)
    async with running(file, opened._folder, Set({}).reveal) as fake:
        stage = opened.stage(fake, file)
        for number in range(3):
            await stage.submit(stage.message(f"26-0001-{number:04d}-8"))
        now = datetime.now(UTC)
        reply = await stage.connector.send(stage.adapter.poll_call(None, now))
        first = stage.adapter.read_poll(reply, None, now)
        calls = list(stage.adapter.acknowledge_calls(reply, [one.item for one in first.items]))
        await stage.connector.send(calls[0])
        rest = await stage.poll()
        await stage.connector.close()
    assert len(first.changes) == 3
    assert [one.case_id for one in rest.changes] == [one.case_id for one in first.changes[1:]]


async def test_a_catalogue_is_served_and_shrinks_on_demand_and_a_full_list_that_shrank_is_not_believed(
    opened: Opened,
) -> None:
    """Q22, Q23: tables that the agency keeps, and a list of everything that suddenly lost most of it."""
    feed = """    request: GET /all
    shows: everything
    state: item.state
  means: {open: registered, done: answered, busy: in_progress}
fetched_tables:
  kinds: {request: GET /kinds, each: kinds, ours: item.name, theirs: item.code}"""
    file = opened.file(feed=feed, extra='    kind: message.category | translate("kinds")')
    known = [f"yards/{number}" for number in range(20)]
    async with running(file, opened._folder, Set({}).reveal, categories=[*known, "roads/pothole"]) as fake:
        stage = opened.stage(fake, file)
        for number in range(12):
            message = stage.message(f"26-0001-{number:04d}-8", category="yards/3")
            assert (await stage.submit(message)).kind is OutcomeKind.ACCEPTED
        whole = await stage.everything()
        stage.faults.switch_on("catalogue_shrink")
        less = await stage.everything(whole.next_cursor)
        table = stage.adapter.read_table("kinds", await stage.connector.send(stage.adapter.table_call("kinds")))
        await stage.connector.close()
    assert {case.created.names["message.category"] for case in stage.ledger.cases.values()} == {"K4"}
    assert (len(whole.changes), whole.is_whole, whole.gap) == (12, True, None)
    assert less.gap is not None
    assert not less.is_whole
    assert table == {"yards/0": "K1", "yards/1": "K2"}


async def test_the_knobs_move_cases_and_switch_faults(opened: Opened, session: aiohttp.ClientSession) -> None:
    file = opened.file()
    async with running(file, opened._folder, Set({}).reveal) as fake, aiohttp.ClientSession() as plain:
        stage = opened.stage(fake, file)
        number = (await stage.submit(stage.message("26-0001-2345-8"))).case_id
        async with plain.post(f"{fake.control}/cases/{number}/move", json={"status": "answered"}) as reply:
            assert await reply.json() == {"webhook": []}
        async with plain.post(f"{fake.control}/cases/7/move", json={"status": "answered"}) as reply:
            assert reply.status == 404
        async with plain.post(f"{fake.control}/cases/{number}/move", json={"status": "nonsense"}) as reply:
            assert (reply.status, "answered" in await reply.text()) == (422, True)
        async with plain.post(f"{fake.control}/faults", json={"name": "busy", "times": 1, "step": "submit"}) as reply:
            assert (await reply.json())["faults"] == [{"name": "busy", "times": 1, "step": "submit", "seconds": None}]
        async with plain.post(f"{fake.control}/faults", json={"name": "nonsense"}) as reply:
            assert (reply.status, "lost_reply" in await reply.text()) == (422, True)
        async with plain.post(f"{fake.control}/webhook", json={"url": "http://127.0.0.1:1/"}) as reply:
            assert (reply.status, "no `status.webhook`" in await reply.text()) == (422, True)
        later = await stage.submit(stage.message("26-0001-9999-1"))
        async with plain.delete(f"{fake.control}/faults") as reply:
            assert reply.status == 204
        async with plain.get(f"{fake.control}/cases") as reply:
            (case,) = (await reply.json())["cases"]
        await stage.connector.close()
    assert later.kind is OutcomeKind.TRY_LATER
    assert case["said"]["message.reference"] == "26-0001-2345-8"
    assert [one["status"] for one in case["changes"]] == ["REGISTERED", "ANSWERED"]


def test_a_file_whose_answers_cannot_be_made_is_told_by_its_step(opened: Opened) -> None:
    file = opened.file()
    rules = file.submit.answer.outcome.model_copy(update={"accepted_when": '"a" == "b"'})
    answer = file.submit.answer.model_copy(update={"outcome": rules, "case_id": None})
    unreadable = file.model_copy(update={"submit": file.submit.model_copy(update={"answer": answer})})
    with pytest.raises(CannotFake, match="`submit`"):
        System(unreadable, opened._folder, Set({}).reveal)


def test_values_are_put_where_expressions_look_for_them() -> None:
    draft = Draft()
    for text, value in (("a.b", "1"), ("list[1].name", "x"), ("http.status", "409"), ("fault.code", "Client")):
        draft.put(next(places_of(parse(text))), value)
    assert draft.tree == {"a": {"b": "1"}, "list": [{}, {"name": "x"}]}
    assert (draft.status, draft.fault) == (409, ("Client", ""))
    whole = Draft()
    whole.put(next(places_of(parse("reply[0].id"))), "7")
    assert whole.tree == [{"id": "7"}]
    notes = spelt(parse("notes | last_of('text', 'private', 'false')"), "Где?")
    assert notes == [{"private": "false", "text": "Где?"}]


def test_conditions_are_made_true_by_their_own_literals_first() -> None:
    ways = list(ways_to_make_true(parse("""ok == "yes" and kind == 'new'""")))
    assert ways[0] == {("ok",): "yes", ("kind",): "new"}
    assert ways[-1] == {}


def test_an_hour_that_came_twice_is_one_where_the_clock_was_put_back() -> None:
    zone = ZoneInfo("Europe/Berlin")
    at = hour_that_came_twice(zone)
    shown = at.astimezone(zone).replace(tzinfo=None)
    assert shown == (at + timedelta(hours=1)).astimezone(zone).replace(tzinfo=None)


def test_made_up_values_are_the_same_at_every_start_and_the_environments_come_first() -> None:
    values = Values({"P_USER": "anna"})
    assert values.reveal("${P_USER}:${P_PASSWORD}") == "anna:stand-in-p-password"
    assert (values.is_made_up("P_USER"), values.is_made_up("P_PASSWORD")) == (False, True)
