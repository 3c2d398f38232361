"""Several processes behind one socket: a change in one reaches the watchers of all, one that dies is replaced, and none outlives its parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psutil
import pytest

from store.home import PROJECT
from tests.cli.citizen import EVENTS, FOLLOW, ask, events, operation, signed_in, submit
from tests.cli.program import PROGRAM, Gateway, started_gateway
from tests.cli.test_serve import NOBODY, failed


@pytest.fixture
def gateway(home: Path, database_url: str) -> Iterator[Gateway]:
    with started_gateway(home, database_url, "--processes", "2") as running:
        yield running


async def _metric(client: aiohttp.ClientSession, gateway: Gateway, name: str) -> dict[str, float]:
    """The numbers of one metric by process."""
    async with client.get(gateway.url.replace("/graphql", "/metrics")) as response:
        assert response.status == 200
        text = await response.text()
    lines = re.findall(rf'^{name}{{process="(\d+)"}} (\S+)$', text, re.MULTILINE)
    return {process: float(value) for process, value in lines}


def _children(gateway: Gateway) -> list[psutil.Process]:
    return [one for one in psutil.Process(gateway.process.pid).children() if "cli.serve_process" in one.cmdline()]


async def _all_serve(client: aiohttp.ClientSession, gateway: Gateway) -> None:
    for _ in range(300):
        if len(await _metric(client, gateway, "okno_sockets_open")) == 2:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(gateway.log.read_text())


async def test_a_change_reaches_the_watchers_of_every_process(gateway: Gateway) -> None:
    async with (
        aiohttp.ClientSession(headers=signed_in("anna")) as client,
        contextlib.AsyncExitStack() as responses,
        asyncio.timeout(60),
    ):
        await _all_serve(client, gateway)
        reference = await submit(client, gateway.url)
        body = {"query": FOLLOW, "variables": {"reference": reference}}
        streams = []
        # The kernel gives each connection to whichever process is quicker: open more until both have some.
        for _ in range(40):
            posted = client.post(gateway.url, json=body, headers=EVENTS)
            stream = events(await responses.enter_async_context(posted))
            assert (await anext(stream))[1]["data"]["messageChanged"]["status"] == "ROUTED"
            streams.append(stream)
            watched = await _metric(client, gateway, "okno_subscriptions_open")
            if len(streams) >= 4 and min(watched.values()) > 0:
                break
        assert len(watched) == 2
        assert min(watched.values()) > 0
        await ask(client, gateway.url, operation("withdraw-a-message"), {"reference": reference})
        seen = await asyncio.gather(*(anext(stream) for stream in streams))
        assert {event["data"]["messageChanged"]["status"] for _, event in seen} == {"WITHDRAWN"}


async def test_a_process_that_is_killed_is_replaced_and_nobody_is_refused_meanwhile(gateway: Gateway) -> None:
    async with asyncio.timeout(60):
        async with aiohttp.ClientSession() as client:
            await _all_serve(client, gateway)
        victim = _children(gateway)[0]
        victim.kill()
        for _ in range(20):
            async with (
                aiohttp.ClientSession() as client,
                client.post(gateway.url, json={"query": "{ __typename }"}) as response,
            ):
                assert response.status == 200
            await asyncio.sleep(0.02)
        async with aiohttp.ClientSession() as client:
            for _ in range(200):
                if f"ended ({-signal.SIGKILL})" in gateway.log.read_text():
                    break
                await asyncio.sleep(0.1)
            await _all_serve(client, gateway)
    assert len(_children(gateway)) == 2
    assert victim.pid not in {one.pid for one in _children(gateway)}


async def test_processes_whose_parent_is_killed_leave_by_themselves(gateway: Gateway) -> None:
    async with aiohttp.ClientSession() as client:
        await _all_serve(client, gateway)
    children = _children(gateway)
    assert len(children) == 2
    os.kill(gateway.process.pid, signal.SIGKILL)
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, 20)
    assert alive == []


def test_processes_that_cannot_start_are_told_once_and_not_tried_for_ever(home: Path, database_url: str) -> None:
    assert "OKNO_DATABASE_URL" in failed(["serve", "--port", "0", "--processes", "2"], home, OKNO_DATABASE_URL=NOBODY)
    # What only a child can find out: there is no folder for attachments, and there can be none.
    home.mkdir(parents=True)
    (home / "attachments").write_text("in the way")
    command = [*PROGRAM, "serve", "--port", "0", "--processes", "2"]
    environment = {**os.environ, "OKNO_DATABASE_URL": database_url}
    told = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120)
    assert told.returncode == 1
    assert told.stderr.endswith("The gateway did not start; the lines above say why.\n")
    assert told.stderr.count("Waiting for application startup") <= 2
