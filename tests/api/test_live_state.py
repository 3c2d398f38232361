"""`message.cases.live` through the front door: the two sample agencies are asked while they are well, slow, down and talking nonsense (A-135)."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import psycopg
import pytest
from joserfc.jwk import OKPKey
from psycopg import sql
from sqlalchemy import text

from domain.rights import Role
from gateway.live_cases import AWAY, UNREADABLE, slow
from gateway.settings import Settings
from schema.live_cases import CANNOT_BE_ASKED
from store.home import Home
from store.people import person_id
from store.role_grants import grant_role
from store.unit import Database
from tests.api.hub import document
from tests.conftest import _in_database, sqlalchemy_url
from tests.delivery.conftest import Agencies
from tests.delivery.installation import Installation, hurried_config, until
from tests.fakes.serving import AgencyProcess
from tests.gateway.conftest import run_gateway
from tests.gateway.tokens import bearer, claims, new_key, sign, write_keys

ISSUER = "test"  # the issuer of the citizen of an Installation
CATEGORIES = {"roads": "roads/pothole", "housing": "housing/roof"}
READING = {"roads": "GetCase", "housing": "readRequest"}
IN_WORK = {"roads": "2", "housing": "accepted"}
QUESTION = {"roads": "3", "housing": "need_info"}
NOT_IN_THE_FILE = {"roads": ("9",), "housing": ("accepted", "planned")}
CASES_OF_EACH = 20

both = pytest.mark.parametrize("system", ["roads", "housing"])


@dataclass
class House:
    """A gateway that listens, two agencies, and delivered messages whose first state has come home. No worker is running."""

    address: str
    key: OKPKey
    agencies: Agencies
    installation: Installation
    unused: dict[str, list[str]] = field(default_factory=dict)

    def process(self, system: str) -> AgencyProcess:
        return self.agencies.roads if system == "roads" else self.agencies.housing

    async def case(self, system: str) -> tuple[str, str]:
        """The reference of a message nobody has asked about, and the number of its case."""
        reference = self.unused[system].pop(0)
        (case,) = await self.process(system).operator.cases(reference)
        return reference, case["id"]

    async def query(self, query: str, variables: dict[str, Any], subject: str = "citizen") -> dict[str, Any]:
        """The data of the answer, which must have no errors."""
        headers = bearer(sign(self.key, claims(iss=ISSUER, sub=subject)))
        async with (
            aiohttp.ClientSession(self.address, headers=headers) as client,
            client.post("/graphql", json={"query": query, "variables": variables}) as response,
        ):
            answer = await response.json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def message(self, reference: str, subject: str = "citizen") -> dict[str, Any] | None:
        found: dict[str, Any] | None = (await self.query(document("live_state"), {"reference": reference}, subject))[
            "message"
        ]
        return found

    async def live(self, reference: str) -> dict[str, Any]:
        message = await self.message(reference)
        assert message is not None
        (found,) = message["cases"]
        live: dict[str, Any] = found["live"]
        return live

    async def everything_stored(self) -> list[dict[str, Any]]:
        """What asking must not change."""
        return await self.installation.rows(
            """
            SELECT (SELECT count(*) FROM event) AS events, (SELECT count(*) FROM attempt) AS attempts, (SELECT count(*) FROM inbox) AS inbox,
                (SELECT string_agg(status, ',' ORDER BY id) FROM message) AS statuses,
                (SELECT string_agg(foreign_code, ',' ORDER BY id) FROM agency_case) AS codes, (SELECT max(xmin::text::bigint) FROM message) AS written
            """
        )


def _config(source: Path, target: Path) -> Path:
    """The house's configuration, hurried, and with a state in each agency that its file does not list."""
    config = hurried_config(source, target)
    for code, row in (("city-roads", '    "9": declined\n'), ("housing-inspection", "    planned: planned\n")):
        path = config / "agencies" / f"{code}.yaml"
        words = path.read_text()
        assert row in words
        path.write_text(re.sub(r"\nexamples:.*", "\n", words.replace(row, ""), flags=re.DOTALL))
    return config


@pytest.fixture(scope="module")
def live_database(server_dsn: str, template_database: str) -> Iterator[str]:
    name = f"okno_live_{uuid4().hex[:8]}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template_database))
        )
    yield sqlalchemy_url(_in_database(server_dsn, name))
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
async def live_agencies(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Agencies]:
    roads, housing = AgencyProcess("tests.fakes.city_roads"), AgencyProcess("tests.fakes.housing_inspection")
    await roads.start(tmp_path_factory.mktemp("city-roads"))
    await housing.start(tmp_path_factory.mktemp("housing-inspection"))
    yield Agencies(roads, housing)
    await roads.stop()
    await housing.stop()


