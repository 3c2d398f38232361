"""How a sample agency becomes a process, and how tests and the demo start, kill and question that process.

An agency's `__main__` calls `arguments` and `serve`. A caller holds an `AgencyProcess`: it waits for the ready line,
knows the address, can kill -9 and restart on the same folder and port, and carries the operator's client.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

import aiohttp
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.fakes.faults import HANG_UP

_ROOT = Path(__file__).resolve().parents[2]
_READY_WITHIN_S = 120.0
_STOP_WITHIN_S = 10.0


# --- the agency's side -----------------------------------------------------------------------------------------------


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with `--folder` and `--port`; the agency adds its own arguments and calls `parse_args`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--folder", type=Path, required=True, help="where the agency keeps its database")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    return parser


def serve(app: ASGIApp, port: int, path: str = "", note: Mapping[str, Any] | None = None) -> None:
    """Serve until SIGTERM or SIGINT. Prints one ready line on stdout; `path` ends the address in it, `note` joins it."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    # The protocol is named because asyncio sets TCP_NODELAY only then; without it a reply waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    port = listener.getsockname()[1]
    ready = {"ready": True, "port": port, "address": f"http://127.0.0.1:{port}{path}", **(note or {})}
    config = uvicorn.Config(
        app,
        http=_ClosableProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    asyncio.run(_AnnouncingServer(config, ready).serve(sockets=[listener]))


class OperatorDoor:
    """ASGI middleware: everything under `/operator` wants HTTP Basic OPERATOR_USER / OPERATOR_PASSWORD."""

    def __init__(self, app: ASGIApp) -> None:
        """Read the credentials from the environment once."""
        self._app = app
        user, password = operator_credentials(os.environ)
        self._wanted = b"Basic " + base64.b64encode(f"{user}:{password}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI call."""
        if scope["type"] != "http" or not scope["path"].startswith("/operator"):
            await self._app(scope, receive, send)
            return
        shown = dict(scope["headers"]).get(b"authorization", b"")
        if secrets.compare_digest(shown, self._wanted):
            await self._app(scope, receive, send)
            return
        headers = [(b"www-authenticate", b'Basic realm="operator", charset="UTF-8"'), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def operator_credentials(environment: Mapping[str, str]) -> tuple[str, str]:
    """User and password of the operator's side."""
    return environment.get("OPERATOR_USER", "operator"), environment.get("OPERATOR_PASSWORD", "operator")


class _ClosableProtocol(H11Protocol):
    """HTTP/1.1 whose application may close the connection without a reply: `scope["extensions"][HANG_UP]()`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner: Any = self.app

        async def with_hang_up(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[HANG_UP] = self.transport.close
            await inner(scope, receive, send)

        self.app = with_hang_up


class _AnnouncingServer(uvicorn.Server):
    """Prints the ready line once it listens, and ends with exit code 0 on SIGTERM and SIGINT."""

    def __init__(self, config: uvicorn.Config, ready: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(json.dumps(self._ready) + "\n")
            sys.stdout.flush()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


# --- the caller's side -----------------------------------------------------------------------------------------------


class AgencyDidNotStart(RuntimeError):
    """The process ended or stayed silent before its ready line; the message carries the end of its log."""


class OperatorRefused(RuntimeError):
    """The operator's side answered with an error: `status` and the agency's own words."""

    def __init__(self, status: int, words: str) -> None:
        """Keep the status beside the words."""
        super().__init__(f"{status}: {words}")
        self.status = status


class Operator:
    """The operator's client of one agency. Every call raises OperatorRefused when the agency says no.

    Both agencies keep the same shapes: `GET /operator/cases` gives `{"items": [case, …], "next_after": id or null}` and a
    case has `id, external_id, state, kind, title, text, place {lat, lon, address, territory}, received_at, changed_at,
    files [{name, sha256, size_bytes}], moves [state, …]` (`moves`: where the operator may move it now);
    `GET /operator/counts` gives `{cases, distinct_external_ids, files, changes}`; `POST /operator/answer-all` `{count}`.
    """

    def __init__(self, origin: str, environment: Mapping[str, str]) -> None:
        """`origin` is `http://127.0.0.1:N`."""
        self._origin = origin
        self._headers = {"Authorization": aiohttp.encode_basic_auth(*operator_credentials(environment))}

    async def cases(self, external_id: str | None = None) -> list[dict[str, Any]]:
        """What the agency really holds: every case, or those with this external id, in the order they were made."""
        found: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            wish = {"external_id": external_id, "after": after, "limit": "500"}
            page = await self.call("GET", "cases", params={k: v for k, v in wish.items() if v is not None})
            found += page["items"]
            after = page["next_after"]
            if after is None:
                return found

    async def counts(self) -> dict[str, int]:
        """`cases`, `distinct_external_ids`, `files`, `changes`."""
        counts: dict[str, int] = await self.call("GET", "counts")
        return counts

    async def move(self, case_id: str, state: str, remark: str = "") -> None:
        """Move a case to a state of the agency's own."""
        await self.call("POST", f"cases/{case_id}/move", {"state": state, "remark": remark})

    async def answer(
        self, case_id: str, text: str, decision: str | None = None, responsible: str | None = None
    ) -> None:
        """Answer the citizen and close the case."""
        wish = {"text": text, "decision": decision, "responsible": responsible}
        await self.call("POST", f"cases/{case_id}/answer", {k: v for k, v in wish.items() if v is not None})

    async def answer_all(self, text: str) -> int:
        """Answer every open case; returns how many there were."""
        return int((await self.call("POST", "answer-all", {"text": text}))["count"])

    async def faults(
        self, kind: str, times: int = 1, operation: str | None = None, seconds: float | None = None
    ) -> None:
        """Switch a fault on (kinds: `tests.fakes.faults`)."""
        wish = {"kind": kind, "times": times, "operation": operation, "seconds": seconds}
        await self.call("POST", "faults", {k: v for k, v in wish.items() if v is not None})

    async def clear_faults(self) -> None:
        """Switch every fault off."""
        await self.call("DELETE", "faults")

    async def call(self, method: str, path: str, body: object = None, params: Mapping[str, str] | None = None) -> Any:
        """One call under `/operator/`; the JSON of the reply, or None where there is no body."""
        timeout = aiohttp.ClientTimeout(total=60)
        async with (
            aiohttp.ClientSession(headers=self._headers, timeout=timeout) as session,
            session.request(method, f"{self._origin}/operator/{path}", json=body, params=params) as reply,
        ):
            text = await reply.text()
            if reply.status >= 400:
                raise OperatorRefused(reply.status, text)
            return json.loads(text) if text else None


class AgencyProcess:
    """One sample agency as a child process: `AgencyProcess("tests.fakes.city_roads")`, then `await start(folder)`."""

    def __init__(self, module: str) -> None:
        """`module` is what `python -m` runs."""
        self.module = module
        self.ready: dict[str, Any] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._folder = Path()
        self._arguments: list[str] = []
        self._environment: dict[str, str] = {}

    async def start(
        self,
        folder: Path,
        port: int = 0,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start and wait for the ready line. `environment` is added to ours. Raises AgencyDidNotStart."""
        self._folder, self._arguments = folder, list(arguments)
        self._environment = {**os.environ, **(environment or {})}
        await self._launch(port)
        return self

    async def restart(self) -> None:
        """Start again, after kill or stop, on the same folder and port with the same arguments."""
        if self._process is not None:
            raise RuntimeError(f"{self.module} is still running; kill() or stop() it first")
        await self._launch(self.port)

    async def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to stop (SIGTERM), kill it after 10 s; returns the exit code. Does nothing when it is not running."""
        return await self._end(signal.SIGTERM)

    @property
    def running(self) -> bool:
        """True from the ready line until the process ends."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process's id; an error when it is not running."""
        if self._process is None:
            raise RuntimeError(f"{self.module} is not running")
        return self._process.pid

    @property
    def port(self) -> int:
        """The port it listens, or last listened, on."""
        return int(self.ready["port"])

    @property
    def address(self) -> str:
        """Where its machine interface is, as its ready line says."""
        return str(self.ready["address"])

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:N`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """The file its stderr is added to."""
        return self._folder / "stderr.log"

    @property
    def operator(self) -> Operator:
        """A client of its operator's side."""
        return Operator(self.origin, self._environment)

    async def _launch(self, port: int) -> None:
        command = [sys.executable, "-m", self.module, "--folder", str(self._folder), "--port", str(port)]
        with self._open_log() as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                *self._arguments,
                cwd=_ROOT,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            await self.kill()
            raise AgencyDidNotStart(f"{self.module} printed no ready line; the end of its log:\n{self._end_of_log()}")
        self.ready = json.loads(line)

    def _open_log(self) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self.log.open("ab")

    def _end_of_log(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    async def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            async with asyncio.timeout(_STOP_WITHIN_S):
                await process.communicate()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()
        return process.returncode or 0
