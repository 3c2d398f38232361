"""Where agencies tell us of changes: the sender is proved, the raw body is on disk, and only then the agency hears what
its file says it wants to hear (202 unless told).

Nothing is read here: a body that cannot be understood today is still there tomorrow. The same body twice is stored
twice and applied once (P8).
"""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response

from adapters.adapter import BadSignature, NotSupported
from agencies.registry import UnknownAgency, UnsetVariable
from gateway.bodies import read_body
from gateway.callers import address_of
from gateway.refusals import Code, Refusal
from gateway.services import Services
from store.inbox import keep_webhook

log = logging.getLogger(__name__)


async def receive_events(request: Request) -> Response:
    """`POST /agencies/{code}/events`."""
    services: Services = request.app.state.services
    code: str = request.path_params["code"]
    try:
        adapter = services.registry.adapter(code)
        if adapter.plan.webhook is None:
            raise _no_webhook()
    except UnknownAgency:
        raise _no_webhook() from None
    raw = await read_body(request, services.settings.limits.webhook_bytes)
    try:
        address = address_of(request, services.settings.trusted_proxies)
        adapter.verify_webhook(dict(request.headers), raw, services.clock(), address)
    except BadSignature as why:
        # The text names headers and clocks, never the body or the secret.
        log.warning("a webhook of %s is refused: %s", code, why)
        raise Refusal(
            401,
            Code.UNAUTHENTICATED,
            f"Отправитель не подтверждён: {why}. Подпишите точные байты тела общим секретом или покажите то, о чём договорились.",
            f"The sender is not proved: {why}. Sign the exact bytes of the body with the shared secret, or show what was agreed.",
        ) from None
    except NotSupported:
        raise _no_webhook() from None
    except UnsetVariable as unset:
        log.error("webhooks of %s cannot be verified: %s", code, unset)
        raise Refusal(
            503,
            Code.UNAVAILABLE,
            "Сейчас мы не можем проверить подпись. Повторите позже.",
            "The signature cannot be checked now. Try again later.",
            {"retry-after": "300"},
        ) from None
    async with services.database.unit() as unit:
        await keep_webhook(unit, code, raw)
    wanted = adapter.webhook_reply
    body = wanted.body.encode() if wanted.status != 204 else b""
    return Response(body, wanted.status, media_type=wanted.media_type if body else None)


def _no_webhook() -> Refusal:
    return Refusal(
        404,
        Code.BAD_REQUEST,
        "Для этой организации уведомления не настроены. Проверьте код в адресе и раздел status.webhook её файла.",
        "No webhook is set up for this agency. Check the code in the address and status.webhook in its file.",
    )
