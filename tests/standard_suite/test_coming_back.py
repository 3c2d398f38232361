"""What happens at the agency comes home: pages of every size, each event once, what cannot be read beside what can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from adapters.plan import Step
from adapters.plan_status import Shows
from agencies.fake.ledger import Answer
from agencies.fake.serving import HOST
from domain.foreign_change import Meaning
from domain.status import Status
from tests.standard_suite.stages import FromFile, Stage

NOTE = "Где именно — у дома 5?"


@pytest.fixture
def feed(stage: FromFile) -> FromFile:
    """A stage whose file reads a feed."""
    if not stage.adapter.supports(Step.POLL):
        pytest.skip("the file reads no feed")
    if stage.adapter.plan.poll is not None and stage.adapter.plan.poll.shows is Shows.CASES_ASKED_FOR:
        pytest.skip("the feed wants to be told the cases")
    return stage


async def _with_cases(stage: FromFile, count: int) -> list[str]:
    """Cases of so many messages; their changes lie seconds apart, the last one now."""
    numbers = []
    for number in range(count):
        outcome = await stage.submit(stage.message(f"26-0001-{number:04d}-8"))
        assert outcome.case_id is not None, outcome.text
        numbers.append(outcome.case_id)
    _spread(stage)
    return numbers


def _spread(stage: FromFile) -> None:
    now, changes = datetime.now(UTC).replace(microsecond=0), stage.ledger.changes
    for place, change in enumerate(changes):
        changes[place] = replace(change, at=now - timedelta(seconds=len(changes) - 1 - place))


def _shows_each_change(stage: FromFile) -> bool:
    poll = stage.adapter.plan.poll
    # What is read further of an item is the case as it stands, whichever change led there.
    return poll is not None and poll.shows is Shows.CHANGES and not poll.follow


@pytest.mark.parametrize("count", [0, 1, 5])
async def test_a_feed_of_none_one_and_many_is_read_whole(feed: FromFile, count: int) -> None:
    numbers = await _with_cases(feed, count)
    page = await feed.everything()
    assert sorted(one.case_id for one in page.changes) == sorted(numbers)
    assert page.unreadable == []


async def test_a_feed_of_two_pages_is_read_whole(feed: FromFile) -> None:
    """Q19: pages, and a reply that is cut off at its cap (Q18)."""
    poll = feed.adapter.plan.poll
    assert poll is not None
    size = poll.page_size or poll.at_most
    if size is None or size > 1000:
        pytest.skip("the feed knows no pages")
    if not _shows_each_change(feed):
        pytest.skip("the feed shows how cases stand, not each change")
    (number,) = await _with_cases(feed, 1)
    for _ in range(size + 2):
        feed.ledger.move(number, _some_state(feed))
    _spread(feed)
    page = await feed.everything()
    assert len({one.event_key for one in page.changes}) == size + 3


async def test_states_notes_and_answers_come_home(feed: FromFile) -> None:
    """Q38: what officials write, and the answer apart from it."""
    (number,) = await _with_cases(feed, 1)
    for status in (Status.WAITING_FOR_CITIZEN, Status.ANSWERED):
        if feed.fake.system.replies.says(status):
            answered = status is Status.ANSWERED
            await feed.move(
                number, status, note=None if answered else NOTE, answer="Сделано — проверьте" if answered else None
            )
    page = await feed.everything()
    wanted = [
        one.status
        for one in feed.ledger.changes
        if one.status is not None and feed.fake.system.replies.says(one.status)
    ]
    read = {one.means for one in page.changes}
    assert read >= set(wanted[-1:])
    poll = feed.adapter.plan.poll
    if poll is not None and poll.fields.answer_text is not None and Status.ANSWERED in wanted:
        answer = next(one.answer for one in reversed(page.changes) if one.means is Status.ANSWERED)
        assert answer is not None
        assert answer.text == "Сделано — проверьте"


def _hands_out_one(feed: FromFile) -> bool:
    poll = feed.adapter.plan.poll
    return poll is not None and poll.page_size == 1


async def test_a_state_nobody_told_us_of_waits_and_the_others_do_not(feed: FromFile) -> None:
    """Q39: a state that is in no table is held, never guessed."""
    if not _shows_each_change(feed):
        pytest.skip("the feed shows how cases stand, not each change")
    await _with_cases(feed, 3)
    feed.faults.switch_on("unknown_code", times=1)
    page = await feed.everything()
    assert [one.means for one in page.changes].count(Meaning.UNKNOWN) == 1
    assert len(page.changes) == 3


async def test_an_event_that_comes_twice_has_one_key(feed: FromFile) -> None:
    """Q16: overlapping feeds show the same event again."""
    await _with_cases(feed, 3)
    feed.faults.switch_on("repeated_event")
    page = await feed.everything()
    assert len(page.changes) == 6
    assert len({one.event_key for one in page.changes}) == 3


async def test_events_out_of_order_keep_their_own_times(feed: FromFile) -> None:
    """Q12: events are never put in order by when they were read."""
    if _hands_out_one(feed):
        pytest.skip("the feed hands out one change at a time, in its own order")
    await _with_cases(feed, 3)
    feed.faults.switch_on("out_of_order_events")
    page = await feed.everything()
    times = [one.occurred_at for one in page.changes if one.occurred_at is not None]
    assert len(page.changes) == 3
    assert times == sorted(times, reverse=True)


async def test_an_item_that_cannot_be_read_does_not_take_the_others_with_it(feed: FromFile) -> None:
    """Q20: one bad item does not lose the batch."""
    await _with_cases(feed, 4)
    feed.faults.switch_on("partial_batch", times=1)
    page = await feed.everything()
    assert len(page.changes) == 4
    assert len(page.unreadable) == 1


@pytest.mark.parametrize("fault", ["clock_skew", "dst_hour"])
async def test_a_clock_that_is_off_loses_nothing_that_happens_later(feed: FromFile, fault: str) -> None:
    """Q12, Q13: a clock that runs ahead, and an hour that comes twice."""
    (number,) = await _with_cases(feed, 1)
    feed.faults.switch_on(fault, times=3)
    page = await feed.everything()
    assert page.unreadable == []
    feed.faults.switch_off()
    feed.ledger.move(number, _some_state(feed))
    later = await feed.everything(page.next_cursor)
    assert _newest(feed) in {one.code for one in later.changes}


async def test_what_a_destructive_read_hands_out_is_there_once(feed: FromFile) -> None:
    """Q15: what was read once is gone there; here it is in the page that was read."""
    count = 1 if _hands_out_one(feed) else 2
    await _with_cases(feed, count)
    feed.faults.switch_on("destructive_read")
    assert len((await feed.poll()).changes) == count
    assert (await feed.poll()).changes == []


async def test_a_catalogue_that_shrank_is_told_by_its_size(stage: FromFile) -> None:
    """Q23: an empty or short catalogue is a hiccup, and the guard needs to see it."""
    if not stage.adapter.plan.tables:
        pytest.skip("the file fetches no table")
    for table in stage.adapter.plan.tables:
        whole = stage.adapter.read_table(table.name, await stage.connector.send(stage.adapter.table_call(table.name)))
        stage.faults.switch_on("catalogue_shrink", times=1)
        rest = stage.adapter.read_table(table.name, await stage.connector.send(stage.adapter.table_call(table.name)))
        assert whole is not None
        assert rest is not None
        assert len(rest) < len(whole) or len(whole) == 1


async def test_a_case_can_be_asked_for_while_somebody_looks(stage: FromFile) -> None:
    if not stage.adapter.supports(Step.ASK):
        pytest.skip("the agency cannot be asked")
    outcome = await stage.submit(stage.message("26-0001-2345-8"))
    state = _some_state(stage)
    stage.ledger.move(str(outcome.case_id), state)
    call = stage.adapter.ask_call(outcome.case_ids)
    assert call is not None
    now = stage.adapter.read_ask(await stage.connector.send(call), outcome.case_id)
    assert now.means is state


@pytest.fixture
async def door() -> AsyncIterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A place that takes webhooks: its address, and what came."""
    came: list[tuple[dict[str, str], bytes]] = []

    async def take(request: web.Request) -> web.Response:
        came.append((dict(request.headers), await request.read()))
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    yield f"http://{HOST}:{runner.addresses[0][1]}/hook", came
    await runner.cleanup()


