"""The housing inspection put together: routes, doors, faults and the webhook's sender around one ledger."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.fakes.faults import FaultMiddleware, Faults, fault_routes
from tests.fakes.housing_inspection.api import SHAPE, Api
from tests.fakes.housing_inspection.desk import Desk
from tests.fakes.housing_inspection.ledger import Ledger
from tests.fakes.housing_inspection.replies import Refusal
from tests.fakes.housing_inspection.webhooks import WebhookSender
from tests.fakes.serving import OperatorDoor

_DESCRIPTION = Path(__file__).resolve().parents[3] / "config" / "agencies" / "housing-inspection" / "openapi.yaml"


@dataclass(frozen=True)
class Settings:
    """What the process is told from outside."""

    client_id: str
    client_secret: str
    webhook_secret: str
    token_lifetime_s: int

    @classmethod
    def read(cls, environment: Mapping[str, str], token_lifetime_s: int) -> Self:
        """From environment variables; the defaults are those of the demo."""
        return cls(
            environment.get("HOUSING_CLIENT_ID", "okno"),
            environment.get("HOUSING_CLIENT_SECRET", "housing-secret"),
            environment.get("HOUSING_WEBHOOK_SECRET", "webhook-secret"),
            token_lifetime_s,
        )


def build(folder: Path, settings: Settings, webhook_url: str | None = None) -> ASGIApp:
    """The whole application over the database in `folder`; `webhook_url` replaces the remembered one."""
    ledger = Ledger(folder)
    if webhook_url is not None:
        ledger.set_webhook(webhook_url, settings.webhook_secret)
    faults = Faults()
    api = Api(ledger, faults, settings.client_id, settings.client_secret, settings.token_lifetime_s)
    desk = Desk(ledger, settings.webhook_secret)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        sender = asyncio.create_task(WebhookSender(ledger).run())
        yield
        sender.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sender
        ledger.close()

    app = Starlette(
        routes=[
            *api.routes(),
            *desk.routes(),
            *fault_routes(faults),
            Route("/api/v1/openapi.yaml", _description, methods=["GET"]),
        ],
        exception_handlers={Refusal: _refused, HTTPException: _http_error},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return FaultMiddleware(OperatorDoor(app), faults, SHAPE)


async def _description(_: Request) -> Response:
    return FileResponse(_DESCRIPTION, media_type="application/yaml")


async def _refused(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return refusal.reply()


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    reply = Refusal(error.status_code, code, error.detail).reply()
    reply.headers.update(error.headers or {})
    return reply
