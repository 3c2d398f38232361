"""What every test of a profile needs: the shared session."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from connectors.http import open_session


@pytest_asyncio.fixture(scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """The one session of the process."""
    opened = open_session()
    yield opened
    await opened.close()
