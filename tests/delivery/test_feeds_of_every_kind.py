"""Feeds as real systems have them, by the agency file alone: times, more than one feed, full lists, pages and caps.

Every test speaks HTTP with an agency that has the quirk it is named after.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from store.unit import Database
from tests.delivery.listening import ASK, DATED, EVERYTHING, ROWS, Works, change, gives, hub, page_of, poll

# Times


async def test_q14_a_change_without_a_time_has_the_time_of_reading_and_says_so(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(
        listening_database, tmp_path, works_agency, poll(DATED, ROWS.replace("  at: item.at\n", ""))
    ) as here:
        reference = await here.case("1")
        gives(works_agency, change("1", "work", None))
        await here.listen()
        await here.listen(timedelta(minutes=10))
        (told,) = await here.told(reference)
        assert (told["to_status"], told["occurred_at"]) == ("IN_PROGRESS", None)
        assert told["observed_at"] is not None
        # Nothing says how far the feed has come but our own clock: the second reading looks back by the overlap from the first.
        assert "since=2026-03-02T08:00:00.000Z" in works_agency.heard[1]


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("'%d-%b-%Y %H:%M:%S'", "02-MAR-2026 11:00:00"),
        ("'%d.%m.%Y %H:%M'", "02.03.2026 11:00"),
        ("epoch", 1772438400),
        ("epoch-ms", "1772438400000"),
        ("net", "/Date(1772438400000+0300)/"),
        ("[iso, '%d.%m.%Y %H:%M']", "02.03.2026 11:00"),
        ("['%d.%m.%Y %H:%M', iso]", "2026-03-02T08:00:00Z"),
    ],
)
async def test_q13_times_are_read_in_the_form_the_file_says(
    listening_database: Database, tmp_path: Path, works_agency: Works, form: str, written: Any
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(f"{DATED}\nat_form: {form}")) as here:
        reference = await here.case("1")
        gives(works_agency, {"case": "1", "state": "work", "at": written})
        await here.listen()
        (told,) = await here.told(reference)
        assert told["occurred_at"] == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


async def test_q13_a_feed_may_have_a_zone_of_its_own(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(f"{DATED}\nat_zone: UTC")) as here:
        reference = await here.case("1")
        gives(works_agency, change("1", "work", "2026-03-02T08:00:00"))
        await here.listen()
        assert (await here.told(reference))[0]["occurred_at"] == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


async def test_q12_a_clock_that_differs_widens_the_span(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    more = "query: {since: poll.since | utc_ms, until: poll.until | utc_ms}\nclock_skew: 2m\nreaches_back: 1h"
    async with hub(listening_database, tmp_path, works_agency, poll(more)) as here:
        gives(works_agency)
        await here.listen()
        assert "since=2026-03-02T07:58:00.000Z" in works_agency.heard[0]
        assert "until=2026-03-02T09:02:00.000Z" in works_agency.heard[0]


# Overlap, and more than one feed


async def test_q16_an_item_seen_in_two_feeds_and_in_every_overlap_is_one_event(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    archive = """
also_poll:
  archive:
    request: GET /archive
    every: 1d
    query: {since: poll.since | utc_ms}
    overlap: 1h
    each: rows
    case_id: item.number
    state: item.status
    at: item.when
    at_zone: UTC
    note: item.words
    note_is_public: "true"
"""
    async with hub(listening_database, tmp_path, works_agency, poll(DATED) + archive) as here:
        reference = await here.case("1")
        gives(works_agency, change("1", "work", note="Бригада выехала"), change("1", "done", "2026-03-02T11:30:00"))
        rows = [{"number": "1", "status": "work", "when": "2026-03-02T08:00:00.4Z", "words": "Бригада выехала"}]
        works_agency.says["GET /archive"] = lambda _request, _body: {"rows": rows}
        for _ in range(3):
            await here.listen(timedelta(minutes=1))
        assert await here.codes(reference) == ["work", "done"]


async def test_q16_a_feed_that_fails_does_not_stop_the_other(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    other = """
also_poll:
  more:
    request: GET /more
    every: 1h
    query: {since: poll.since | utc_ms}
    each: items
    case_id: item.case
    state: item.state
    at: item.at
