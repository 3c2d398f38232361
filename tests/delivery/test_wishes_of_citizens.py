"""From the GraphQL endpoint to the organisation's system: what citizens and officials wish for a case, and files that go as links.

The organisation's system is a real server of a few lines, connected by an agency file as any other.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from agencies.registry import Registry
from domain.file_link import FileLinks
from domain.rights import Role
from domain.status import Status
from domain.viewer import Viewer
from gateway.facts import InstallationFacts, what_systems_take
from schema.plan.global_id import write_global_id
from schema.root import build_schema
from store.changes import ChangeFeed
from store.tables import MessageRow
from store.unit import Database
from tests.adapters.small_agency import Asked, SmallAgency, small_agency
from tests.api.hub import Hub
from tests.api.wishes import wish
from tests.delivery.installation import Installation, until

CODE = "road-ministry"
ANSWER = 'answer: {outcome: {from: http.status, accepted: ["200"], refused: ["422"]}}'
FILE = f"""
version: "1"
agency:
  code: {CODE}
  name: {{ru: Министерство, en: Ministry}}
  owner: it@roads.example
  timezone: Europe/Moscow
  receives: ["roads/*", "transport/*"]
connection: {{protocol: rest, address: "${{SMALL_ADDRESS}}"}}
submit:
  request: POST /cases
  when_answer_is_lost: ask-a-person
  send: {{reference: message.reference, text: message.text}}
  answer: {{case_id: id, outcome: {{from: http.status, accepted: ["201"], refused: ["422"]}}}}
"""
WISHES = f"""
attachment:
  request: POST /cases/{{case.id}}/files
  when_answer_is_lost: ask-a-person
  limits: {{at_most: "2", link_lives: 2d}}
  send: {{name: item.name, number: item.number, url: item.link}}
  {ANSWER}
add_comment:
  request: POST /cases/{{case.id}}/notes
  when_answer_is_lost: ask-a-person
  send: {{text: comment.text, at: comment.at | local}}
  {ANSWER}
reopen:
  request: POST /cases/{{case.id}}/reopening
  when_answer_is_lost: ask-a-person
  send: {{why: reopening.text, round: reopening.round}}
  {ANSWER}
set_priority:
  request: POST /cases/{{case.id}}/priority
  when_answer_is_lost: ask-a-person
  send: {{value: priority.value}}
  {ANSWER}
"""
LINKS = FileLinks(b"k" * 32, "https://hub.example")


@dataclass
class Town:
    """A hub with one connected organisation, seen from both ends."""

    installation: Installation
    hub: Hub
    citizen: Viewer
    agency: SmallAgency
    refuses: set[str] = field(default_factory=set)
    """Last names of the paths that the system refuses."""

    async def submit(self, **given: Any) -> str:
        sent = await self.hub.submit(self.citizen, category="roads/pothole", organisation=CODE, **given)
        return str(sent["reference"])

    async def file(self, name: str) -> str:
        """The id of an uploaded file."""
        return write_global_id("Attachment", await self.installation.attach(name.encode(), name))

    async def work(self, links: FileLinks | None = LINKS) -> None:
        """Let a worker bring everything there is to bring."""

        async def is_done() -> bool:
            return not await self.installation.rows("SELECT 1 FROM delivery WHERE finished_at IS NULL")

        async with self.installation.worker(links):
            await until(is_done)

    async def stands(self, reference: str, status: Status) -> None:
        async with self.installation.database.unit() as unit:
            await unit.execute(update(MessageRow).where(MessageRow.reference == reference).values(status=status))

    async def notes(self, reference: str) -> list[str]:
        rows = await self.installation.rows(
            "SELECT e.note FROM event e JOIN message m ON m.id = e.message_id"
            " WHERE m.reference = :r AND e.note_is_public AND e.kind IN ('DELIVERY', 'STATUS') AND e.note IS NOT NULL",
            r=reference,
        )
        return [row["note"] for row in rows]


def connected(config_folder: Path, folder: Path, text: str) -> Path:
    """The house's configuration with this agency file alone."""
    shutil.copytree(config_folder, folder, ignore=shutil.ignore_patterns("agencies"))
    (folder / "agencies").mkdir()
    (folder / "agencies" / f"{CODE}.yaml").write_text(text)
    return folder


