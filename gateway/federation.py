"""The entrance of a federation gateway: `/graphql` for whoever proves with a header to be the gateway of this installation.

Without `OKNO_GATEWAY_SECRET` this module is not in the way and the header means nothing. With it, a request that carries the header
and the right secret meets the federated schema, one with a wrong secret meets 403, and everybody else the public schema.
The secret says which program is asking and nothing about a person: who sees what is decided by the bearer token that the
gateway passes on, as for any other client.
"""

from __future__ import annotations

import dataclasses
import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from gateway.graphql import GraphQLDoor
from gateway.refusals import Code, Refusal, preferred_language
from gateway.settings import Accepted
from gateway.trusted import policy_of
from schema.federation import FederatedSchema, build_federated_schema

HEADER = "x-okno-gateway"


class Entrance:
    """ASGI application: the public door, or the federated one for the gateway."""

    def __init__(self, public: GraphQLDoor, federated: GraphQLDoor, secret: str) -> None:
        self.public = public
        self.federated = federated
        self._secret = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        shown = headers.getlist(HEADER)
        if not shown:
            await self.public(scope, receive, send)
        elif len(shown) == 1 and hmac.compare_digest(shown[0].encode("latin-1"), self._secret):
            await self.federated(scope, receive, send)
        else:
            response = _wrong_secret().response(preferred_language(headers.get("accept-language", "")))
            if scope["type"] == "websocket":
                await WebSocket(scope, receive, send).send_denial_response(response)
            else:
                await response(scope, receive, send)


def with_federation(public: GraphQLDoor) -> ASGIApp:
    """The door that also lets the federation gateway of these settings in; the same door where they name none."""
    settings = public.services.settings
    if settings.gateway_secret is None:
        return public
    # A gateway writes its documents itself, so none of them can be in a table of trusted ones. The limits stay.
    of_gateway = dataclasses.replace(settings, documents=Accepted.ANY, trusted_documents=None, apq=True)
    schema: FederatedSchema = build_federated_schema(policy_of(of_gateway))
    services = dataclasses.replace(public.services, settings=of_gateway)
    federated = GraphQLDoor(schema, services, None, beside=public)
    services.metrics.watch(schema.plans.plan_cache_info, federated.allowance.buckets)
    return Entrance(public, federated, settings.gateway_secret)


def _wrong_secret() -> Refusal:
    return Refusal(
        403,
        Code.FORBIDDEN,
        f"Заголовок {HEADER} не подходит. В нём шлюз федерации передаёт значение OKNO_GATEWAY_SECRET; остальным он не нужен.",
        f"The header {HEADER} does not fit. In it the federation gateway sends the value of OKNO_GATEWAY_SECRET; nobody else needs it.",
    )
