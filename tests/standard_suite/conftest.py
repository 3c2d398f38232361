"""Every agency file and every profile, each with a stand-in of its own for every test."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from agencies.fake.serving import running
from agencies.fake.values import Values
from agencies.fault import FileFaults
from agencies.model import AgencyFile
from agencies.registry import check_agency_file
from agencies.rubricator_file import load_rubricator
from connectors.http import open_session
from tests.fakes.serving import AgencyProcess
from tests.standard_suite.stages import CREDENTIALS, ByHand, FromFile, Stage

_OTHER_PROTOCOL = re.compile(r"^ +protocol: *(?!soap|rest)\w", re.MULTILINE)
CONFIG = Path(__file__).parent.parent.parent / "config"
FILES = [path for folder in ("agencies", "systems") for path in sorted((CONFIG / folder).glob("*.yaml"))]
SPOKEN = ("soap", "rest")
"""What a stand-in made from a file speaks."""
PLAYED = [path for path in FILES if not _OTHER_PROTOCOL.search(path.read_text(encoding="utf-8"))]
SAMPLES = ("city-roads", "housing-inspection")
_SECRETS = "right-"


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that passed every check, and the folder its WSDL lies in."""

    file: AgencyFile
    folder: Path


@lru_cache(maxsize=100)
def checked(path: Path) -> Checked:
    source, file = check_agency_file(path, categories())
    return Checked(file, source.folder_of(("connection", "wsdl")) if file.connection.wsdl else path.parent)


@lru_cache(maxsize=1)
def categories() -> frozenset[str]:
    return frozenset(one.code for one in load_rubricator(CONFIG / "rubricator.yaml").categories)


class RightValues(Values):
    """Values that nobody guesses: those of a stranger are the made-up ones."""

    def of(self, name: str) -> str:
        return CREDENTIALS.get(name, _SECRETS + name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest_asyncio.fixture(params=PLAYED, ids=[path.stem for path in PLAYED])
async def stage(request: pytest.FixtureRequest, session: aiohttp.ClientSession) -> AsyncIterator[FromFile]:
    """One file with its stand-in, fresh for this test."""
    try:
        one = checked(request.param)
    except FileFaults:
        pytest.skip("the file has faults: test_files.py tells them")
    if one.file.connection.protocol not in SPOKEN:
        pytest.skip("a stand-in speaks soap and rest only; tests/profiles has a system of its own for this one")
    values = RightValues({})
    async with running(one.file, one.folder, values.reveal, categories=categories()) as fake:
        opened = FromFile(fake, one.file, one.folder, values, session)
        yield opened
        await opened.connector.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=SAMPLES)
async def sample_system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, AgencyProcess]]:
    """A sample agency's own system, once for the run."""
    code: str = request.param
    process = await AgencyProcess(f"tests.fakes.{code.replace('-', '_')}").start(tmp_path_factory.mktemp(code))
    yield code, process
    await process.stop()


@pytest_asyncio.fixture
async def sample(sample_system: tuple[str, AgencyProcess], session: aiohttp.ClientSession) -> AsyncIterator[Stage]:
    """A sample agency's file with its own system behind it."""
    code, process = sample_system
    one = checked(CONFIG / "agencies" / f"{code}.yaml")
    opened = ByHand(process, one.file, one.folder, session)
    yield opened
    await opened.calm()
    await opened.connector.close()
