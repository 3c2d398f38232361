"""Roles reach the messages of their subtree, while they are in force, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from domain.rights import RIGHTS, Grant, Right, Role
from domain.viewer import Viewer
from store.role_grants import REMEMBERED_S, all_grants, end_grant, grant_role, grants_of
from store.tables import RoleGrantRow
from store.unit import Database
from tests.api.hub import Hub

TEXT = "query ($reference: String!) { message(reference: $reference) { text history { kind } } }"


async def _data(hub: Hub, text: str, variables: dict[str, Any], viewer: Viewer | None = None) -> dict[str, Any]:
    result = await hub.run(text, variables, viewer=viewer)
    assert result.errors is None
    assert result.data is not None
    return result.data


async def _message_at(hub: Hub, organisation: str) -> str:
    message = await hub.submit(await hub.person("anna"), category="roads/pothole", organisation=organisation)
    assert message["organisation"]["code"] == organisation
    return str(message["reference"])


async def _sees(hub: Hub, viewer: Viewer | None, reference: str) -> bool:
    found = (await _data(hub, TEXT, {"reference": reference}, viewer))["message"]
    assert found is None or found["history"]
    return found is not None


async def _parent(hub: Hub, organisation: str) -> str:
    text = "query ($code: String!) { organisation(code: $code) { parent { code } } }"
    answer = await _data(hub, text, {"code": organisation})
    return str(answer["organisation"]["parent"]["code"])


async def test_an_executor_sees_the_messages_of_their_organisation_and_a_neighbour_does_not(hub: Hub) -> None:
    reference = await _message_at(hub, "city-roads")
    assert await _sees(hub, await hub.official("boris", Role.EXECUTOR, "city-roads"), reference)
    assert not await _sees(hub, await hub.official("vera", Role.EXECUTOR, "housing-inspection"), reference)
    assert not await _sees(hub, await hub.person("gleb"), reference)
    assert not await _sees(hub, None, reference)


async def test_a_role_reaches_down_the_tree_and_not_up(hub: Hub) -> None:
    above = await _parent(hub, "road-ministry")
    reference = await _message_at(hub, "road-ministry")
    assert await _sees(hub, await hub.official("head", Role.HEAD, above), reference)
    upper = await _message_at(hub, above)
    assert not await _sees(hub, await hub.official("below", Role.HEAD, "road-ministry"), upper)


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_sees_messages_just_when_the_table_says_so(hub: Hub, role: Role) -> None:
    reference = await _message_at(hub, "city-roads")
    somebody = await hub.official("somebody", role, "city-roads")
    assert await _sees(hub, somebody, reference) is (Right.MESSAGES in RIGHTS[role])


async def test_a_role_counts_between_its_dates_only(database: Database, hub: Hub) -> None:
    person = (await hub.person("dated")).person_id
    async with database.unit() as unit:
        grant = await grant_role(unit, person, Role.HEAD, "city-roads")
        await unit.execute(
            update(RoleGrantRow)
            .where(RoleGrantRow.id == grant)
            .values(begins_at=datetime.now(UTC) + timedelta(seconds=60))
        )
    assert await grants_of(database, person) == ()


async def test_an_ended_role_is_forgotten_within_seconds(
    database: Database, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = (await hub.person("ended")).person_id
    async with database.unit() as unit:
        grant = await grant_role(unit, person, Role.HEAD, "city-roads")
    assert await grants_of(database, person) == (Grant(Role.HEAD, "city-roads"),)
    async with database.unit() as unit:
        assert await end_grant(unit, grant)
        assert not await end_grant(unit, grant)
    assert REMEMBERED_S <= 10
    monkeypatch.setattr("store.role_grants.REMEMBERED_S", 0.0)
    assert await grants_of(database, person) == ()
    assert [line.organisation for line in await all_grants(database)] == ["city-roads"]


async def test_a_role_at_an_organisation_that_does_not_exist_is_refused(database: Database, hub: Hub) -> None:
    person = (await hub.person("nobody")).person_id
    with pytest.raises(LookupError):
        async with database.unit() as unit:
            await grant_role(unit, person, Role.HEAD, "ministry-of-silly-walks")