@pytest.fixture(params=[FILE + WISHES])
async def town(
    request: pytest.FixtureRequest, database: Database, config_folder: Path, tmp_path: Path
) -> AsyncIterator[Town]:
    refuses: set[str] = set()

    def answer(asked: Asked) -> tuple[int, object]:
        last = asked.path.rsplit("/", 1)[-1]
        if last in refuses:
            return 422, {}
        return (201, {"id": "C-1"}) if last == "cases" else (200, {})

    async with small_agency(answer) as agency:
        config = connected(config_folder, tmp_path / "config", request.param)
        variables = {"SMALL_ADDRESS": agency.address, "OKNO_PUBLIC_ADDRESS": "https://hub.example"}
        installation = await Installation.open(database, config, tmp_path, variables)
        registry = installation.registry
        changes = ChangeFeed(database)
        await changes.open()
        facts = InstallationFacts(installation.reference, registry.codes, what_systems_take(registry))
        hub = Hub(build_schema(), database, facts, changes, installation.references)
        yield Town(installation, hub, Viewer(installation.citizen, "test", "citizen"), agency, refuses)
        await changes.close()


async def test_words_files_and_urgency_reach_the_case_in_the_order_of_the_wishes(town: Town) -> None:
    """P5, and links in the place of files: what the system gets is an address that leads to this file and no other."""
    first = await town.file("раньше.jpg")
    reference = await town.submit(text="Яма", attachments=[first])
    comment = await wish(town.hub, town.citizen, "add_comment", reference=reference, text="Стало глубже")
    assert (comment["isPassedOn"], comment["notice"]) == (True, None)
    official = await town.hub.official("head", Role.HEAD, CODE)
    urgent = await wish(
        town.hub, official, "set_priority", reference=reference, priority="URGENT", reason="Рядом школа"
    )
    assert urgent["isPassedOn"] is True
    await town.work()
    later = await town.file("позже.jpg")
    files = await wish(town.hub, town.citizen, "add_attachments", reference=reference, attachments=[later])
    assert files["isPassedOn"] is True
    await town.work()
    assert town.agency.paths() == [
        "POST /cases",
        "POST /cases/C-1/files",
        "POST /cases/C-1/notes",
        "POST /cases/C-1/priority",
        "POST /cases/C-1/files",
    ]
    _, before, words, urgency, after = (one.json for one in town.agency.asked)
    assert (words["text"], urgency) == ("Стало глубже", {"value": "urgent"})
    assert (before["name"], before["number"], after["name"], after["number"]) == ("раньше.jpg", 1, "позже.jpg", 2)
    now = datetime.now(UTC)
    for sent, name in ((before, "раньше.jpg"), (after, "позже.jpg")):
        token = str(sent["url"]).removeprefix("https://hub.example/files/")
        rows = await town.installation.rows(
            "SELECT file_name FROM attachment WHERE id = :id", id=LINKS.read(token, now)
        )
        assert [row["file_name"] for row in rows] == [name]
    assert await town.notes(reference) == []


async def test_a_reopened_case_is_on_its_way_again_until_the_system_has_opened_it(town: Town) -> None:
    reference = await town.submit(text="Яма")
    await town.work()
    await town.stands(reference, Status.ANSWERED)
    payload = await wish(town.hub, town.citizen, "reopen_message", reference=reference, reason="Яма на месте")
    assert (payload["message"]["status"], payload["isPassedOn"]) == ("ROUTED", True)
    await town.work()
    assert town.agency.asked[-1].json == {"why": "Яма на месте", "round": 2}
    assert await town.installation.status(reference) == "DELIVERED"


async def test_a_case_that_the_system_refuses_to_open_again_goes_to_a_person(town: Town) -> None:
    reference = await town.submit(text="Яма")
    await town.work()
    await town.stands(reference, Status.CLOSED_UNSOLVED)
    town.refuses.add("reopening")
    await wish(town.hub, town.citizen, "reopen_message", reference=reference, reason="Яма на месте")
    await town.work()
    assert await town.installation.status(reference) == "ON_MODERATION"
    assert "отказалась открыть дело заново" in (await town.notes(reference))[-1]