"""
    async with hub(listening_database, tmp_path, works_agency, poll(DATED) + other) as here:
        reference = await here.case("1")
        works_agency.says["GET /changes"] = lambda _request, _body: web.Response(status=500)
        gives(works_agency, change("1", "work"), path="GET /more")
        await here.listen()
        assert await here.codes(reference) == ["work"]


# Full lists


async def test_q17_of_a_list_of_everything_only_what_changed_in_our_cases_counts(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(
        listening_database, tmp_path, works_agency, poll(EVERYTHING, ROWS.replace("  at: item.at\n", ""))
    ) as here:
        reference = await here.case("1")
        for state in ("new", "new", "work", "work", "ask", "work", "work"):
            gives(works_agency, change("1", state, None), *(change(f"foreign-{n}", state, None) for n in range(50)))
            await here.listen(timedelta(minutes=10))
        assert await here.codes(reference) == ["new", "work", "ask", "work"]
        assert await here.held() == []
        kept = await here.rows("SELECT items FROM inbox WHERE organisation_code = :code")
        assert [len(row["items"]) for row in kept] == [1, 1, 1, 1]


async def test_q17_a_killed_reading_of_a_long_list_loses_no_change(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    more = f"{EVERYTHING}\nquery: {{page: poll.page}}\npages: {{by: page}}"
    async with hub(listening_database, tmp_path, works_agency, poll(more, ROWS.replace("  at: item.at\n", ""))) as here:
        references = [await here.case(str(n)) for n in (1, 2)]

        def breaks(request: web.Request, _body: bytes) -> object:
            if request.query["page"] == "2":
                return web.Response(status=500)
            return page_of([change("1", "work", None)])

        works_agency.says["GET /changes"] = breaks
        await here.listen()
        pages = {"1": [change("1", "work", None)], "2": [change("2", "work", None)]}
        works_agency.says["GET /changes"] = lambda request, _body: page_of(pages.get(request.query["page"], []))
        await here.listen()
        assert [await here.codes(reference) for reference in references] == [["work"], ["work"]]


async def test_q17_foreign_items_can_be_left_aside_by_a_condition(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(
        listening_database, tmp_path, works_agency, poll(f"{DATED}\nonly_when: item.source == 'okno'")
    ) as here:
        reference = await here.case("1")
        gives(works_agency, change("1", "work", source="okno"), change("1", "done", source="phone"), {"bad": 1})
        await here.listen()
        assert await here.codes(reference) == ["work"]
        assert await here.held() == []


async def test_q23_a_list_that_suddenly_lost_much_is_not_believed(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    more = f"{EVERYTHING}\nmissing_means: declined\nshrinks_at_most: 30%"
    async with hub(listening_database, tmp_path, works_agency, poll(more), ASK) as here:
        references = [await here.case(str(n)) for n in range(4)]
        works_agency.says |= {f"GET /cases/{n}": lambda _request, _body: web.Response(status=404) for n in range(4)}
        gives(works_agency, *(change(str(n), "work") for n in range(4)))
        await here.listen()
        gives(works_agency, change("0", "plan"))
        await here.listen()
        assert "shrank from 4 to 1" in str(await here.alarm())
        # What the list does say is believed; what it lacks is not, and nobody was asked.
        assert [await here.status(one) for one in references] == ["PLANNED", *["IN_PROGRESS"] * 3]
        assert not [call for call in works_agency.heard if "/cases/" in call]
        gives(works_agency, *(change(str(n), "plan") for n in range(3)))
        await here.listen()
        assert await here.alarm() is None
        assert await here.status(references[3]) == "CLOSED_UNSOLVED"


@pytest.mark.parametrize(
    ("means", "known", "status"),
    [
        ("unchanged", None, "IN_PROGRESS"),
        ("ask", None, "IN_PROGRESS"),
        ("declined", None, "CLOSED_UNSOLVED"),
        ("answered", None, "ANSWERED"),
        ("declined", "plan", "PLANNED"),
        ("ask", "done", "ANSWERED"),
    ],
)
async def test_q35_a_case_that_is_no_longer_listed_is_asked_for_before_anything_is_believed(
    listening_database: Database, tmp_path: Path, works_agency: Works, means: str, known: str | None, status: str
) -> None:
    async with hub(
        listening_database, tmp_path, works_agency, poll(f"{EVERYTHING}\nmissing_means: {means}"), ASK
    ) as here:
        missing = await here.case("1")
        others = [await here.case(str(n)) for n in (2, 3, 4)]
        gives(works_agency, *(change(str(n), "work") for n in (1, 2, 3, 4)))
        await here.listen()
        gives(works_agency, *(change(str(n), "work") for n in (2, 3, 4)))
        works_agency.says["GET /cases/1"] = lambda _request, _body: (
            change("1", known, "2026-03-02T11:30:00") if known else web.Response(status=404)
        )
        await here.listen()
        await here.listen()
        assert await here.status(missing) == status
        assert {await here.status(one) for one in others} == {"IN_PROGRESS"}
        assert works_agency.heard.count("GET /cases/1") == (0 if means == "unchanged" else 1)


async def test_q35_an_agency_in_trouble_closes_no_case(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(
        listening_database, tmp_path, works_agency, poll(f"{EVERYTHING}\nmissing_means: declined"), ASK
    ) as here:
        references = [await here.case(str(n)) for n in range(4)]
        gives(works_agency, *(change(str(n), "work") for n in range(4)))
        await here.listen()
        gives(works_agency, *(change(str(n), "work") for n in range(3)))
        works_agency.says["GET /cases/3"] = lambda _request, _body: web.Response(status=503)
        await here.listen()
        assert await here.status(references[3]) == "IN_PROGRESS"


# Pages and caps


def paged(all_items: Sequence[dict[str, Any]], by: str, size: int) -> Any:
    """How a system with pages answers; a page past the end gives the last one again (Q47)."""

    def answer(request: web.Request, _body: bytes) -> object:
        start = {
            "page": lambda: (int(request.query.get("page", "1")) - 1) * size,
            "offset": lambda: int(request.query.get("offset", "0")),
            "marker": lambda: int(request.query.get("marker", "0")),
            "link": lambda: int(request.query.get("start", "0")),
        }[by]()
        start = min(start, len(all_items) - 1)
        items, ends = all_items[start : start + size], start + size >= len(all_items)
        body = page_of(items, **({} if ends else {"next": str(start + size)}))
        headers = {"Link": f'<http://elsewhere.example/changes?start={start + size}>; rel="next", </x>; rel="first"'}
        return web.json_response(body, headers={} if ends or by != "link" else headers)

    return answer


@pytest.mark.parametrize(
    ("by", "more"),
    [
        ("page", "query: {page: poll.page, since: poll.since | utc_ms}\npages: {by: page}"),
        (
            "offset",
            "query: {offset: poll.offset, since: poll.since | utc_ms}\npages: {by: offset, has_more: next is defined}",
        ),
        ("marker", "query: {marker: poll.marker, since: poll.since | utc_ms}\npages: {by: marker, next: next}"),
        ("link", "query: {since: poll.since | utc_ms}\npages: {by: link}"),
    ],
)
async def test_q19_every_page_of_a_reading_is_read_and_no_more(
    listening_database: Database, tmp_path: Path, works_agency: Works, by: str, more: str
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(more)) as here:
        references = [await here.case(str(n)) for n in range(7)]
        items = [change(str(n), "work", f"2026-03-02T11:0{n}:00") for n in range(7)]
        works_agency.says["GET /changes"] = paged(items, by, 3)
        await here.listen()
        assert [await here.codes(reference) for reference in references] == [["work"]] * 7
        assert await here.alarm() is None
        assert len(works_agency.heard) <= 4
        place = (await here.rows("SELECT position FROM feed_cursor WHERE organisation_code = :code"))[0]["position"]
        assert place == {"last_seen": "2026-03-02T08:06:00+00:00"}


@pytest.mark.parametrize("shows", ["changes", "everything"])
async def test_q19_reaching_the_bound_of_pages_is_an_alarm_and_what_lies_beyond_does_not_count_as_seen(
    listening_database: Database, tmp_path: Path, works_agency: Works, shows: str
) -> None:
    more = f"shows: {shows}\nquery: {{page: poll.page, since: poll.since | utc_ms}}\npages: {{by: page, at_most: 2}}"
    if shows == "everything":
        more = more.replace(", since: poll.since | utc_ms", "")
    async with hub(listening_database, tmp_path, works_agency, poll(more)) as here:
        references = [await here.case(str(n)) for n in range(7)]
        works_agency.says["GET /changes"] = paged(
            [change(str(n), "work", f"2026-03-02T11:0{n}:00") for n in range(7)], "page", 3
        )
        await here.listen()
        assert "more than 2 pages" in str(await here.alarm())
        assert [await here.codes(one) for one in references] == [["work"]] * 6 + [[]]
        place = (await here.rows("SELECT position FROM feed_cursor WHERE organisation_code = :code"))[0]["position"]
        assert place.get("last_seen", "") < "2026-03-02"


async def test_q19_a_link_that_leads_elsewhere_is_not_followed(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    more = f"{EVERYTHING}\npages: {{by: link, next: next}}"
    async with hub(listening_database, tmp_path, works_agency, poll(more)) as here:
        works_agency.says["GET /changes"] = lambda _request, _body: page_of([], next="/other?token=1")
        await here.listen()
        assert works_agency.heard == ["GET /changes"]
        assert "another path" in str(await here.alarm())


async def test_q18_a_reply_cut_off_at_a_limit_is_asked_for_again_in_halves(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    more = "query: {since: poll.since | utc_ms, until: poll.until | utc_ms}\nat_most: 4\nreaches_back: 12h"
    async with hub(listening_database, tmp_path, works_agency, poll(more)) as here:
        items = [change(str(n), "work", f"2026-03-02T0{n // 2}:{n % 2 * 30:02}:00Z") for n in range(16)]
        references = [await here.case(str(n)) for n in range(16)]

        def capped(request: web.Request, _body: bytes) -> object:
            span = request.query["since"][:19], request.query["until"][:19]
            return page_of([one for one in items if span[0] <= one["at"][:19] <= span[1]][:4])

        works_agency.says["GET /changes"] = capped
        await here.listen()
        assert [await here.codes(one) for one in references] == [["work"]] * 16
        assert await here.alarm() is None
        calls = len(works_agency.heard)
        await here.listen(timedelta(minutes=10))
        # What was read is read: the next reading begins where this one ended.
        assert len(works_agency.heard) == calls + 1


async def test_q18_a_full_reply_that_cannot_be_halved_is_an_alarm(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(f"{DATED}\nat_most: 2")) as here:
        reference = await here.case("1")
        gives(works_agency, change("1", "work"), change("2", "work"))
        await here.listen()
        assert "exactly full (2)" in str(await here.alarm())
        assert await here.codes(reference) == ["work"]


async def test_q18_a_long_absence_is_read_in_the_spans_the_system_allows(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    more = "query: {since: poll.since | utc_ms, until: poll.until | utc_ms}\nwindow: 1d\nreaches_back: 4d"
    async with hub(listening_database, tmp_path, works_agency, poll(more)) as here:
        gives(works_agency)
        await here.listen()
        assert len(works_agency.heard) == 4
        await here.listen(timedelta(hours=1))
        assert len(works_agency.heard) == 5


async def test_q32_no_content_at_all_is_an_empty_list_where_the_file_says_so(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(f"{DATED}\nempty_is_none: true")) as here:
        works_agency.says["GET /changes"] = lambda _request, _body: web.Response(status=204)
        await here.listen()
        assert (await here.rows("SELECT last_failure FROM turn WHERE organisation_code = :code"))[0][
            "last_failure"
        ] is None
        await here.mend(poll(DATED))
        await here.listen()
        assert (
            "no list of changes"
            in (await here.rows("SELECT last_failure FROM turn WHERE organisation_code = :code"))[0]["last_failure"]
        )


# Cases asked for by their numbers


async def test_q20_cases_are_asked_for_in_batches_and_a_bad_one_does_not_keep_the_others(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    more = "shows: cases-asked-for\nbatch: 4\nquery: {ids: poll.case_ids | join}"
    async with hub(listening_database, tmp_path, works_agency, poll(more, ROWS.replace("  at: item.at\n", ""))) as here:
        references = [await here.case(str(n)) for n in range(6)]
        await here.case("9-closed")
        state = {"now": "work"}

        def answer(request: web.Request, _body: bytes) -> object:
            asked = request.query["ids"].split(",")
            if "2" in asked:
                return web.Response(status=500)
            return page_of([change(one, state["now"], None) for one in asked])

        works_agency.says["GET /changes"] = answer
        await here.listen()
        assert [await here.codes(one) for one in references] == [["work"], ["work"], [], ["work"], ["work"], ["work"]]
        assert "a case cannot be read" in str(await here.alarm())
        assert works_agency.heard[0].endswith("?ids=0,1,2,3")
        await here.listen()
        assert await here.codes(references[0]) == ["work"]
        state["now"] = "done"
        await here.listen()
        assert await here.codes(references[0]) == ["work", "done"]
        calls = len(works_agency.heard)
        await here.listen()
        # Closed cases are asked for no more: only the one that cannot be read is left.
        assert [call.rpartition("=")[2] for call in works_agency.heard[calls:]] == ["2"]


async def test_q20_an_item_that_the_agency_itself_calls_failed_waits_for_a_person(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(
        listening_database, tmp_path, works_agency, poll(f"{DATED}\nfails_when: item.error is defined")
    ) as here:
        reference = await here.case("1")
        gives(works_agency, change("1", "work", error="ORA-00060"), change("1", "done", "2026-03-02T11:30:00"))
        await here.listen()
        assert await here.codes(reference) == ["done"]
        assert await here.held() == [("unreadable", "held", None)]
