"""The operator's side of the road agency: see what is held, move cases on, answer them.

The clerks' rules are `case_rules.MOVES`; whatever they do not allow is refused with 409 and a sentence.
"""

import json
import re
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests.fakes.city_roads.case_rules import ANSWERED, CLOSED, WANT_A_REMARK, named, refusal_of_move
from tests.fakes.city_roads.ledger import CannotBeStored, Ledger, to_column

_PAGE = Path(__file__).with_name("desk.html").read_text(encoding="utf-8")
_LARGEST_PAGE = 500
_LONGEST_TEXT = 4000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Refusal(Exception):
    """An answer to the operator that says no."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Keep the parts of the reply."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


async def refused(_: Request, refusal: Exception) -> Response:
    """The JSON of a Refusal."""
    assert isinstance(refusal, Refusal)
    return JSONResponse({"error": {"code": refusal.code, "message": refusal.message}}, refusal.status)


class Desk:
    """The endpoints; `routes()` puts them where they belong."""

    def __init__(self, ledger: Ledger) -> None:
        """Keep the ledger."""
        self._ledger = ledger

    def routes(self) -> list[Route]:
        """Every operator's route but the faults."""
        return [
            Route("/operator", self.page, methods=["GET"]),
            Route("/operator/", self.page, methods=["GET"]),
            Route("/operator/cases", self.cases, methods=["GET"]),
            Route("/operator/counts", self.counts, methods=["GET"]),
            Route("/operator/cases/{number}/move", self.move, methods=["POST"]),
            Route("/operator/cases/{number}/answer", self.answer, methods=["POST"]),
            Route("/operator/answer-all", self.answer_all, methods=["POST"]),
        ]

    async def page(self, _: Request) -> Response:
        """The page for people."""
        return HTMLResponse(_PAGE)

    async def cases(self, request: Request) -> Response:
        """What is really held, a page at a time."""
        query = request.query_params
        limit = query.get("limit", "100")
        if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= _LARGEST_PAGE:
            raise _invalid("limit", f"must be a number from 1 to {_LARGEST_PAGE}")
        found = self._ledger.cases(query.get("external_id"), query.get("after"), int(limit) + 1)
        shown = found[: int(limit)]
        return JSONResponse({"items": shown, "next_after": shown[-1]["id"] if len(found) > len(shown) else None})

    async def counts(self, _: Request) -> Response:
        """How much is held."""
        return JSONResponse(self._ledger.counts())

    async def move(self, request: Request) -> Response:
        """Move a case on, as far as the table allows."""
        wish = await _wish(request, "state", "remark")
        wanted, remark = _text(wish, "state", required=True), _text(wish, "remark")
        number, state = self._case(request)
        refusal = refusal_of_move(state, wanted)
        if refusal is not None:
            raise Refusal(409, "move_refused", refusal)
        if wanted in WANT_A_REMARK and not remark:
            raise _invalid("remark", f"say why or what is asked when a case becomes {named(wanted)}")
        self._ledger.change([number], wanted, _column(remark, "remark"))
        return JSONResponse({"id": number, "state": wanted})

    async def answer(self, request: Request) -> Response:
        """Answer an open case."""
        answer, remark = await _answer_and_remark(request)
        number, state = self._case(request)
        if state in CLOSED:
            raise Refusal(409, "move_refused", f"The case is {named(state)}; it is closed and cannot be answered.")
        self._ledger.change([number], ANSWERED, remark, answer)
        return JSONResponse({"id": number, "state": ANSWERED})

    async def answer_all(self, request: Request) -> Response:
        """Answer every open case with the same words."""
        answer, remark = await _answer_and_remark(request)
        open_cases = self._ledger.open_cases()
        self._ledger.change(open_cases, ANSWERED, remark, answer)
        return JSONResponse({"count": len(open_cases)})

    def _case(self, request: Request) -> tuple[str, str]:
        number: str = request.path_params["number"]
        state = self._ledger.state_of(number)
        if state is None:
            raise Refusal(404, "not_found", "id: there is no such case.")
        return number, state


async def _wish(request: Request, *fields: str) -> dict[str, Any]:
    try:
        wish = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise _invalid("body", "must be JSON") from None
    if not isinstance(wish, dict):
        raise _invalid("body", "must be a JSON object")
    for field in wish:
        if field not in fields:
            raise _invalid(field, f"is not known here; known are {', '.join(fields)}")
    return wish


async def _answer_and_remark(request: Request) -> tuple[bytes | None, bytes | None]:
    """The answer's text, and decision and responsible person as the one remark this system has room for."""
    wish = await _wish(request, "text", "decision", "responsible")
    text = _text(wish, "text", required=True)
    remark = "; ".join(part for part in (_text(wish, "decision"), _text(wish, "responsible")) if part)
    return _column(text, "text"), _column(remark, "decision or responsible")


def _text(wish: dict[str, Any], field: str, *, required: bool = False) -> str:
    text = wish.get(field, "")
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT or _CONTROL.search(text):
        raise _invalid(field, f"must be a text of at most {_LONGEST_TEXT} characters, without control characters")
    if required and not text.strip():
        raise _invalid(field, "must not be empty")
    return text.strip()


def _column(text: str, field: str) -> bytes | None:
    try:
        return to_column(text, field) if text else None
    except CannotBeStored:
        raise _invalid(field, "has a character that is not in windows-1251, e.g. an emoji; leave it out") from None


def _invalid(field: str, problem: str) -> Refusal:
    return Refusal(422, "invalid", f"{field}: {problem}.")
