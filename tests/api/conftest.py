"""A hub over a fresh database with the reference data of the house."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import strawberry

from agencies.reference_data import ReferenceData, load_reference_data
from agencies.registry import Registry
from domain.viewer import Viewer
from gateway.facts import InstallationFacts, what_systems_take
from schema.root import build_schema
from store.changes import ChangeFeed
from store.references import ReferenceSource
from store.registry import sync_registry
from store.unit import Database
from tests.api.hub import Hub

CONNECTED = frozenset({"city-roads", "housing-inspection"})


@pytest.fixture(scope="session")
def reference_data(config_folder: Path) -> ReferenceData:
    return load_reference_data(config_folder)


@pytest.fixture(scope="session")
def agency_files(config_folder: Path) -> Registry:
    """What the systems of the two sample agencies can do, by their files."""
    return Registry.load(config_folder, variables={})


@pytest.fixture(scope="session")
def schema() -> strawberry.Schema:
    return build_schema()


@pytest.fixture
async def hub(
    database: Database, reference_data: ReferenceData, schema: strawberry.Schema, agency_files: Registry
) -> AsyncIterator[Hub]:
    async with database.unit() as unit:
        await sync_registry(
            unit,
            rubricator=reference_data.rubricator,
            territories=reference_data.territories,
            organisations=reference_data.organisations,
            connected=CONNECTED,
        )
    changes = ChangeFeed(database, poll_s=0.2)
    await changes.open()
    yield Hub(
        schema=schema,
        database=database,
        facts=InstallationFacts(reference_data, CONNECTED, what_systems_take(agency_files)),
        changes=changes,
        references=ReferenceSource(database),
    )
    await changes.close()


@pytest.fixture
async def anna(hub: Hub) -> Viewer:
    """A citizen."""
    return await hub.person("anna")


@pytest.fixture
async def boris(hub: Hub) -> Viewer:
    """Another citizen."""
    return await hub.person("boris")