async def test_a_webhook_is_proved_and_read(
    stage: FromFile, door: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    if not stage.adapter.supports(Step.WEBHOOK):
        pytest.skip("the file takes no webhook")
    address, came = door
    outcome = await stage.submit(stage.message("26-0001-2345-8"))
    stage.fake.hooks.point_at(address)
    stage.faults.switch_on("repeated_event", times=1)
    assert await stage.fake.move(str(outcome.case_id), Status.ANSWERED, answer=Answer("Сделано")) == [202, 202]
    read = []
    for headers, body in came:
        stage.adapter.verify_webhook(headers, body)
        read += [one.change for one in stage.adapter.read_webhook(body)]
    assert {(one.case_id, one.means) for one in read if one is not None} == {(outcome.case_id, Status.ANSWERED)}
    assert len({one.event_key for one in read if one is not None}) == 1


async def test_the_real_sample_brings_every_state_home(sample: Stage) -> None:
    outcome = await sample.submit(sample.message("COMING-BACK-1"))
    number = str(outcome.case_id)
    await sample.move(number, Status.IN_PROGRESS)
    await sample.move(number, Status.WAITING_FOR_CITIZEN, note=NOTE)
    await sample.move(number, Status.IN_PROGRESS) if sample.file.agency.code == "city-roads" else None
    await sample.move(number, Status.ANSWERED, answer="Сделано — проверьте")
    ours = [one for one in (await sample.everything()).changes if one.case_id == number]
    assert [one.means for one in ours][:3] == [Status.REGISTERED, Status.IN_PROGRESS, Status.WAITING_FOR_CITIZEN]
    assert ours[-1].means is Status.ANSWERED
    assert ours[-1].answer is not None
    assert ours[-1].answer.text == "Сделано — проверьте"


def _some_state(stage: FromFile) -> Status:
    states = (Status.IN_PROGRESS, Status.PLANNED, Status.WAITING_FOR_CITIZEN, Status.ANSWERED)
    return next(one for one in states if stage.fake.system.replies.says(one))


def _newest(stage: FromFile) -> str:
    return stage.fake.system.replies.foreign(stage.ledger.changes[-1].status).code
