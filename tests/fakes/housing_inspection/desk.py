"""The operator's side of the housing inspection: see what is held, move cases on, answer them, set the webhook.

The clerks' rules are `case_rules.MOVES`; whatever they do not allow is refused with 409 and a sentence.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests.fakes.housing_inspection.case_rules import CLOSED, WANT_A_REMARK, refusal_of_move
from tests.fakes.housing_inspection.incoming import CaseAnswer, Move, WebhookTarget
from tests.fakes.housing_inspection.ledger import Ledger
from tests.fakes.housing_inspection.replies import Refusal, invalid, read_json

_PAGE = Path(__file__).with_name("desk.html").read_text(encoding="utf-8")
_LARGEST_PAGE = 500


class Desk:
    """The endpoints; `routes()` puts them where they belong."""

    def __init__(self, ledger: Ledger, webhook_secret: str) -> None:
        """`webhook_secret` signs for webhooks that are set without a secret of their own."""
        self._ledger = ledger
        self._webhook_secret = webhook_secret

    def routes(self) -> list[Route]:
        """Every operator's route but the faults."""
        return [
            Route("/operator", self.page, methods=["GET"]),
            Route("/operator/", self.page, methods=["GET"]),
            Route("/operator/cases", self.cases, methods=["GET"]),
            Route("/operator/counts", self.counts, methods=["GET"]),
            Route("/operator/cases/{id}/move", self.move, methods=["POST"]),
            Route("/operator/cases/{id}/answer", self.answer, methods=["POST"]),
            Route("/operator/answer-all", self.answer_all, methods=["POST"]),
            Route("/operator/webhook", self.set_webhook, methods=["PUT"]),
            Route("/operator/webhook", self.drop_webhook, methods=["DELETE"]),
        ]

    async def page(self, _: Request) -> Response:
        """The page for people."""
        return HTMLResponse(_PAGE)

    async def cases(self, request: Request) -> Response:
        """What is really held, a page at a time."""
        query = request.query_params
        limit = query.get("limit", "100")
        if not limit.isdecimal() or not 1 <= int(limit) <= _LARGEST_PAGE:
            raise invalid([{"field": "limit", "problem": f"must be a number from 1 to {_LARGEST_PAGE}"}])
        found = self._ledger.cases(query.get("external_id"), query.get("after"), int(limit) + 1)
        shown = found[: int(limit)]
        return JSONResponse({"items": shown, "next_after": shown[-1]["id"] if len(found) > len(shown) else None})

    async def counts(self, _: Request) -> Response:
        """How much is held."""
        return JSONResponse(self._ledger.counts())

    async def move(self, request: Request) -> Response:
        """Move a case on, as far as the table allows."""
        wish = await read_json(request, Move)
        case_id, state = self._case(request)
        refusal = refusal_of_move(state, wish.state)
        if refusal is not None:
            raise Refusal(409, "move_refused", refusal)
        if wish.state in WANT_A_REMARK and not wish.remark.strip():
            raise invalid([{"field": "remark", "problem": f"say why or what is asked when a case is {wish.state}"}])
        self._ledger.change([case_id], wish.state, wish.remark or None)
        return JSONResponse({"id": case_id, "state": wish.state})

    async def answer(self, request: Request) -> Response:
        """Answer an open case; it becomes done."""
        wish = await read_json(request, CaseAnswer)
        case_id, state = self._case(request)
        if state in CLOSED:
            raise Refusal(409, "move_refused", f"The case is {state}; it is closed and cannot be answered.")
        self._answer([case_id], wish)
        return JSONResponse({"id": case_id, "state": "done"})

    async def answer_all(self, request: Request) -> Response:
        """Answer every open case with the same words."""
        wish = await read_json(request, CaseAnswer)
        open_cases = self._ledger.open_cases()
        self._answer(open_cases, wish)
        return JSONResponse({"count": len(open_cases)})

    async def set_webhook(self, request: Request) -> Response:
        """Send changes from now on to a URL."""
        wish = await read_json(request, WebhookTarget)
        self._ledger.set_webhook(wish.url, wish.secret or self._webhook_secret)
        return JSONResponse({"url": wish.url})

    async def drop_webhook(self, _: Request) -> Response:
        """Send changes nowhere."""
        self._ledger.drop_webhook()
        return Response(status_code=204)

    def _case(self, request: Request) -> tuple[str, str]:
        case_id: str = request.path_params["id"]
        state = self._ledger.state_of(case_id)
        if state is None:
            raise Refusal(404, "not_found", "id: there is no such case.")
        return case_id, state

    def _answer(self, case_ids: list[str], wish: CaseAnswer) -> None:
        answer = {"text": wish.text, "decision": wish.decision, "responsible": wish.responsible, "files": []}
        self._ledger.change(case_ids, "done", None, answer)
