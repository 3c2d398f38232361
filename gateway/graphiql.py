"""GraphiQL for developers, from our own disk: no CDN, no foreign origin. Shown in development only.

The bundle is made by `make graphiql` from `portal/graphiql` with its tabs from `portal/operations`. Until it is made
the page says so.
"""

from __future__ import annotations

from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from store.home import PROJECT

BUNDLE = PROJECT / "portal" / "graphiql" / "dist"
PREFIX = "/graphiql"

# The editor (monaco) writes its styles into the page and runs its language services in workers.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Okno: GraphiQL is not built yet</title></head>
<body>
<h1>GraphiQL is not built yet</h1>
<p>Run <code>make graphiql</code> in the project folder and reload this page. The endpoint itself works:
<code>POST /graphql</code>.</p>
<p lang="ru">GraphiQL ещё не собран. Выполните <code>make graphiql</code> в папке проекта и обновите страницу. Сам адрес работает:
<code>POST /graphql</code>.</p>
</body>
</html>
"""


class GraphiQL:
    """The page and its files."""

    def __init__(self, bundle: Path = BUNDLE) -> None:
        self._bundle = bundle

    def page(self) -> Response:
        """What a browser gets at `/graphql`. Read anew each time: the bundle may be built while we run."""
        page = self._bundle / "index.html"
        built = page.is_file()
        html = page.read_text(encoding="utf-8") if built else _NOT_BUILT
        headers = {"content-security-policy": CONTENT_POLICY, "vary": "Accept", "cache-control": "no-cache"}
        return HTMLResponse(html, status_code=200 if built else 503, headers=headers)

    def files(self) -> Mount:
        return Mount(PREFIX, StaticFiles(directory=self._bundle, check_dir=False), name="graphiql")
