"""The shared wire, and the services of other makers, each started once for all its tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from connectors.http import Wire, open_session
from tests.clients.npm import install
from tests.connectors.certificates import Holder, issue
from tests.stacks.serving import TOOLS, php, serving

STACKS = Path(__file__).parent
USER, PASSWORD = "okno", "пароль-1"
ROADS_WSDL = STACKS.parent.parent / "config" / "agencies" / "city-roads" / "cases.wsdl"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def beside() -> AsyncIterator[aiohttp.ClientSession]:
    """For what tests ask a service about beside SOAP."""
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture(scope="session")
def wire(session: aiohttp.ClientSession) -> Wire:
    return Wire(session)


@pytest.fixture(scope="session")
def node_soap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service on npm's `soap` that keeps to the road agency's WSDL and wants a token digest."""
    folder = STACKS / "node_soap"
    install(folder)
    log = tmp_path_factory.mktemp("node-soap") / "stderr.log"
    command = [str(TOOLS / "node"), "main.mjs", str(ROADS_WSDL)]
    with serving(command, folder, log, {"STACK_USER": USER, "STACK_PASSWORD": PASSWORD}) as address:
        yield address


@pytest.fixture(scope="session")
def signing_hub() -> Holder:
    """A certificate and key of ours."""
    return issue("okno")


@pytest.fixture(scope="session")
def node_soap_signed(tmp_path_factory: pytest.TempPathFactory, signing_hub: Holder) -> Iterator[str]:
    """The same service, wanting every envelope signed by our certificate."""
    folder = STACKS / "node_soap"
    install(folder)
    place = tmp_path_factory.mktemp("node-soap-signed")
    (place / "hub.pem").write_bytes(signing_hub.pem)
    command = [str(TOOLS / "node"), "main.mjs", str(ROADS_WSDL)]
    environment = {"STACK_CERTIFICATE": str(place / "hub.pem")}
    with serving(command, folder, place / "stderr.log", environment) as address:
        yield address


@pytest.fixture(scope="session")
def php_soap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of two services on PHP's SoapServer: `/rpc` and `/document`. Skips where PHP or its SOAP extension is not installed."""
    program = shutil.which("php")
    modules = subprocess.run([program, "-m"], capture_output=True, text=True).stdout.split() if program else []
    if program is None or "soap" not in modules:
        pytest.skip("PHP with SOAP is not here: `apt install php-cli php-soap`, then `make test-real`")
    environment = {"STACK_USER": USER, "STACK_PASSWORD": PASSWORD, "STACK_WSDL": str(ROADS_WSDL)}
    with php(program, STACKS / "php" / "index.php", tmp_path_factory.mktemp("php"), environment) as address:
        yield address
