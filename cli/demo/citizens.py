"""The demo's citizens: signed in with development tokens, they send, follow, rate and withdraw over GraphQL."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import aiohttp

from cli.demo.photos import photo
from cli.demo.samples import Sample
from cli.demo.views import CHANGED, MessageView
from cli.development_key import development_key, issue_token
from cli.endpoint import SUBMIT, Endpoint, Refused, Unreachable, form_errors, open_endpoint
from cli.failure import Failure

TOKEN_LIFE_S = 24 * 3600
KALUGA = (54.5138, 36.2612)
RATE = """
mutation Rate($answer: ID!, $answerRating: Int!, $solutionRating: Int!, $resolution: Resolution!) {
  rateAnswer(answer: $answer, answerRating: $answerRating, solutionRating: $solutionRating, resolution: $resolution) {
    errors { __typename ... on UserError { message code path } }
  }
}
"""
WITHDRAW = """
mutation Withdraw($reference: String!) {
  withdrawMessage(reference: $reference) { errors { __typename ... on UserError { message code path } } }
}
"""


class Citizen:
    """One person, new in every run: what they see are the messages of this run."""

    def __init__(self, name: str, endpoint: Endpoint) -> None:
        self.name = name
        self.endpoint = endpoint

    async def send(self, sample: Sample, seed: int) -> str:
        """Send a sample with its photos; its number."""
        given: dict[str, Any] = {"idempotencyKey": str(uuid4()), "text": sample.text}
        given |= {name: value for name in ("category", "organisation") if (value := getattr(sample, name)) is not None}
        if sample.place is not None:
            given["place"] = _place(sample)
        given["attachments"] = [
            await self._upload(sample, name, seed * 10 + number) for number, name in enumerate(sample.photos)
        ]
        payload = (await self.endpoint.ask_again(SUBMIT, {"input": given}))["submitMessage"]
        _no_errors(payload)
        return str(payload["message"]["reference"])

    async def rate(self, answer: str, sample: Sample) -> None:
        """Give the sample's verdict on an answer."""
        if sample.verdict is not None:
            of_answer, of_solution, resolution = sample.verdict
            variables = {
                "answer": answer,
                "answerRating": of_answer,
                "solutionRating": of_solution,
                "resolution": resolution,
            }
            _no_errors((await self.endpoint.ask_again(RATE, variables))["rateAnswer"])

    async def withdraw(self, reference: str) -> None:
        _no_errors((await self.endpoint.ask_again(WITHDRAW, {"reference": reference}))["withdrawMessage"])

    async def follow(self, references: Iterable[str], tell: Callable[[MessageView], None]) -> None:
        """Tell of every change of the messages, over one WebSocket, until cancelled. A socket that breaks is opened again."""
        references = list(references)
        while True:
            with contextlib.suppress(Unreachable):
                async with self.endpoint.socket() as socket:
                    for reference in references:
                        operation = {"query": CHANGED, "variables": {"reference": reference}}
                        await socket.send_json({"type": "subscribe", "id": reference, "payload": operation})
                    async for frame in socket:
                        if frame.type is aiohttp.WSMsgType.TEXT:
                            _tell(frame.json(), tell)
            await asyncio.sleep(0.5)

    async def _upload(self, sample: Sample, name: str, seed: int) -> str:
        place = sample.place
        latitude, longitude = KALUGA
        if place is not None and place.latitude is not None and place.longitude is not None:
            latitude, longitude = place.latitude, place.longitude
        taken_at = datetime.now(ZoneInfo("Europe/Moscow")) - timedelta(hours=1, minutes=seed)
        content = await asyncio.to_thread(photo, seed, latitude, longitude, taken_at)
        return await self.endpoint.upload(name, content, "image/jpeg")


@contextlib.asynccontextmanager
async def signed_in(
    names: Iterable[str], url: str, key_file: Path, *, at_once: int = 32
) -> AsyncIterator[dict[str, Citizen]]:
    """Citizens of these names. A run never sees the messages of another one."""
    run = uuid4().hex[:8]
    key = development_key(key_file)
    async with contextlib.AsyncExitStack() as stack:
        citizens = {}
        for name in names:
            token = issue_token(key, f"demo-{name}-{run}", TOKEN_LIFE_S)
            endpoint = await stack.enter_async_context(open_endpoint(url, token, at_once=at_once))
            citizens[name] = Citizen(name, endpoint)
        yield citizens


def _place(sample: Sample) -> dict[str, Any]:
    place = sample.place
    given: dict[str, Any] = {}
    if place is None:
        return given
    given |= {name: value for name in ("address", "territory") if (value := getattr(place, name)) is not None}
    if place.latitude is not None:
        source = "PHOTO" if sample.photos else "MAP_PIN"
        given["point"] = {"latitude": place.latitude, "longitude": place.longitude, "accuracy": 15.0, "source": source}
    return given


def _no_errors(payload: dict[str, Any]) -> None:
    for error in form_errors(payload):
        raise Refused(str(error))


def _tell(frame: dict[str, Any], tell: Callable[[MessageView], None]) -> None:
    match frame:
        case {"type": "next", "payload": {"data": {"messageChanged": dict(node)}}}:
            tell(MessageView.read(node))
        case {"type": "error", "payload": [{"message": str(words)}, *_]}:
            raise Failure(f"A message could not be followed: {words}")
        case {"type": "next", "payload": {"errors": [{"message": str(words)}, *_]}}:
            raise Failure(f"A message could not be followed: {words}")
