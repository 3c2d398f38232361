"""The dry run: a connector that shows what would be sent and never sends it."""

from __future__ import annotations

from collections import deque

from connectors.base import Call, Connector, NotSent, Reply, Request

_MOST_KEPT = 1000


class CapturingConnector:
    """Renders every call through the real connector and keeps the exact requests, the newest thousand at the most."""

    def __init__(self, inner: Connector) -> None:
        """`inner` is asked to render only; it may be made without a wire."""
        self._inner = inner
        self.requests: deque[Request] = deque(maxlen=_MOST_KEPT)

    async def send(self, call: Call) -> Reply:
        """Keeps the request, then raises NotSent with it: nothing left this process, and nothing came back."""
        request = self.render(call)
        raise NotSent("a dry run: the request was rendered and not sent", request=request)

    def render(self, call: Call) -> Request:
        """Keeps and returns the request. Raises NotSent when it cannot be built."""
        request = self._inner.render(call)
        self.requests.append(request)
        return request

    async def close(self) -> None:
        """Closes the inner connector."""
        await self._inner.close()
