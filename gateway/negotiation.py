"""Which media type an answer has, by the Accept header of its request."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from gateway.refusals import Code, Refusal

Media: TypeAlias = Literal["application/json", "application/graphql-response+json", "text/event-stream"]


@lru_cache(maxsize=256)
def negotiate(accept: str, *, live: bool = False) -> Media:
    """The type to answer with; `live` is for subscriptions. Without an Accept header it is `application/json`, as older clients expect.

    Clients that can read streams name them beside JSON for every query: one answer goes as a stream only to those who take nothing else as gladly.
    Raises Refusal (406).
    """
    offers: dict[str, float] = {}
    for part in accept[:1000].split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        offers[name] = float(weight) if re.fullmatch(r"[01](\.\d{0,3})?", weight) else 0.0
    wanted = {name for name, weight in offers.items() if name and weight > 0}
    if not accept.strip():
        return "application/json"
    response, plain = "application/graphql-response+json", "application/json"
    single = max(offers.get(name, 0.0) for name in (response, plain, "application/*", "*/*"))
    if "text/event-stream" in wanted and (live or offers["text/event-stream"] > single):
        return "text/event-stream"
    if response in wanted and offers[response] >= offers.get(plain, 0.0):
        return "application/graphql-response+json"
    if wanted & {plain, "application/*", "*/*"}:
        return "application/json"
    raise Refusal(
        406,
        Code.BAD_REQUEST,
        f"Ответить можно как {response}, {plain} или text/event-stream. Назовите один из них в Accept.",
        f"The answer can be {response}, {plain} or text/event-stream. Name one of them in Accept.",
    )
