"""The road agency put together: routes, doors and faults around one ledger."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.types import ASGIApp

from tests.fakes.city_roads.desk import Desk, Refusal, refused
from tests.fakes.city_roads.ledger import Ledger
from tests.fakes.city_roads.security import Account
from tests.fakes.city_roads.service import SHAPE, Service
from tests.fakes.faults import FaultMiddleware, Faults, fault_routes
from tests.fakes.serving import OperatorDoor


def build(folder: Path, account: Account) -> ASGIApp:
    """The whole application over the database in `folder`."""
    ledger = Ledger(folder)
    faults = Faults()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        ledger.close()

    app = Starlette(
        routes=[*Service(ledger, faults, account).routes(), *Desk(ledger).routes(), *fault_routes(faults)],
        exception_handlers={Refusal: refused},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return FaultMiddleware(OperatorDoor(app), faults, SHAPE)
