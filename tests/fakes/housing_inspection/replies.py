"""How the housing inspection words its replies: `{"error": {"code", "message", "fields"}}`, and how it reads JSON bodies."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.fakes.housing_inspection.incoming import problems_of

_JSON_LIMIT_BYTES = 1024 * 1024

Body = TypeVar("Body", bound=BaseModel)


class Refusal(Exception):
    """Ends a request with an error reply; `more` joins the error object."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        """`message` is for the developer on the other side: it names the field and the remedy."""
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message, "fields": [], **more}

    def reply(self) -> Response:
        """The HTTP reply."""
        headers = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        return JSONResponse({"error": self.error}, self.status, headers)


async def read_up_to(request: Request, limit_bytes: int) -> bytes:
    """The whole body; Refusal 413 when it is longer than the limit.

    A body that is too long is still read to its end: many clients see a reply only after they have sent everything.
    """
    body = bytearray()
    async for part in request.stream():
        if len(body) <= limit_bytes:
            body += part
    if len(body) > limit_bytes:
        raise Refusal(413, "too_large", f"The body is larger than {limit_bytes} bytes; send less.")
    return bytes(body)


async def read_json(request: Request, shape: type[Body]) -> Body:
    """The JSON body, strictly of this shape; Refusal 400, 413, 415 or 422 otherwise."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Refusal(415, "unsupported_media_type", "Send the body as application/json.")
    body = await read_up_to(request, _JSON_LIMIT_BYTES)
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise Refusal(400, "bad_json", "The body is not JSON in UTF-8.") from None
        raise invalid(problems_of(error)) from None


def invalid(fields: list[dict[str, str]]) -> Refusal:
    """The reply to fields that are wrong: each `{field, problem}`."""
    named = "; ".join(f"{fault['field'] or 'body'}: {fault['problem']}" for fault in fields)
    return Refusal(422, "validation_failed", named, fields=fields)
