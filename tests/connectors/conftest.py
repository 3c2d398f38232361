"""The shared session of the connector tests, as a process has one, and the two sample agencies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from connectors.http import Wire, open_session
from tests.fakes.serving import AgencyProcess


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def wire() -> AsyncIterator[Wire]:
    async with open_session() as session:
        yield Wire(session)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def city_roads(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AgencyProcess]:
    process = await AgencyProcess("tests.fakes.city_roads").start(tmp_path_factory.mktemp("roads"))
    yield process
    await process.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def housing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AgencyProcess]:
    process = await AgencyProcess("tests.fakes.housing_inspection").start(tmp_path_factory.mktemp("housing"))
    yield process
    await process.stop()


@pytest.fixture(scope="session")
def wsdl_folder() -> Path:
    """WSDLs of our own that show what no sample agency needs."""
    return Path(__file__).parent / "wsdl"
