"""The clerks of the two sample agencies, over the agencies' own operator's side: what they hold, and moving and answering cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from cli.failure import Failure

ROADS = "city-roads"
HOUSING = "housing-inspection"

MOVES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    ROADS: {"begin": ("2",), "ask": ("3",), "resume": ("2",), "plan": (), "decline": ("9",)},
    HOUSING: {
        "begin": ("accepted", "in_work"),
        "ask": ("need_info",),
        "resume": ("in_work",),
        "plan": ("planned",),
        "decline": ("rejected",),
    },
}
"""What a clerk does, in the states of each agency. The roads know no planning."""

ANSWERED = {ROADS: "4", HOUSING: "done"}
DECLINED = {ROADS: "9", HOUSING: "rejected"}
WITHDRAWN = {ROADS: "7", HOUSING: "withdrawn"}

_TIMEOUT_S = 120.0


class ClerkFailed(Failure):
    """The agency's operator's side says no, or does not answer."""


@dataclass(frozen=True, slots=True)
class HeldCase:
    """A case as the agency really holds it."""

    case_id: str
    external_id: str
    """Our reference."""
    state: str
    files: int


class Operator:
    """A clerk of one agency."""

    def __init__(self, code: str, origin: str, user: str, password: str) -> None:
        self.code = code
        self.origin = origin
        self._headers = {"Authorization": aiohttp.encode_basic_auth(user, password)}

    async def cases(self) -> list[HeldCase]:
        """Every case there is."""
        found: list[HeldCase] = []
        after: str | None = None
        while True:
            page = await self._call("GET", "cases", params={"limit": "500", **({"after": after} if after else {})})
            found += [HeldCase(one["id"], one["external_id"], one["state"], len(one["files"])) for one in page["items"]]
            after = page["next_after"]
            if after is None:
                return found

    async def take_step(self, case_id: str, step: str, words: str) -> None:
        """`begin`, `ask`, `resume`, `plan`, `decline` or `answer`."""
        if step == "answer":
            await self._call("POST", f"cases/{case_id}/answer", {"text": words})
            return
        for state in MOVES[self.code][step]:
            await self._call("POST", f"cases/{case_id}/move", {"state": state, "remark": words})

    async def answer_all(self, words: str) -> int:
        """Answer every open case; how many there were."""
        return int((await self._call("POST", "answer-all", {"text": words}))["count"])

    async def tell_changes_to(self, url: str, secret: str) -> None:
        """Have every change posted to a webhook of the hub."""
        await self._call("PUT", "webhook", {"url": url, "secret": secret})

    async def _call(self, method: str, path: str, body: object = None, params: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(headers=self._headers, timeout=timeout) as session,
                session.request(method, f"{self.origin}/operator/{path}", json=body, params=params) as reply,
            ):
                if reply.status >= 400:
                    raise ClerkFailed(f"{self.code} refuses its own clerk ({path}): {(await reply.text())[:300]}")
                return await reply.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ClerkFailed(f"{self.code} does not answer its own clerk: {error or type(error).__name__}") from None