@pytest.fixture(scope="module")
async def house(
    live_database: str, live_agencies: Agencies, config_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("live")
    config = _config(config_folder, folder / "config")
    database = Database(live_database)
    await database.open()
    installation = await Installation.open(database, config, folder, live_agencies.variables)
    sent = {
        system: [await installation.send("Яма у остановки", category) for _ in range(CASES_OF_EACH)]
        for system, category in CATEGORIES.items()
    }
    async with installation.worker():
        await until(lambda: _all_registered(installation))
    key = new_key()
    write_keys(folder / "issuer.json", key)
    settings = Settings(token_issuer=ISSUER, token_keys=str(folder / "issuer.json"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in live_agencies.variables.items():
            patch.setenv(name, value)
        with run_gateway(Home(folder, config, live_database), settings, None) as (address, _):
            yield House(address, key, live_agencies, installation, sent)
    await database.close()


async def _all_registered(installation: Installation) -> bool:
    rows = await installation.rows("SELECT count(*) AS waiting FROM message WHERE status <> 'REGISTERED'")
    return bool(rows[0]["waiting"] == 0)


@contextlib.asynccontextmanager
async def fault(house: House, system: str, kind: str, **more: Any) -> AsyncIterator[None]:
    """A fault of the reading operation; afterwards the agency is well and is asked once, so that the next test finds it trusted."""
    operator = house.process(system).operator
    await operator.faults(kind, times=100, operation=READING[system], **more)
    try:
        yield
    finally:
        await operator.clear_faults()
    reference, _ = await house.case(system)
    assert not (await house.live(reference))["isStale"]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _recent(text: str) -> bool:
    return abs(datetime.now(UTC) - _moment(text)) < timedelta(seconds=60)


@both
async def test_a_state_that_no_feed_has_brought_yet_is_seen_and_nothing_is_written(house: House, system: str) -> None:
    reference, case = await house.case(system)
    await house.process(system).operator.move(case, IN_WORK[system], "только для своих")
    before = await house.everything_stored()
    message = await house.message(reference)
    assert message is not None
    assert message["status"] == "REGISTERED"
    (found,) = message["cases"]
    live = found["live"]
    assert found["caseId"] == case
    assert (live["state"], live["status"], live["note"]) == (IN_WORK[system], "IN_PROGRESS", None)
    assert (live["isStale"], live["why"], live["poRusski"]) == (False, None, None)
    assert _recent(live["at"])
    assert _recent(live["askedAt"])
    assert live["asOf"] == live["askedAt"]
    assert await house.everything_stored() == before


@both
async def test_a_question_to_the_citizen_is_shown_made_harmless(
    house: House, system: str, caplog: pytest.LogCaptureFixture
) -> None:
    reference, case = await house.case(system)
    operator = house.process(system).operator
    await operator.move(case, IN_WORK[system])
    # The SOAP agency stores windows-1251 and speaks XML, which leaves it few characters to do harm with. NUL is U+FFFD from the wire on.
    long = 3000 if system == "roads" else 1900
    nasty = "<b>Где</b> именно?\x7f" if system == "roads" else "<b>Где</b> именно?\x00\x1b[2J\u202e"
    await operator.move(case, QUESTION[system], nasty + "ы" * long)
    live = await house.live(reference)
    assert live["status"] == "WAITING_FOR_CITIZEN"
    assert live["note"].startswith("<b>Где</b> именно?" + ("ы" if system == "roads" else "\ufffd[2Jы"))
    assert live["note"].endswith("ы…" if system == "roads" else "ыы")
    assert len(live["note"]) <= 2000
    assert "именно" not in caplog.text


@both
async def test_a_code_the_file_does_not_list_is_shown_and_never_guessed(house: House, system: str) -> None:
    reference, case = await house.case(system)
    for state in NOT_IN_THE_FILE[system]:
        await house.process(system).operator.move(case, state, "потому что")
    live = await house.live(reference)
    assert (live["state"], live["status"], live["isStale"]) == (NOT_IN_THE_FILE[system][-1], None, False)


@both
@pytest.mark.parametrize(
    ("kind", "why"), [("html", UNREADABLE), ("error_500", AWAY), ("silence", slow(3)), ("lost_reply", AWAY)]
)
async def test_an_agency_that_does_not_answer_is_no_error_but_the_last_known_state(
    house: House, system: str, kind: str, why: Any
) -> None:
    reference, _ = await house.case(system)
    async with fault(house, system, kind):
        began = time.monotonic()
        message = await house.message(reference)
        took_s = time.monotonic() - began
    assert message is not None
    (live,) = [case["live"] for case in message["cases"]]
    assert (live["isStale"], live["state"], live["status"]) == (True, "1" if system == "roads" else "new", "REGISTERED")
    assert (live["why"], live["poRusski"]) == (why.en, why.ru)
    (registered,) = [event for event in message["history"] if event["toStatus"] == "REGISTERED"]
    assert _moment(live["asOf"]) == _moment(registered["at"])
    assert _recent(live["askedAt"])
    assert (2.9 if kind == "silence" else 0) < took_s < 4.5
    assert "Technical works" not in str(message)


async def test_an_agency_that_is_down_takes_nothing_else_from_the_answer(house: House) -> None:
    (roads, _), (housing, _) = await house.case("roads"), await house.case("housing")
    await house.agencies.roads.kill()
    try:
        query = """
            query Both($a: String!, $b: String!) {
              a: message(reference: $a) { text cases { ...Live organisation { code } } }
              b: message(reference: $b) { text cases { ...Live again: live { status } organisation { code } } }
            }
            fragment Live on Case { live { status isStale why(language: EN) } }
        """
        data = await house.query(query, {"a": roads, "b": housing})
    finally:
        await house.agencies.roads.restart()
    assert data["a"]["text"] == data["b"]["text"] == "Яма у остановки"
    assert data["a"]["cases"] == [
        {
            "live": {"status": "REGISTERED", "isStale": True, "why": AWAY.en},
            "organisation": {"code": "city-roads"},
        }
    ]
    assert data["b"]["cases"] == [
        {
            "live": {"status": "REGISTERED", "isStale": False, "why": None},
            "again": {"status": "REGISTERED"},
            "organisation": {"code": "housing-inspection"},
        }
    ]


async def test_an_organisation_that_cannot_be_asked_shows_what_is_stored(house: House) -> None:
    reference, _ = await house.case("roads")
    async with house.installation.database.unit() as unit:
        await unit.execute(
            text(
                "INSERT INTO agency_case (id, message_id, organisation_code, round, case_id, ids)"
                " SELECT gen_random_uuid(), id, 'road-ministry', 1, 'RM-1', '{}' FROM message WHERE reference = :r"
            ),
            {"r": reference},
        )
    message = await house.message(reference)
    assert message is not None
    (live,) = [case["live"] for case in message["cases"] if case["caseId"] == "RM-1"]
    assert (live["state"], live["status"], live["isStale"], live["askedAt"]) == (None, "DELIVERED", True, None)
    assert (live["why"], live["poRusski"]) == (CANNOT_BE_ASKED.en, CANNOT_BE_ASKED.ru)
    assert _recent(live["asOf"])


async def test_nobody_is_asked_about_a_message_the_viewer_may_not_see(house: House) -> None:
    reference, _ = await house.case("housing")
    operator = house.agencies.housing.operator
    await operator.faults("html", times=5, operation="readRequest")
    try:
        assert await house.message(reference, subject="stranger") is None
        waiting = (await operator.call("GET", "faults"))["faults"]
    finally:
        await operator.clear_faults()
    assert [one["times"] for one in waiting] == [5]


async def test_an_official_of_the_organisation_sees_the_live_state_too(house: House) -> None:
    reference, _ = await house.case("housing")
    database = house.installation.database
    official = await person_id(database, ISSUER, "official")
    async with database.unit() as unit:
        await grant_role(unit, official, Role.EXECUTOR, "housing-inspection")
    message = await house.message(reference, subject="official")
    assert message is not None
    assert [case["live"]["status"] for case in message["cases"]] == ["REGISTERED"]


async def test_a_page_of_many_cases_waits_for_a_silent_agency_only_once(house: House) -> None:
    async with fault(house, "housing", "silence"):
        began = time.monotonic()
        data = await house.query(
            "{ viewer { messages(first: 12) { nodes { cases { organisation { code } live { isStale asOf } } } } } }", {}
        )
        took_s = time.monotonic() - began
    cases = [case for node in data["viewer"]["messages"]["nodes"] for case in node["cases"]]
    # The newest messages are the housing inspection's, and more of them than it may be asked about at once.
    assert {case["organisation"]["code"] for case in cases} == {"housing-inspection"}
    assert sum(case["live"]["isStale"] for case in cases) > 4
    assert took_s < 4.5
