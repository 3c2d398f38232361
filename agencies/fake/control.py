"""The knobs of a stand-in over HTTP: cases are moved, faults switched on and off, the webhook pointed somewhere. Apart from the system itself."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from agencies.fake.fake import Fake
from agencies.fake.faults import KINDS, NoSuchFault
from agencies.fake.ledger import Answer
from agencies.fake.wires import CannotFake
from domain.status import Status


def control_app(fake: Fake) -> web.Application:
    """The application of the control port."""
    knobs = _Knobs(fake)
    app = web.Application()
    app.router.add_get("/", knobs.what_there_is)
    app.router.add_get("/cases", knobs.cases)
    app.router.add_post("/cases/{case_id}/move", knobs.move)
    app.router.add_get("/faults", knobs.listed)
    app.router.add_post("/faults", knobs.switch_on)
    app.router.add_delete("/faults", knobs.switch_off)
    app.router.add_post("/webhook", knobs.webhook)
    return app


class _Knobs:
    """One method for each path."""

    def __init__(self, fake: Fake) -> None:
        self._fake = fake
        self._faults = fake.system.faults

    async def what_there_is(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"address": self._fake.address, "steps": self._fake.system.steps, "faults": dict(KINDS)}
        )

    async def cases(self, _: web.Request) -> web.Response:
        ledger = self._fake.system.ledger
        return web.json_response({"cases": ledger.shown(ledger.cases.values()), "calls": self._fake.calls})

    async def move(self, request: web.Request) -> web.Response:
        wish = await _wish(request)
        case_id = request.match_info["case_id"]
        try:
            told = await self._fake.move(
                case_id,
                _status(wish.get("status")),
                note=wish.get("note"),
                note_is_public=bool(wish.get("public", False)),
                answer=Answer(str(wish["answer"])) if "answer" in wish else None,
            )
        except KeyError:
            return _problem(404, f"there is no case {case_id}")
        except (ValueError, CannotFake) as problem:
            return _problem(422, str(problem))
        return web.json_response({"webhook": told})

    async def listed(self, _: web.Request) -> web.Response:
        on = [
            {"name": one.name, "times": one.times, "step": one.step, "seconds": one.seconds}
            for one in self._faults.listed()
        ]
        return web.json_response({"faults": on})

    async def switch_on(self, request: web.Request) -> web.Response:
        wish = await _wish(request)
        times, seconds = wish.get("times"), wish.get("seconds")
        try:
            self._faults.switch_on(
                str(wish.get("name")),
                times=None if times is None else int(times),
                step=wish.get("step"),
                seconds=None if seconds is None else float(seconds),
            )
        except (NoSuchFault, TypeError, ValueError) as problem:
            return _problem(422, str(problem))
        return await self.listed(request)

    async def switch_off(self, _: web.Request) -> web.Response:
        self._faults.switch_off()
        return web.Response(status=204)

    async def webhook(self, request: web.Request) -> web.Response:
        url = (await _wish(request)).get("url")
        if not isinstance(url, str):
            return _problem(422, "url: say where changes are to be posted")
        try:
            self._fake.hooks.point_at(url)
        except CannotFake as problem:
            return _problem(422, str(problem))
        return web.Response(status=204)


async def _wish(request: web.Request) -> dict[str, Any]:
    try:
        wish = await request.json()
    except ValueError:
        wish = None
    return wish if isinstance(wish, dict) else {}


def _status(word: object) -> Status | None:
    """One of our states by its name in any case; `unheard` is a state nobody knows. Raises ValueError."""
    if word == "unheard":
        return None
    try:
        return Status(str(word).upper())
    except ValueError:
        raise ValueError(f"status: one of {', '.join(one.value.lower() for one in Status)}, or `unheard`") from None


def _problem(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)
