"""Both sample agencies as processes, and an installation connected to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from store.unit import Database
from tests.delivery.installation import Installation, hurried_config
from tests.delivery.listening import Works, fresh_database, works
from tests.fakes.serving import AgencyProcess


@dataclass(frozen=True, slots=True)
class Agencies:
    """The two running agencies, and the variables their files ask for."""

    roads: AgencyProcess
    housing: AgencyProcess

    @property
    def variables(self) -> dict[str, str]:
        return {
            "CITY_ROADS_ADDRESS": self.roads.address,
            "CITY_ROADS_USER": "okno",
            "CITY_ROADS_PASSWORD": "roads-secret",
            "HOUSING_ADDRESS": self.housing.address,
            "HOUSING_CLIENT_ID": "okno",
            "HOUSING_CLIENT_SECRET": "housing-secret",
            "HOUSING_WEBHOOK_SECRET": "webhook-secret",
        }


@pytest.fixture(scope="session")
async def agency_processes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Agencies]:
    roads = AgencyProcess("tests.fakes.city_roads")
    housing = AgencyProcess("tests.fakes.housing_inspection")
    await roads.start(tmp_path_factory.mktemp("city-roads"))
    await housing.start(tmp_path_factory.mktemp("housing-inspection"))
    yield Agencies(roads, housing)
    await roads.stop()
    await housing.stop()


@pytest.fixture
async def agencies(agency_processes: Agencies) -> AsyncIterator[Agencies]:
    """The running agencies, without any fault switched on."""
    yield agency_processes
    await agency_processes.roads.operator.clear_faults()
    await agency_processes.housing.operator.clear_faults()


@pytest.fixture(scope="session")
def config(config_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hurried_config(config_folder, tmp_path_factory.mktemp("hurried") / "config")


@pytest.fixture
async def installation(database: Database, config: Path, tmp_path: Path, agencies: Agencies) -> Installation:
    return await Installation.open(database, config, tmp_path, agencies.variables)


@pytest.fixture(scope="session")
async def listening_database(server_dsn: str, template_database: str) -> AsyncIterator[Database]:
    """One database for all tests that listen to an agency of their own: each has its own code, and a database of its own would cost a second."""
    async with fresh_database(server_dsn, template_database) as database:
        yield database


@pytest.fixture
async def works_agency() -> AsyncIterator[Works]:
    """An agency on a real port that says what the test tells it to say."""
    async with works() as running:
        yield running
