"""What comes back, judged: details that follow an item, late numbers, echoes, repeats, unknown words, what is hidden, what is paused.

Every test speaks HTTP with an agency that has the quirk it is named after.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import func, update

from store.tables import HeldChangeRow
from store.unit import Database
from tests.delivery.listening import DATED, EVERYTHING, MEANS, ROWS, Works, change, gives, hub, poll

# What follows an item


THEN = """
then:
  detail: {request: "GET /cases/{item.case}"}
  job: {request: "GET /jobs/{item.detail.job}", when: item.detail.job is defined}
"""
DETAIL_ROWS = """
  case_id: item.case
  state: item.job.state | default(item.detail.state)
  at: item.detail.at
"""


async def test_q36_details_are_read_step_by_step_for_our_cases_only(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(DATED + THEN, DETAIL_ROWS)) as here:
        references = [await here.case("1"), await here.case("2")]
        gives(works_agency, {"case": "1"}, {"case": "foreign"}, {"case": "2"})
        works_agency.says["GET /cases/1"] = lambda _request, _body: {
            "at": "2026-03-02T11:00:00",
            "job": 7,
            "state": "new",
        }
        works_agency.says["GET /cases/2"] = lambda _request, _body: {"at": "2026-03-02T11:00:00", "state": "work"}
        works_agency.says["GET /jobs/7"] = lambda _request, _body: {"state": "plan"}
        await here.listen()
        assert [await here.codes(one) for one in references] == [["plan"], ["work"]]
        assert works_agency.heard[1:] == ["GET /cases/1", "GET /jobs/7", "GET /cases/2"]
        # Whose it is is known without reading further; it may still become ours.
        assert await here.held() == [("unknown_case", "held", None)]


async def test_q36_in_a_list_of_everything_only_what_changed_is_read_further(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(EVERYTHING + THEN, DETAIL_ROWS)) as here:
        references = [await here.case("1"), await here.case("2")]
        for n in (1, 2):
            works_agency.says[f"GET /cases/{n}"] = lambda _request, _body: {
                "at": "2026-03-02T11:00:00",
                "state": "work",
            }
        gives(works_agency, {"case": "1", "v": 1}, {"case": "2", "v": 1})
        await here.listen()
        gives(works_agency, {"case": "1", "v": 1}, {"case": "2", "v": 2})
        works_agency.says["GET /cases/2"] = lambda _request, _body: {"at": "2026-03-02T11:30:00", "state": "done"}
        await here.listen()
        assert [await here.codes(one) for one in references] == [["work"], ["work", "done"]]
        assert works_agency.heard == ["GET /changes", "GET /cases/1", "GET /cases/2", "GET /changes", "GET /cases/2"]


async def test_q36_an_item_whose_details_are_missing_or_too_many_waits_for_a_person(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(
        listening_database, tmp_path, works_agency, poll(DATED + THEN + "then_at_most: 2\n", DETAIL_ROWS)
    ) as here:
        references = [await here.case(str(n)) for n in (1, 2, 3)]
        gives(works_agency, {"case": "1"}, {"case": "2"}, {"case": "3"})
        works_agency.says["GET /cases/1"] = lambda _request, _body: {"at": "2026-03-02T11:00:00", "state": "work"}
        works_agency.says["GET /cases/2"] = lambda _request, _body: web.Response(status=404)
        await here.listen()
        assert [await here.codes(one) for one in references] == [["work"], [], []]
        assert await here.held() == [("unreadable", "held", None)] * 2
        assert "raise `then_at_most`" in str(await here.alarm())


# What counts


async def test_q10_a_case_whose_number_never_came_is_found_by_our_reference(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(f"{DATED}\nreference: item.ours")) as here:
        reference = await here.message()
        foreign = await here.message()
        gives(works_agency, change("K-77", "work", ours=reference), change("K-78", "work", ours="R-nobody"))
        await here.listen()
        assert await here.status(reference) == "IN_PROGRESS"
        rows = await here.rows("SELECT case_id FROM agency_case WHERE organisation_code = :code")
        assert rows == [{"case_id": "K-77"}]
        state = "SELECT d.state FROM delivery d JOIN message m ON m.id = d.message_id WHERE m.reference = :r"
        assert await here.rows(state, r=reference) == [{"state": "DELIVERED"}]
        assert await here.rows(state, r=foreign) == [{"state": "READY"}]
        gives(works_agency, change("K-77", "done", "2026-03-02T11:30:00"))
        await here.listen()
        assert await here.status(reference) == "ANSWERED"


async def test_q10_a_late_number_is_learnt_from_a_list_of_everything_too(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(f"{EVERYTHING}\nreference: item.ours")) as here:
        reference = await here.message()
        gives(works_agency, change("K-77", "work", ours=reference))
        await here.listen()
        assert await here.status(reference) == "IN_PROGRESS"


async def test_q33_what_is_ours_and_comes_back_is_known_by_its_author_its_marker_or_its_words(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    words = "На улице Ленина яма глубиной 20 см, объезжают по тротуару"
    more = f"{DATED}\necho: {{when: item.by == 'okno', marker: '[okno]'}}"
    async with hub(listening_database, tmp_path, works_agency, poll(more)) as here:
        reference = await here.case("1", words)
        gives(
            works_agency,
            change("1", "done", "2026-03-02T11:00:00", by="okno"),
            change("1", "new", "2026-03-02T11:01:00", note=words.upper().replace(" ", "\n")),
            change("1", "work", "2026-03-02T11:02:00", note="Дополнение от заявителя [okno] ещё глубже"),
            change("1", "same", "2026-03-02T11:03:00", note=words[:40] + "…"),
            change("1", "same", "2026-03-02T11:04:00", note="Бригада выехала"),
        )
        await here.listen()
        told = await here.told(reference)
        assert [(one["foreign_code"], one["note"]) for one in told] == [
            ("new", None),
            ("work", None),
            ("same", "Бригада выехала"),
        ]


@pytest.mark.parametrize(
    ("collapse", "codes"), [("true", ["work", "ask", "work"]), ("false", ["work"] * 3 + ["ask", "work"])]
)
async def test_q34_one_event_told_several_times_is_one_line_of_the_history(
    listening_database: Database, tmp_path: Path, works_agency: Works, collapse: str, codes: list[str]
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(DATED) + f"collapse_repeats: {collapse}\n") as here:
        reference = await here.case("1")
        states = ["work", "work", "work", "ask", "work"]
        gives(works_agency, *(change("1", state, f"2026-03-02T11:0{n}:00") for n, state in enumerate(states)))
        await here.listen()
        assert await here.codes(reference) == codes


async def test_p6_events_out_of_order_and_repeated_are_recorded_and_harmless(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(DATED)) as here:
        reference = await here.case("1")
        late = change("1", "new", "2026-03-02T10:00:00")
        gives(
            works_agency,
            change("1", "done", "2026-03-02T11:30:00"),
            late,
            late,
            change("1", "work", "2026-03-02T11:00:00"),
        )
        await here.listen()
        await here.listen()
        told = await here.told(reference)
        assert [(one["foreign_code"], one["applied"]) for one in told] == [
            ("done", True),
            ("new", False),
            ("work", False),
        ]
        assert await here.status(reference) == "ANSWERED"


async def test_q38_a_note_is_private_unless_the_file_says_otherwise(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(
        listening_database, tmp_path, works_agency, poll(DATED, ROWS.replace('  note_is_public: "true"\n', ""))
    ) as here:
        reference = await here.case("1")
        gives(works_agency, change("1", "work", note="Жалобщик со стажем"))
        await here.listen()
        assert (await here.told(reference))[0]["note_is_public"] is False


async def test_q39_case_and_spaces_of_a_state_make_no_difference(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(
        listening_database, tmp_path, works_agency, poll(DATED, means="means: {In Work: in_progress}\n")
    ) as here:
        reference = await here.case("1")
        gives(works_agency, change("1", " in  WORK "))
        await here.listen()
        assert await here.status(reference) == "IN_PROGRESS"


async def test_q39_an_unknown_state_waits_and_goes_on_when_the_file_has_learnt_the_word(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    async with hub(listening_database, tmp_path, works_agency, poll(DATED)) as here:
        reference = await here.case("1")
        gives(works_agency, change("1", "teleported"), {"case": "1", "status": "work", "at": "2026-03-02T11:30:00"})
        await here.listen()
        held = [("unknown_code", "held", "teleported"), ("unreadable", "held", None)]
        assert await here.held() == held
        gives(works_agency)
        await here.listen()
        assert await here.held() == held
        await here.mend(
            poll(
                DATED,
                ROWS.replace("item.state", "item.state | default(item.status)"),
                "means: {teleported: planned, work: in_progress}\n",
            )
        )
        await here.listen()
        assert await here.codes(reference) == ["teleported", "work"]
        assert [state for _, state, _ in await here.held()] == ["applied", "applied"]


async def test_a_state_that_must_stand_for_a_while_counts_then_and_not_if_another_came(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    """The timed style of field-notes §2."""
    means = "decide: [{state: closed, after: 3d, means: answered}]\n" + MEANS.lstrip()
    async with hub(listening_database, tmp_path, works_agency, poll(DATED, means=means)) as here:
        stays, moves = await here.case("1"), await here.case("2")
        gives(works_agency, change("1", "closed"), change("2", "closed"))
        await here.listen()
        assert [await here.status(one) for one in (stays, moves)] == ["DELIVERED", "DELIVERED"]
        gives(works_agency, change("2", "work", "2026-03-03T11:00:00"))
        await here.listen(timedelta(days=1))
        async with listening_database.unit() as unit:
            # The store's clock is the database's own, so what is due is brought to now.
            await unit.execute(
                update(HeldChangeRow).where(HeldChangeRow.organisation_code == here.code).values(due_at=func.now())
            )
        await here.listen(timedelta(days=3))
        assert [await here.status(one) for one in (stays, moves)] == ["ANSWERED", "IN_PROGRESS"]
        assert sorted(state for _, state, _ in await here.held()) == ["applied", "superseded"]


async def test_what_the_file_hides_is_hidden_in_remarks_and_answers_and_stays_in_the_inbox(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    rows = ROWS + "  answer: {text: item.answer, responsible: item.who}\n"
    extra = "hides: [phones, emails]\nhides_texts: [Иванов И. И.]\n"
    async with hub(listening_database, tmp_path, works_agency, poll(DATED, rows) + extra) as here:
        reference = await here.case("1")
        answer = (
            "Исполнитель Иванов И. И., тел. 8 (4842) 55-12-34, ivanov@works.example. Приказ от 01.03.2026 № 29701000001"
        )
        gives(works_agency, change("1", "done", note="Звонить +7 910 123-45-67", answer=answer, who="иванов и. и."))
        await here.listen()
        assert (await here.told(reference))[-1]["note"] == "Звонить [скрыто]"
        [kept] = await here.rows("SELECT text, responsible FROM answer WHERE organisation_code = :code")
        assert kept["text"] == "Исполнитель [скрыто], тел. [скрыто], [скрыто]. Приказ от 01.03.2026 № 29701000001"
        assert kept["responsible"] == "[скрыто]"
        assert "55-12-34" in json.dumps(
            (await here.rows("SELECT items FROM inbox WHERE organisation_code = :code"))[0]["items"], ensure_ascii=False
        )


async def test_q42_reading_can_be_paused_by_the_file_and_webhooks_are_read_all_the_same(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    hook = "webhook: {token: {header: X-Token, secret: '${WORKS_SECRET}'}}\n"
    pause = "pause: {reading: true, because: they asked us to}\n"
    async with hub(listening_database, tmp_path, works_agency, poll(DATED) + hook, pause) as here:
        reference = await here.case("1")
        gives(works_agency, change("1", "done"))
        await here.post(json.dumps(change("1", "work")).encode())
        await here.listen()
        assert works_agency.heard == []
        assert await here.codes(reference) == ["work"]
        [turn] = await here.rows("SELECT poll_due_at > now() AS later FROM turn WHERE organisation_code = :code")
        assert turn["later"], "a paused feed must not keep the worker running in circles"
        await here.mend(poll(DATED) + hook)
        await here.listen()
        assert await here.status(reference) == "ANSWERED"


async def test_q42_sending_can_be_paused_by_the_file_and_the_message_waits(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    pause = "pause: {sending: true, because: their system is being moved}\n"
    async with hub(listening_database, tmp_path, works_agency, poll(DATED), pause) as here:
        reference = await here.message()
        works_agency.says["POST /cases"] = lambda _request, _body: web.json_response({"id": "1"}, status=201)
        gives(works_agency)
        await here.turn()
        assert not [call for call in works_agency.heard if call.startswith("POST")]
        assert works_agency.heard, "a pause of one direction leaves the other alone"
        [turn] = await here.rows("SELECT due_at > now() AS rests FROM turn WHERE organisation_code = :code")
        assert turn["rests"], "what waits must not keep the worker running in circles"
        await here.mend(poll(DATED))
        await here.turn()
        assert len([call for call in works_agency.heard if call.startswith("POST /cases")]) == 1
        assert await here.status(reference) == "DELIVERED"


TOKEN = "token: {header: X-Token, secret: '${WORKS_SECRET}'}"


async def test_a_webhook_that_only_wakes_makes_every_feed_due(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    hook = f"webhook: {{{TOKEN}, only_wakes: true}}\n"
    async with hub(listening_database, tmp_path, works_agency, poll(DATED) + hook) as here:
        reference = await here.case("1")
        gives(works_agency)
        await here.listen()
        gives(works_agency, change("1", "work"))
        await here.poller().poll(here.claim)
        assert len(works_agency.heard) == 1, "the feed is not due yet"
        await here.post(b"anything at all")
        await here.receive()
        await here.poller().poll(here.claim)
        await here.receive()
        assert await here.codes(reference) == ["work"]


@pytest.mark.parametrize(
    "body", ['{"case": "1", "state": "work"}', '[{"case": "1", "state": "work"}, {"case": "2", "state": "work"}]']
)
async def test_a_webhook_that_the_file_could_not_read_is_read_when_it_can(
    listening_database: Database, tmp_path: Path, works_agency: Works, body: str
) -> None:
    wrong = f"webhook: {{{TOKEN}, format: xml, case_id: item.case, state: item.state}}\n{MEANS}"
    async with hub(listening_database, tmp_path, works_agency, wrong) as here:
        references = [await here.case("1"), await here.case("2")]
        await here.post(body.encode())
        await here.receive()
        assert await here.held() == [("unreadable", "held", None)]
        each = ", each: reply" if body.startswith("[") else ""
        await here.mend(f"webhook: {{{TOKEN}{each}, case_id: item.case, state: item.state}}\n{MEANS}")
        await here.receive()
        await here.receive()
        codes = [await here.codes(reference) for reference in references]
        assert codes == [["work"], ["work"] if each else []]
        assert (await here.held())[0][1] != "held"


async def test_one_event_posted_and_polled_is_one_event_although_they_look_different(
    listening_database: Database, tmp_path: Path, works_agency: Works
) -> None:
    hook = f"webhook: {{{TOKEN}, case_id: item.number, state: item.status, at: item.when, at_form: epoch}}\n"
    async with hub(listening_database, tmp_path, works_agency, poll(DATED) + hook) as here:
        reference = await here.case("1")
        await here.post(b'{"number": "1", "status": "work", "when": 1772438400.25}')
        gives(works_agency, change("1", "work"))
        await here.listen()
        assert await here.codes(reference) == ["work"]
        assert await here.rows(
            "SELECT count(*) AS n FROM event WHERE organisation_code = :code AND event_key IS NOT NULL"
        ) == [{"n": 1}]
