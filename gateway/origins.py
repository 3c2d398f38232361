"""Web pages of other origins: which may read our answers, said to their browsers as CORS wants it.

Nobody may unless the operator lists the exact origin. Cookies and other credentials are never allowed: sign-in is a bearer token that the page itself
adds, so a foreign page cannot use anybody's sign-in.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

ALLOWED_HEADERS = (
    "accept",
    "accept-language",
    "apollo-require-preflight",
    "authorization",
    "content-type",
    "last-event-id",
    "x-okno-written",
    "x-request-id",
    "x-requested-with",
)
EXPOSED_HEADERS = ("etag", "retry-after", "x-okno-written", "x-request-id")
_PREFLIGHT_HOLDS_S = 7200


def add_origin_headers(headers: MutableHeaders, asked: Headers, origins: frozenset[str]) -> None:
    """Let the browser of a listed origin read the answer, and caches know that the origin matters."""
    if not origins:
        return
    headers.add_vary_header("Origin")
    origin = asked.get("origin")
    if origin in origins:
        headers["access-control-allow-origin"] = str(origin)
        headers["access-control-expose-headers"] = ", ".join(EXPOSED_HEADERS)
        headers["cross-origin-resource-policy"] = "cross-origin"


def preflight(asked: Headers, origins: frozenset[str]) -> Response | None:
    """The answer to a browser that asks before it sends; None when this is no such question, or not from a listed origin."""
    if asked.get("origin") not in origins or "access-control-request-method" not in asked:
        return None
    return Response(
        status_code=204,
        headers={
            "access-control-allow-methods": "GET, POST",
            "access-control-allow-headers": ", ".join(ALLOWED_HEADERS),
            "access-control-max-age": str(_PREFLIGHT_HOLDS_S),
        },
    )
