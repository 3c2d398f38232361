"""Lists whose messages are rendered, for tests of renderings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from domain.viewer import Viewer
from schema.extensions.known_documents import digest_of
from schema.plan.operation import Plans
from store.renderings import RenderedShapes, render_some
from store.tables import RenderingRow
from tests.api.hub import Hub

PLACE = {"point": {"latitude": 54.5136, "longitude": 36.2614}}
MINE = """
query Mine($first: Int! = 20) {
  viewer { messages(first: $first) { nodes {
    reference status text category { code name } organisation { code name(language: EN) }
    history(last: 2) { kind toStatus at note } answers { text verdict { answerRating comment } } attachments { fileName }
  } } }
}
"""
OF_A_BODY = """
query OfABody($code: String!) { organisation(code: $code) { messages(first: 50) { edges { cursor node { reference status } } } } }
"""


class Lists:
    """Runs documents whose lists are rendered, and renders them."""

    def __init__(self, hub: Hub, plans: Plans) -> None:
        self.hub = hub
        self.plans = plans
        self.shapes = RenderedShapes()
        plans.rendered = self.shapes
        plans.is_trusted = lambda digest: digest in {digest_of(MINE), digest_of(OF_A_BODY)}

    async def ask(self, document: str, viewer: Viewer, **variables: Any) -> Any:
        result = await self.hub.run(document, variables, viewer=viewer)
        assert result.errors is None, result.errors
        return result.data

    async def ask_anew(self, document: str, viewer: Viewer, **variables: Any) -> Any:
        """The same answer, without renderings."""
        self.plans.rendered = None
        try:
            return await self.ask(document, viewer, **variables)
        finally:
            self.plans.rendered = self.shapes

    async def settle(self) -> None:
        """Learn which shapes are kept, and render everything."""
        await self.shapes.refresh(self.hub.database)
        while await self.render():
            pass

    async def render(self) -> int:
        async with self.hub.database.unit() as unit:
            return await render_some(unit)

    async def count(self) -> int:
        async with self.hub.database.unit() as unit:
            return int((await unit.execute(select(func.count()).select_from(RenderingRow))).scalar_one())

    async def are_three(self) -> bool:
        return await self.count() == 3

    async def change(self, statement: Any) -> None:
        async with self.hub.database.unit() as unit:
            await unit.execute(statement)