async def test_files_that_did_not_get_there_are_named_to_the_citizen(town: Town) -> None:
    """The system takes two files for a case, and refuses every file from now on."""
    reference = await town.submit(text="Яма", attachments=[await town.file("первый.jpg")])
    await town.work()
    town.refuses.add("files")
    names = ["второй.jpg", "третий.jpg"]
    await wish(
        town.hub,
        town.citizen,
        "add_attachments",
        reference=reference,
        attachments=[await town.file(name) for name in names],
    )
    await town.work()
    # The third was over the limit and not even tried.
    assert [one.json["name"] for one in town.agency.asked[1:]] == ["первый.jpg", "второй.jpg"]
    (note,) = await town.notes(reference)
    assert note.endswith("(второй.jpg, третий.jpg)")
    assert "did not take these files" in note


async def test_a_refused_comment_is_said_and_stops_nothing(town: Town) -> None:
    reference = await town.submit(text="Яма")
    town.refuses.add("notes")
    await wish(town.hub, town.citizen, "add_comment", reference=reference, text="ещё")
    await wish(town.hub, town.citizen, "add_attachments", reference=reference, attachments=[await town.file("1.jpg")])
    await town.work()
    assert "POST /cases/C-1/files" in town.agency.paths()
    assert "Система организации не приняла дополнение" in (await town.notes(reference))[0]


@pytest.mark.parametrize("town", [FILE], indirect=True)
async def test_what_a_system_lacks_is_said_at_once_and_in_the_history(town: Town) -> None:
    reference = await town.submit(text="Яма")
    await town.work()
    files = [await town.file("1.jpg")]
    told = [
        (await wish(town.hub, town.citizen, "add_comment", "ru", reference=reference, text="ещё"))["notice"],
        (await wish(town.hub, town.citizen, "add_attachments", "ru", reference=reference, attachments=files))["notice"],
    ]
    await town.stands(reference, Status.ANSWERED)
    told.append(
        (await wish(town.hub, town.citizen, "reopen_message", "ru", reference=reference, reason="Нет"))["notice"]
    )
    await town.work()
    written = [note for note in await town.notes(reference) if note != "Нет"]
    assert [note.startswith(notice) for note, notice in zip(written, told, strict=True)] == [True] * 3
    assert town.agency.paths() == ["POST /cases"]
    # Nobody works on it any more: a person must find who does (P3).
    assert await town.installation.status(reference) == "ON_MODERATION"


async def test_without_a_public_address_a_file_that_says_link_waits_and_says_what_is_missing(town: Town) -> None:
    """The case itself is made; the file follows when the address is set."""
    reference = await town.submit(text="Яма", attachments=[await town.file("1.jpg")])

    async def is_waiting() -> bool:
        steps = (await town.installation.delivery(reference))["steps"] or []
        return [str(step).partition(":")[0] for step in steps] == ["submit", "attachment"]

    async with town.installation.worker(None):
        await until(is_waiting)
        await until(lambda: reason_is(town, reference, "OKNO_PUBLIC_ADDRESS"))
    assert town.agency.paths() == ["POST /cases"]


async def reason_is(town: Town, reference: str, part: str) -> bool:
    delivery = await town.installation.delivery(reference)
    return part in str(delivery["reason"])


def test_a_file_that_says_link_is_at_fault_while_the_hub_has_no_public_address(
    config_folder: Path, tmp_path: Path
) -> None:
    config = connected(config_folder, tmp_path / "config", FILE + WISHES)
    without = Registry.load(config, variables={"SMALL_ADDRESS": "http://127.0.0.1:1"})
    (fault,) = without.unset_variables()
    assert "set OKNO_PUBLIC_ADDRESS" in fault.text
    assert (
        (tmp_path / "config" / "agencies" / f"{CODE}.yaml")
        .read_text()
        .splitlines()[fault.line - 1]
        .strip()
        .startswith("send: {name: item.name")
    )
    whole = {"SMALL_ADDRESS": "http://127.0.0.1:1", "OKNO_PUBLIC_ADDRESS": "https://hub.example"}
    assert Registry.load(config, variables=whole).unset_variables() == ()
