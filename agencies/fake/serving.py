"""The stand-in on two ports of 127.0.0.1: one is the agency's system, the other is where people and tests turn its knobs.

    async with running(file, folder, reveal) as fake:
        connector = …  # to fake.address
        fake.system.faults.switch_on("lost_reply", times=1)
        await fake.move(case_id, Status.ANSWERED, answer=Answer("Done"))

Control port: `GET /` what there is, `GET /cases`, `POST /cases/{id}/move`, `GET | POST | DELETE /faults`, `POST /webhook`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path

from aiohttp import web

from agencies import model
from agencies.fake.control import control_app
from agencies.fake.fake import Fake
from agencies.fake.faults import Switched
from agencies.fake.hooks import Hooks
from agencies.fake.system import Replied, System, wrong_page
from agencies.fake.wires import Incoming, Written

HOST = "127.0.0.1"
_LARGEST_BODY_BYTES = 64 * 1024 * 1024


@contextlib.asynccontextmanager
async def running(
    file: model.AgencyFile,
    folder: Path,
    reveal: Callable[[str], str],
    *,
    categories: Collection[str] = (),
    port: int = 0,
    control_port: int = 0,
) -> AsyncIterator[Fake]:
    """A stand-in for the length of the block; port 0 takes a free one. Raises BadConnection, CannotFake, and OSError for a port in use."""
    system = System(file, folder, reveal, categories)
    fake = Fake(system, Hooks(system))
    async with _listening(_system_app(fake), port) as origin, _listening(control_app(fake), control_port) as control:
        fake.address, fake.control = origin + system.base_path, control
        yield fake


@contextlib.asynccontextmanager
async def _listening(app: web.Application, port: int) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


# The agency's side


def _system_app(fake: Fake) -> web.Application:
    async def serve(request: web.Request) -> web.StreamResponse:
        incoming = await _incoming(request)
        replied = fake.system.answer(incoming)
        if replied.step is not None:
            fake.calls.append(replied.step)
        return await _sent(request, replied)

    app = web.Application(client_max_size=_LARGEST_BODY_BYTES)
    app.router.add_route("*", "/{path:.*}", serve)
    return app


async def _incoming(request: web.Request) -> Incoming:
    form: dict[str, str] = {}
    files: dict[str, tuple[str, bytes]] = {}
    is_multipart = request.content_type == "multipart/form-data"
    body = b"" if is_multipart else await request.read()
    if is_multipart or request.content_type == "application/x-www-form-urlencoded":
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files[name] = (value.filename, value.file.read())
            else:
                form[name] = value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Incoming(request.method, request.path, dict(request.query), headers, body, form, files)


async def _sent(request: web.Request, replied: Replied) -> web.StreamResponse:
    written, fault = replied.written, replied.fault
    if fault is None:
        return _response(written)
    match fault.name:
        case "created_with_error":
            return _response(wrong_page())
        case "wrong_charset":
            text = written.body.decode("utf-8", "replace")
            return _response(Written(written.status, text.encode("windows-1251", "replace"), written.headers))
        case "lost_reply":
            return await _cut(request, written, 0)
        case "half_an_answer":
            return await _cut(request, written, max(1, len(written.body) // 2))
        case "slow_trickle":
            return await _trickled(request, written, fault)
        case "silence":
            await asyncio.sleep(fault.pause_s)
            return await _cut(request, written, 0)
    return _response(written)


def _response(written: Written) -> web.Response:
    return web.Response(status=written.status, body=written.body, headers=dict(written.headers))


async def _cut(request: web.Request, written: Written, count: int) -> web.StreamResponse:
    """Only so many bytes of the body, then the connection ends; with 0 not even a head."""
    response = web.StreamResponse(
        status=written.status, headers={**written.headers, "Content-Length": str(len(written.body))}
    )
    if count:
        await response.prepare(request)
        await response.write(written.body[:count])
    if request.transport is not None:
        request.transport.close()
    return response


async def _trickled(request: web.Request, written: Written, fault: Switched) -> web.StreamResponse:
    response = web.StreamResponse(
        status=written.status, headers={**written.headers, "Content-Length": str(len(written.body))}
    )
    await response.prepare(request)
    for at in range(len(written.body)):
        await response.write(written.body[at : at + 1])
        await asyncio.sleep(fault.pause_s)
    return response
