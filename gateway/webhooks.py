"""Where agencies tell us of changes: the signature is proved, the raw body is on disk, and only then the agency hears
202.

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
        adapter.verify_webhook(dict(request.headers), raw, services.clock())
    except BadSignature as why:
        # The text names headers and clocks, never the body or the secret.
        log.warning("a webhook of %s is refused: %s", code, why)
        raise Refusal(
            401,
            Code.UNAUTHENTICATED,
            f"Подпись не подтверждена: {why}. Подпишите точные байты тела общим секретом.",
            f"The signature is not proved: {why}. Sign the exact bytes of the body with the shared secret.",
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
    return Response(status_code=202)


def _no_webhook() -> Refusal:
    return Refusal(
        404,
        Code.BAD_REQUEST,
        "Для этой организации уведомления не настроены. Проверьте код в адресе и раздел status.webhook её файла.",
        "No webhook is set up for this agency. Check the code in the address and status.webhook in its file.",
    )
