"""`GET /metrics`: the numbers of every process of this gateway, in Prometheus's text, whichever process is asked.

Each process answers its siblings at a socket in their common private folder; the one that is scraped asks them all and puts the label `process`
beside every number. A process that is gone is simply missing, and a new one under the same number begins at zero, as Prometheus expects.

Who may ask: this machine, or whoever shows `OKNO_METRICS_TOKEN`. A request that came through a proxy is not from this machine, whatever its address.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from gateway.refusals import Code, Refusal
from gateway.services import Services

_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_SIBLING_S: Final = 2.0


class Siblings:
    """The processes of one gateway. `folder` is theirs alone; None when there is one process."""

    def __init__(self, number: int, folder: Path | None) -> None:
        self.number = number
        self._folder = folder

    @contextlib.asynccontextmanager
    async def told(self, text: Callable[[], str]) -> AsyncIterator[None]:
        """While the block lasts, siblings may ask for our text."""
        if self._folder is None:
            yield
            return

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                writer.write(text().encode())
                await writer.drain()
            writer.close()

        path = self._folder / f"{self.number}.socket"
        path.unlink(missing_ok=True)  # left by a process that was killed
        server = await asyncio.start_unix_server(answer, path)
        try:
            yield
        finally:
            server.close()
            path.unlink(missing_ok=True)

    async def texts(self, own: str) -> dict[int, str]:
        """The text of every process that answers, ours included."""
        found = {self.number: own}
        if self._folder is not None:
            others = [path for path in self._folder.glob("*.socket") if path.stem != str(self.number)]
            answers = await asyncio.gather(*(_ask(path) for path in others))
            found |= {int(path.stem): text for path, text in zip(others, answers, strict=True) if text is not None}
        return dict(sorted(found.items()))


async def metrics(request: Request) -> Response:
    """The route. Raises Refusal."""
    services: Services = request.app.state.services
    _admit(request, services.settings.metrics_token)
    siblings: Siblings = request.app.state.siblings
    texts = await siblings.texts(services.metrics.text())
    headers = {"cache-control": "no-store", "content-type": _CONTENT_TYPE}
    return Response(merged(texts), headers=headers)


def merged(texts: dict[int, str]) -> str:
    """One text of several: each family once, each number with the label of its process."""
    families: dict[str, list[str]] = {}
    for process, text in texts.items():
        family = ""
        for line in text.splitlines():
            if line.startswith("# HELP "):
                family = line
                families.setdefault(family, [])
            elif line.startswith("# TYPE "):
                if not families[family]:
                    families[family].append(line)
            elif line:
                families[family].append(_labelled(line, process))
    return "".join(f"{line}\n" for line in _lines(families))


def _lines(families: dict[str, list[str]]) -> Iterable[str]:
    for help_line, lines in families.items():
        yield help_line
        yield from lines


def _labelled(line: str, process: int) -> str:
    name, brace, rest = line.partition("{")
    if brace:
        return f'{name}{{process="{process}",{rest}'
    name, _, value = line.partition(" ")
    return f'{name}{{process="{process}"}} {value}'


async def _ask(path: Path) -> str | None:
    try:
        async with asyncio.timeout(_SIBLING_S):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                return (await reader.read()).decode()
            finally:
                writer.close()
    except (OSError, UnicodeDecodeError):
        return None


def _admit(request: Request, token: str | None) -> None:
    if token is not None:
        kind, _, shown = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and secrets.compare_digest(shown.strip().encode(), token.encode()):
            return
        raise Refusal(
            401,
            Code.UNAUTHENTICATED,
            "Показатели отдаются по токену OKNO_METRICS_TOKEN: Authorization: Bearer …",
            "Metrics need the token of OKNO_METRICS_TOKEN: Authorization: Bearer …",
            {"www-authenticate": "Bearer"},
        )
    if any(name in request.headers for name in _FORWARDED) or not _is_here(request):
        raise Refusal(
            403,
            Code.FORBIDDEN,
            "Показатели отдаются только этой машине. Чтобы читать их отсюда, задайте OKNO_METRICS_TOKEN.",
            "Metrics are for this machine only. To read them from here, set OKNO_METRICS_TOKEN.",
        )


def _is_here(request: Request) -> bool:
    if request.client is None:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
